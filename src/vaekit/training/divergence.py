"""Find where a number that is not finite came from.

If weights are not finite, the gradient of an earlier step was not. Otherwise the terms of the bound are
checked in the order in which they are computed. To find the layer, a second pass over the same batch checks
the output of each module, and then the gradients are checked. Of several weights or gradients, the one
nearest to the loss is reported, because backpropagation reaches it first.
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
    """The term that is not finite, and the layer where it first appeared; empty if that is not known.

    >>> Cause("log_px", "the output of decoder")
    Cause(term='log_px', layer='the output of decoder')
    """

    term: str
    layer: str


def find_cause(
    model: nn.Module, x: Tensor, bound: ELBOTerms, loss: Tensor, again: Callable[[], object]
) -> Cause:
    """The cause of a loss or gradient that is not finite.

    Args:
        model: the model with the weights and gradients of that step.
        x: (B, C, H, W), the images of that step.
        bound, loss: the terms and the loss that were computed.
        again: computes the terms of the same images again.

    >>> from types import SimpleNamespace
    >>> bad, good = torch.tensor([torch.inf]), torch.ones(1)
    >>> terms = SimpleNamespace(log_px=bad, computed={"kl": good})
    >>> find_cause(nn.Linear(1, 1), good, terms, bad, lambda: None)
    Cause(term='log_px', layer='')
    """
    if culprit := nonfinite_weight(model):
        return Cause("gradient", culprit)
    terms = {
        "data": x,
        "log_px": bound.log_px,
        **bound.computed,
        "loss": loss,
    }
    term = next((name for name, value in terms.items() if not _finite(value)), "gradient")
    return Cause(term, _output(model, again) or _gradient(model))


def divergence_message(
    cause: Cause, position: Position, settings: TrainingSettings, good: Path | None
) -> str:
    """The message of a divergence, in one line: what, where, the last good checkpoint, what to change.

    >>> divergence_message(Cause("loss", ""), Position(), TrainingSettings(), None).partition(";")[0]
    'training diverged at epoch 1, step 1: loss is not finite'
    """
    where = f", first in {cause.layer}" if cause.layer else ""
    saved = f"the last good checkpoint is {good}" if good else "there is no checkpoint yet"
    return (
        f"training diverged at epoch {position.epoch}, step {position.step + 1}: "
        f"{cause.term} is not finite{where}"
        f"; {saved}; try {', '.join(_advice(cause.term, position, settings))}"
    )


def _advice(term: str, position: Position, settings: TrainingSettings) -> list[str]:
    if term == "data":
        return ["data that are finite and in [0, 1]"]
    advice = [f"a smaller training.learning_rate (now {settings.learning_rate * 0.5**position.rollbacks:g})"]
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
    """The name of the weights nearest to the loss that are not finite; empty if all are finite.

    >>> layer = nn.Linear(1, 1)
    >>> nonfinite_weight(layer)
    ''
    >>> _ = layer.weight.data.fill_(torch.nan)
    >>> nonfinite_weight(layer)
    'the weights weight'
    """
    named = reversed(list(model.named_parameters()))
    return next((f"the weights {name}" for name, p in named if not _finite(p)), "")


def _gradient(model: nn.Module) -> str:
    named = reversed(list(model.named_parameters()))
    wrong = (name for name, p in named if p.grad is not None and not _finite(p.grad))
    return next((f"the gradient of {name}" for name in wrong), "")


def _output(model: nn.Module, again: Callable[[], object]) -> str:
    """The first module, in order of computation, whose output is not finite."""
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
