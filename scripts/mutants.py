"""Bugs seeded on purpose: each must make a test fail.

    python scripts/mutants.py [--most N] [--seed S] [--module NAME] [--list]

A mutant is a mathematical module with one change: a sign, swapped operands or arguments, `mean` for `sum`, a
bound that is no longer strict, a half that is one. It is killed where a test of the module fails, or does not
end in time; a survivor is a bug that nobody would see. Prints each mutant, and how many were killed; exits
with 1 where one survives that `EQUIVALENT` does not explain.

Each runs in a fork of a process that has imported PyTorch, so on Linux and macOS alone.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "vaekit"
PATIENCE = 120  # seconds; a mutant that takes longer is killed

SUBJECTS = {  # module -> the tests that stand for it
    "distributions.pixels": ("distributions/test_pixels.py", "models/test_heads.py"),
    "distributions.operations": (
        "distributions/test_pixels.py",
        "models/test_heads.py",
        "models/test_priors.py",
    ),
    "distributions.normal": (
        "distributions/test_normal.py",
        "distributions/test_pixels.py",
        "models/test_heads.py",
    ),
    "distributions.mixture": (
        "distributions/test_mixture.py",
        "models/test_priors.py",
        "distributions/test_pixels.py",
    ),
    "nn.layers": ("nn/test_layers.py", "nn/test_networks.py"),
    "data.observation": ("data/test_observation.py", "data/test_binarization.py"),
    "models.head": ("models/test_heads.py", "models/test_conditional.py", "models/test_oracles.py"),
    "models.likelihoods": ("models/test_heads.py", "models/test_oracles.py"),
    "models.posteriors": ("models/test_heads.py", "models/test_conditional.py", "models/test_oracles.py"),
    "models.flows": ("models/test_flows.py", "models/test_priors.py"),
    "models.objectives": ("models/test_objectives.py",),
    "models.elbo": ("models/test_vae.py", "models/test_objectives.py"),
    "models.vae": (
        "models/test_vae.py",
        "models/test_oracles.py",
        "models/test_objectives.py",
        "models/test_imputation.py",
    ),
    "models.priors": ("models/test_priors.py", "models/test_vae.py"),
    "models.conditional": ("models/test_conditional.py", "models/test_vae.py", "models/test_oracles.py"),
    "models.masking": (
        "models/test_vae.py",
        "models/test_imputation.py",
        "evaluation/test_importance_sampling.py",
    ),
    "models.vampprior": ("models/test_priors.py", "distributions/test_mixture.py"),
    "models.labels": ("models/test_labels.py", "evaluation/test_label_inference.py"),
    "models.imputation": ("models/test_imputation.py",),
    "config.propose": ("config/test_propose.py",),
    "evaluation.importance_sampling": (
        "evaluation/test_importance_sampling.py",
        "evaluation/test_label_inference.py",
    ),
    "evaluation.importance_weights": (
        "evaluation/test_importance_weights.py",
        "evaluation/test_importance_sampling.py",
    ),
    "evaluation.psis": ("evaluation/test_psis.py",),
    "evaluation.label_inference": ("evaluation/test_label_inference.py",),
    "evaluation.elbo_identities": ("evaluation/test_elbo_identities.py",),
    "evaluation.ais": ("evaluation/test_ais.py", "evaluation/test_bdmc.py"),
    "evaluation.bdmc": ("evaluation/test_bdmc.py",),
    "evaluation.elbo_surgery": ("evaluation/test_elbo_surgery.py",),
    "evaluation.reconstruction": ("evaluation/test_reconstruction.py", "evaluation/test_elbo_surgery.py"),
    "evaluation.confidence_intervals": ("evaluation/test_confidence_intervals.py",),
    "evaluation.sample_metrics": ("evaluation/test_sample_metrics.py",),
    "evaluation.grid_integration": ("evaluation/test_grid_integration.py",),
}
_SQUARED = "it is squared"
_EDGE = "no real number lies on the edge"
EQUIVALENT = {  # (module, change) -> why no test can see it
    (
        "distributions.mixture",
        "self.components.mean - self.mean.unsqueeze(-2) -> self.mean.unsqueeze(-2) - self.components.mean",
    ): _SQUARED,
    ("distributions.normal", "q.loc - base.loc -> base.loc - q.loc"): _SQUARED,
    ("evaluation.reconstruction", "scale < low + margin -> scale <= low + margin"): _EDGE,
    ("evaluation.reconstruction", "scale > high - margin -> scale >= high - margin"): _EDGE,
    (
        "evaluation.ais",
        "torch.rand_like(probability) < probability -> torch.rand_like(probability) <= probability",
    ): "the two are never equal",
    (
        "evaluation.elbo_identities",
        "self.x - self.weight @ q.mean -> self.weight @ q.mean - self.x",
    ): _SQUARED,
}

_OTHER = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_CALLS = {
    "mean": "sum",
    "sum": "mean",
    "logsumexp": "amax",
    "exp": "expm1",
    "log": "log1p",
    "log1p": "log",
    "softplus": "relu",
    "sigmoid": "tanh",
    "minimum": "maximum",
    "maximum": "minimum",
    "cumsum": "cumprod",
}


class Mutant(NamedTuple):
    """One change of a module: its line, what is changed, and the source with it."""

    module: str
    line: int
    change: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.change}"


def main() -> None:
    asked = _arguments()
    mutants = [m for module in asked.module or SUBJECTS for m in mutants_of(module)]
    random.Random(asked.seed).shuffle(mutants)
    chosen = mutants[: asked.most or None]
    if asked.list:
        print(*chosen, sep="\n")
        return
    sys.exit(1 if survivors(chosen) else 0)


def survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Those that no test sees; a line a mutant as it goes, and the count at the end."""
    import torch

    torch.set_num_threads(1)
    for module in {mutant.module for mutant in mutants}:
        if is_killed(Mutant(module, 0, "nothing", _path(module).read_text(encoding="utf-8"))):
            sys.exit(f"{module}: its tests fail without a mutant; see to them first")
    alive = []
    for number, mutant in enumerate(mutants, 1):
        killed, known = is_killed(mutant), (mutant.module, mutant.change) in EQUIVALENT
        word = "killed" if killed else "equivalent" if known else "SURVIVED"
        print(f"{number}/{len(mutants)} {word}: {mutant}", flush=True)
        if not killed and not known:
            alive.append(mutant)
    print(f"{len(mutants) - len(alive)} of {len(mutants)} mutants killed, or known to be equivalent")
    return alive


def mutants_of(module: str) -> Iterator[Mutant]:
    """Every change of a module that this file knows."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    for index, node in enumerate(ast.walk(tree)):
        for number, _ in enumerate(changes(node)):
            changed = copy.deepcopy(tree)
            target = next(other for at, other in enumerate(ast.walk(changed)) if at == index)
            before, line = ast.unparse(target), getattr(target, "lineno", 0)
            list(changes(target))[number]()
            change = " ".join(f"{before} -> {ast.unparse(target)}".split())
            yield Mutant(module, line, change, ast.unparse(ast.fix_missing_locations(changed)))


def _path(module: str) -> Path:
    return SOURCE / f"{module.replace('.', '/')}.py"


def changes(node: ast.AST) -> Iterator:
    """The ways to change a node, as functions that do it."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()) if not _is_of_types(node):
            yield lambda: setattr(node, "op", _OTHER[type(node.op)]())
            if isinstance(node.op, ast.Sub | ast.Div):
                yield lambda: _swap(node)
        case ast.UnaryOp(op=ast.USub()) if not isinstance(node.operand, ast.Constant):
            yield lambda: setattr(node, "op", ast.UAdd())
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() as op]):
            yield lambda: setattr(node, "ops", [_OTHER[type(op)]()])
        case ast.Constant(value=0.5):
            yield lambda: setattr(node, "value", 1.0)
        case ast.Call(func=ast.Attribute(attr=name)) if name in _CALLS:
            yield lambda: setattr(node.func, "attr", _CALLS[name])
        case ast.Call(func=ast.Name() | ast.Attribute(), args=[ast.Name(), ast.Name(), *_]) if (
            not _asks_a_kind(node)
        ):
            yield lambda: node.args.__setitem__(slice(0, 2), node.args[1::-1])


def _is_of_types(node: ast.BinOp) -> bool:
    """Whether a sum is of texts or lists, where a sign has no meaning."""
    return any(isinstance(side, ast.List | ast.Tuple | ast.JoinedStr) for side in (node.left, node.right))


def _asks_a_kind(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "getattr", "hasattr")


def _swap(node: ast.BinOp) -> None:
    node.left, node.right = node.right, node.left


def is_killed(mutant: Mutant) -> bool:
    """Whether the tests of its module fail with it."""
    child = os.fork()
    if child == 0:
        os._exit(_tested(mutant))
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _tested(mutant: Mutant) -> int:
    """The exit code of pytest on the mutant's tests."""
    import pytest

    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    sys.meta_path.insert(0, _Instead(mutant))
    tests = [str(ROOT / "tests" / name) for name in SUBJECTS[mutant.module]]
    return int(
        pytest.main(["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
    )


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module with the source of a mutant."""

    def __init__(self, mutant: Mutant):
        self.name, self.source = f"vaekit.{mutant.module}", mutant.source

    def find_spec(self, name: str, path: object = None, target: object = None):
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module) -> None:
        exec(compile(self.source, f"<mutant of {self.name}>", "exec"), module.__dict__)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=60, help="so many of all, at random; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--module", action="append", choices=SUBJECTS, help="of this module alone")
    parser.add_argument("--list", action="store_true", help="print the mutants, run none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
