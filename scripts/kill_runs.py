"""Kill runs at random moments, resume them, and compare them with runs that were never killed.

    python scripts/kill_runs.py [--kills 200] [--seed 0] [--kinds digits,table] [--folder DIR]

Each round takes one kind of recipe and one task: training with figures and report, an evaluation, or a
study. The task runs in a process that is killed at a random moment, by SIGKILL, SIGTERM or Ctrl-C, up to
ten times, and is then resumed to its end. Then it must have the weights, metrics, evaluation and files of
the same task that was never killed. SIGTERM and Ctrl-C must end with code 130 and one line. The moment is a
random one in time, or a random operation: a step, a batch that was measured, or a file about to be renamed or
just synced.

The processes are forks of this one, which has imported torch; that is only sound with one thread.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

SMALL = ("data.train=40", "data.validation=20", "data.test=20", "training.epochs=3", "training.batch_size=20",
         "training.threads=1", "training.sample_every=2")  # fmt: skip
DIGITS = ("data.dataset=digits", *SMALL)
THIN = "{kind: dense, hidden_sizes: [16]}"
KINDS: dict[str, tuple[str, ...]] = {
    "digits": ("digits", *SMALL),
    "checkpoints": ("digits", *SMALL, "training.checkpoint_steps=1", "training.ema=0.9"),
    "rollback": ("digits", *SMALL, "training.on_nan=rollback", "training.patience=2"),
    "labels": ("mnist-cvae", *DIGITS, f"model.encoder.network={THIN}", f"model.decoder.network={THIN}"),
    "vamp": ("mnist-vamp", *DIGITS, "model.prior.components=5"),
    "layers": ("mnist-hvae", *DIGITS),
    "autoencoder": ("mnist-conv-ae", "data.dataset=mnist", *SMALL),
    "convolutional": ("mnist-conv", "data.dataset=mnist", *SMALL),
    "flow": ("digits", *SMALL, "model.encoder.posterior=flow"),
    "missing": ("digits", *SMALL, "data.missing=half:left"),
    "gaussian": ("digits", *SMALL, "data.binarization=none", "model.decoder.likelihood=gaussian"),
    "categorical": ("digits", *SMALL, "data.binarization=none", "model.decoder.likelihood=categorical"),
    "own component": ("digits", *SMALL, "model.prior=own.py:wide"),
    "table": ("--data", "table.csv", "training.epochs=3", "training.threads=1"),
    "counts": ("--data", "counts.csv", "training.epochs=3", "training.threads=1"),
    "pictures": ("--data", "pictures.npy", "training.epochs=3", "training.threads=1"),
}
EVALUATE = ("--samples", "20", "--images", "15")
STUDY = """
name: killed
title: A study to kill
runs:
  - {name: "vae-{d}", recipe: digits, grid: {d: [2, 3]}, overrides: ["model.latent_dim={d}", OVERRIDES]}
presets: {quick: {seeds: 1, evaluate: {samples: 5, images: 10}}}
page: [table]
"""
OWN = """
import torch
import vaekit
from vaekit.models.priors import standard_normal

@vaekit.register("prior")
def wide(context):
    return standard_normal(context)
"""
MOST_KILLS = 10  # of one task
TIMING = ("seconds", "images_per_second")
IGNORED = re.compile(r"(^|/)(\.lock|\.pid)$|^checkpoint/|\.npz\.lock$")
Hook = Callable[[], None]


class Outcome(NamedTuple):
    """How a process ended: its exit code (negative for a signal), stderr, seconds, and counted operations."""

    code: int
    stderr: str
    seconds: float
    operations: int


def run_command(
    words: Sequence[str], folder: Path, at: int = 0, sign: int = 0, after: float = 0.0
) -> Outcome:
    """Run `vaekit WORDS` in a fork of this process.

    Args:
        folder: the working folder.
        at: the operation at which the process sends itself the signal; 0 for none.
        sign: the signal.
        after: the seconds after which it gets the signal; 0 for none.
    """
    errors, count = folder / ".stderr", folder / ".operations"
    start = time.monotonic()
    process = os.fork()
    if process == 0:
        _child(words, folder, errors, count, at, sign)
    ended, status = 0, 0
    while after and time.monotonic() - start < after and not ended:
        ended, status = os.waitpid(process, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        if after:
            os.kill(process, sign)
        _, status = os.waitpid(process, 0)
    operations = int(count.read_text() or 0) if count.exists() else 0
    text = errors.read_text(errors="replace") if errors.is_file() else ""  # killed before it began
    return Outcome(os.waitstatus_to_exitcode(status), text, time.monotonic() - start, operations)


def _child(words: Sequence[str], folder: Path, errors: Path, count: Path, at: int, sign: int) -> None:
    """Become `vaekit WORDS`, and never return."""
    code = 70
    try:
        from vaekit.utils import io as files

        os.chdir(folder)
        for number, path in ((1, os.devnull), (2, errors)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, number)
        sys.argv = ["vaekit", *words]
        files._BEGAN = time.time()  # this process began now
        done = _count_operations(at, sign)
        from vaekit.__main__ import main

        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        count.write_text(str(done()))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _count_operations(at: int, sign: int) -> Callable[[], int]:
    """Count steps, measured batches, and renamed and synced files; send a signal at one of them."""
    from vaekit.evaluation.resumable import ResumableResults
    from vaekit.training.train_state import TrainState

    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if done == at:
            os.kill(os.getpid(), sign)

    def before(place: object, name: str) -> None:
        call = getattr(place, name)

        def counted(*args: object, **named: object) -> object:
            tick()
            return call(*args, **named)

        setattr(place, name, counted)

    def after(place: object, name: str) -> None:
        call = getattr(place, name)

        def counted(*args: object, **named: object) -> object:
            result = call(*args, **named)
            tick()
            return result

        setattr(place, name, counted)

    before(os, "replace")
    after(os, "fsync")
    before(TrainState, "step")
    before(ResumableResults, "add")
    return lambda: done


class Killer:
    """Kills tasks and compares what comes of them.

    Args:
        folder: where everything is written.
        seed: of the kinds, tasks and moments.
        kinds: the kinds of recipes.
    """

    def __init__(self, folder: Path, seed: int, kinds: Sequence[str]):
        self.folder, self.random, self.kinds = folder, random.Random(seed), list(kinds)
        self.whole: dict[str, tuple[Path, dict[str, Outcome]]] = {}
        self.kills: Counter[str] = Counter()
        self.rounds = 0
        self.problems: list[str] = []

    def round(self, number: int) -> None:
        """Kill one task several times, finish it, and compare."""
        kind = self.kinds[number % len(self.kinds)]
        task = self.random.choices(("train", "evaluate", "study"), (6, 3, 1))[0]
        whole, outcomes = self._whole(kind, task)
        cut = self._folder(f"cut-{number}")
        if task == "evaluate":
            shutil.copytree(whole / "run", cut / "run")
            for file in (cut / "run").glob("evaluation*"):
                file.unlink()
        self._kill(kind, task, cut, outcomes[task])
        if task == "train":
            run_command(self._words(kind, "evaluate", cut), cut)
        label = f"round {number}, {kind}, {task}"
        found = differences(whole, cut, task) or unfinished(cut, task)
        self.problems += [f"{label}: {found} (in {cut})"] if found else []
        self.rounds += 1
        if not found:
            shutil.rmtree(cut)

    def _kill(self, kind: str, task: str, cut: Path, whole: Outcome) -> None:
        for _ in range(self.random.randint(1, MOST_KILLS)):
            sign = self.random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            words, began = self._words(kind, task, cut), _moment(cut)
            if self.random.random() < 0.7:
                outcome = run_command(words, cut, at=self.random.randint(1, whole.operations), sign=sign)
            else:
                outcome = run_command(words, cut, sign=sign, after=self.random.uniform(0.01, whole.seconds))
            if outcome.code == 0:  # it had ended before
                return
            self.kills[f"{task}: {_moment(cut) if task == 'train' else task}"] += 1
            self._check_end(f"{kind}, {task}, {words[0]} at {began!r}", sign, outcome)
        for _ in range(2):
            outcome = run_command(self._words(kind, task, cut), cut)
            if outcome.code == 0 or "all " in outcome.stderr or "early stopping ended" in outcome.stderr:
                return
        self.problems.append(f"{kind}, {task}: code {outcome.code}, {outcome.stderr.strip()[-300:]}")

    def _check_end(self, label: str, sign: int, outcome: Outcome) -> None:
        lines = [line for line in outcome.stderr.splitlines() if line.strip()]
        if sign == signal.SIGKILL and outcome.code == -signal.SIGKILL:
            return
        said = lines and lines[-1].startswith("interrupted")
        if outcome.code != 130 or not said or "Traceback" in outcome.stderr:
            self.problems.append(f"{label}, signal {sign}: code {outcome.code}, {outcome.stderr[-600:]!r}")

    def _words(self, kind: str, task: str, cut: Path) -> tuple[str, ...]:
        if task == "study":
            return ("study", "study.yaml", "--preset", "quick", "--jobs", "1", "--resume", "-o", "run")
        trust = ("--trust", "own.py") if kind == "own component" else ()
        if task == "evaluate":
            return ("evaluate", "run", *EVALUATE, *trust)
        if (cut / "run" / "recipe.yaml").exists():
            return ("train", "--resume", "run", *trust)
        return ("train", *KINDS[kind], "--run-dir", "run")

    def _whole(self, kind: str, task: str) -> tuple[Path, dict[str, Outcome]]:
        """The folder of the tasks that are never killed, and how they ended."""
        key = "study" if task == "study" else kind
        if key not in self.whole:
            folder = self._folder(f"whole-{key.replace(' ', '-')}")
            tasks = ("study",) if key == "study" else ("train", "evaluate")
            outcomes = {name: run_command(self._words(kind, name, folder), folder) for name in tasks}
            for name, outcome in outcomes.items():
                if outcome.code:
                    raise SystemExit(f"{kind}, {name}: code {outcome.code}, {outcome.stderr}")
            self.whole[key] = folder, outcomes
        return self.whole[key]

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        write_inputs(folder)
        return folder


def prepare() -> None:
    """Import what the forks need, and let them draw few, small figures, which are most of the time."""
    import torch
    from matplotlib.figure import Figure

    import vaekit.cli.evaluate
    import vaekit.cli.study
    import vaekit.cli.train
    import vaekit.engine.conditional_plots
    import vaekit.engine.plots
    import vaekit.engine.table_plots
    import vaekit.plotting
    import vaekit.runs.train
    import vaekit.studies.run_study

    torch.set_num_threads(1)
    for module in (vaekit.engine.plots, vaekit.engine.conditional_plots, vaekit.engine.table_plots):
        module.report_plots = _first_of(module.report_plots)
    vaekit.engine.plots.latent_plots = lambda trained: {}
    save = Figure.savefig
    Figure.savefig = lambda self, *args, **options: save(self, *args, **options | {"dpi": 30})


def _first_of(report_plots: Callable[..., dict]) -> Callable[..., dict]:
    return lambda trained: dict(list(report_plots(trained).items())[:1])


def write_inputs(folder: Path) -> None:
    """Data of the user, a component of his own, and a study."""
    noise = np.random.default_rng(0)
    words = noise.choice(["x", "y"], 80)
    rows = noise.normal(size=(80, 2)) @ [[1.0, 0.5], [0.0, 2.0]]
    lines = [f"{a:.4f},{100 * b:.3f},{word}" for (a, b), word in zip(rows, words, strict=True)]
    (folder / "table.csv").write_text("a,b,c\n" + "\n".join(lines) + "\n")
    counts = noise.poisson(5, (80, 4))
    (folder / "counts.csv").write_text(
        "p,q,r,s\n" + "\n".join(",".join(map(str, row)) for row in counts) + "\n"
    )
    np.save(folder / "pictures.npy", noise.integers(0, 256, (60, 8, 8), dtype=np.uint8))
    (folder / "own.py").write_text(OWN)
    overrides = ", ".join(f'"{text}"' for text in SMALL)
    (folder / "study.yaml").write_text(STUDY.replace("OVERRIDES", overrides))


def differences(whole: Path, cut: Path, task: str) -> str:
    """What differs between a task that was killed and one that was not; empty if nothing does."""
    runs = sorted(file.parent for file in whole.glob("run/**/recipe.yaml"))
    for run in runs:
        other = cut / run.relative_to(whole)
        found = _run_difference(run, other)
        if found:
            return f"{other.name}: {found}"
    if task == "study":
        here, there = (_results(folder / "run") for folder in (whole, cut))
        return "" if here == there else "results.json differs"
    return ""


def _run_difference(run: Path, other: Path) -> str:
    files, others = _files(run), _files(other)
    if files != others:
        return f"files: {sorted(files - others)} are missing, {sorted(others - files)} are more"
    for name in ("model/model.safetensors", "model/config.json", "recipe.yaml"):
        if _anywhere(run, name) != _anywhere(other, name):
            return f"{name} differs"
    if _metrics(run) != _metrics(other):
        return "metrics.jsonl differs"
    for name in ("evaluation.json",):
        if (run / name).is_file() and _untimed(run / name) != _untimed(other / name):
            return f"{name} differs"
    if (run / "evaluation.npz").is_file():
        one, two = np.load(run / "evaluation.npz"), np.load(other / "evaluation.npz")
        if any(not np.array_equal(one[key], two[key], equal_nan=True) for key in one.files):
            return "evaluation.npz differs"
    pictures = [name for name in files if name.endswith(".png") and "curves" not in name]
    changed = [name for name in pictures if (run / name).read_bytes() != (other / name).read_bytes()]
    return f"pictures differ: {', '.join(changed)}" if changed else ""


def unfinished(cut: Path, task: str) -> str:
    """What is not complete after a task was resumed; empty if all is."""
    marks = [file.parent / "finished.json" for file in cut.glob("run/**/recipe.yaml")]
    return ", ".join(f"no {mark.relative_to(cut)}" for mark in marks if not mark.is_file())


def _files(run: Path) -> set[str]:
    names = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()}
    return {name for name in names if not IGNORED.search(name)}


def _anywhere(run: Path, name: str) -> bytes:
    """The content of a file, without the seal and the folders: a copied run names that of its original."""
    content = re.sub(rb"/[^\s\"']*/(cut|whole)-[\w-]+", b"FOLDER", (run / name).read_bytes())
    return re.sub(rb'# sha256.*|"sha256": "\w+"', b"", content)


def _metrics(run: Path) -> list[dict]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMING} for line in lines]


def _untimed(file: Path) -> dict:
    return {k: v for k, v in json.loads(file.read_text()).items() if k not in (*TIMING, "sha256", "arrays")}


def _results(folder: Path) -> object:
    def plain(value: object) -> object:
        if isinstance(value, dict):
            hidden = (*TIMING, "seconds_per_epoch", "date", "environment", "tables", "command")
            return {k: plain(v) for k, v in value.items() if k not in hidden}
        return [plain(part) for part in value] if isinstance(value, list) else value

    return plain(json.loads((folder / "results.json").read_text()))


def _moment(folder: Path) -> str:
    """How far a training has come, by its files."""
    run = folder / "run"
    if not (run / "recipe.yaml").exists():
        return "before recipe.yaml"
    if not any((run / "checkpoint").glob("0*")):
        return "before the first checkpoint"
    if (run / "finished.json").exists():
        return "after the end"
    return "figures and report" if (run / "model" / "config.json").exists() else "training"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    prepare()
    folder = chosen.folder or Path(tempfile.mkdtemp())
    os.environ.setdefault("VAEKIT_CACHE", str(folder / "cache"))
    killer, number = Killer(folder, chosen.seed, chosen.kinds.split(",")), 0
    while killer.kills.total() < chosen.kills:
        killer.round(number)
        number += 1
        print(f"{killer.kills.total()} kills, {len(killer.problems)} problems", file=sys.stderr, flush=True)
    for moment, count in sorted(killer.kills.items()):
        print(f"{count:4d} kills, {moment}")
    print(f"{killer.kills.total()} kills of {killer.rounds} tasks of {len(killer.kinds)} kinds")
    print("\n".join(killer.problems) or "nothing differs, and every run is complete")
    sys.exit(bool(killer.problems))


if __name__ == "__main__":
    main()
