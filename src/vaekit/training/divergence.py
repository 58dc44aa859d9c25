"""Where did a number that is not finite come from?

Weights that are not finite came of a gradient that was not, in a step before. Otherwise the terms of the
bound are looked at in the order in which they arise and, for the layer, the output of each module in a second
pass over the same batch, and the gradients. Of several weights or gradients, the one nearest to the loss was
the first to go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaekit.models.elbo import ELBOTerms
from vaekit.training.position import Position
from vaekit.training.settings import TrainingSettings
from vaekit.utils.random import seeded


class Cause(NamedTuple):
    """The term that is not finite, and where in the model it first showed; empty where that is not known."""

    term: str
    layer: str


def find_cause(
    model: nn.Module, x: Tensor, bound: ELBOTerms, loss: Tensor, again: Callable[[], object]
) -> Cause:
    """The cause of a loss or gradient that is not finite.

    Args:
        model: with the weights and gradients of that step.
        x: its images.
        evidence, loss: what came of them.
        again: computes the evidence of the same images once more.
    """
    if culprit := nonfinite_weight(model):
        return Cause("gradient", culprit)
    terms = {
        "data": x,
        "log_px": bound.log_px,
        "log_qz": bound.log_qz,
        "log_pz": bound.log_pz,
        "kl": bound.kl,
        "loss": loss,
    }
    term = next((name for name, value in terms.items() if not _finite(value)), "gradient")
    return Cause(term, _output(model, again) or _gradient(model))


def divergence_message(cause: Cause, state: Position, settings: TrainingSettings, good: Path | None) -> str:
    """One line: what, where, which checkpoint is good, what to change."""
    where = f", first in {cause.layer}" if cause.layer else ""
    kept = f"the last good checkpoint is {good}" if good else "there is no checkpoint yet"
    return (
        f"training diverged at epoch {state.epoch}, step {state.step + 1}: {cause.term} is not finite{where}"
        f"; {kept}; try {', '.join(_advice(cause.term, state, settings))}"
    )


def _advice(term: str, state: Position, settings: TrainingSettings) -> list[str]:
    if term == "data":
        return ["data that are finite and in [0, 1]"]
    advice = [f"a smaller training.learning_rate (now {settings.learning_rate * 0.5**state.rollbacks:g})"]
    if settings.gradient_clip is None:
        advice.append("training.gradient_clip=100")
    if settings.precision != "float32":
        advice.append("training.precision=float32")
    if term in ("log_px", "log_qz", "kl"):
        advice.append(
            f"bounds on the log-variance of the {'likelihood' if term == 'log_px' else 'posterior'}"
        )
    if settings.on_nan != "rollback":
        advice.append("training.on_nan=rollback")
    return advice


def nonfinite_weight(model: nn.Module) -> str:
    """The weights nearest to the loss that are not finite, by name; empty where all are finite."""
    named = reversed(list(model.named_parameters()))
    return next((f"the weights {name}" for name, p in named if not _finite(p)), "")


def _gradient(model: nn.Module) -> str:
    named = reversed(list(model.named_parameters()))
    wrong = (name for name, p in named if p.grad is not None and not _finite(p.grad))
    return next((f"the gradient of {name}" for name in wrong), "")


def _output(model: nn.Module, again: Callable[[], object]) -> str:
    """The first module whose output is not finite, in the order in which they are computed."""
    found: list[str] = []

    def watch(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and not _finite(output):
                found.append(name)

        return hook

    handles = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    with seeded(0), torch.no_grad():
        again()
    for handle in handles:
        handle.remove()
    return f"the output of {found[0]}" if found else ""


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())
