"""Frozen parts: weights that a training does not change, as of an encoder that was trained before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vaekit.errors import InvalidError, did_you_mean


@contextmanager
def frozen(model: nn.Module, parts: Sequence[str]) -> Iterator[None]:
    """Inside the block, the weights of some parts require no gradient.

    Batch normalization in them keeps its running statistics.

    Args:
        model: what is trained.
        parts: names of its modules or weights, such as `encoder` or `decoder.network`.

    Raises:
        InvalidError: the model has no such part, or nothing is left to train.

    >>> model = nn.ModuleDict({"encoder": nn.Linear(2, 2), "decoder": nn.Linear(2, 2)})
    >>> with frozen(model, ["encoder"]):
    ...     [name for name, weight in model.named_parameters() if weight.requires_grad]
    ['decoder.weight', 'decoder.bias']
    """
    check_parts(model, parts, "training.freeze")
    weights = [w for name, w in model.named_parameters() if w.requires_grad and is_in(name, parts)]
    norms = [m for name, m in model.named_modules() if isinstance(m, _BatchNorm) and is_in(name, parts)]
    momenta = [norm.momentum for norm in norms]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        for norm in norms:
            norm.momentum = 0.0
        if parts and not any(weight.requires_grad for weight in model.parameters()):
            raise InvalidError(f"training.freeze: {', '.join(parts)}: nothing is left to train; freeze less")
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def is_in(name: str, parts: Sequence[str]) -> bool:
    """Whether a weight or module belongs to one of some parts.

    >>> is_in("encoder.layers.0.weight", ["encoder"]), is_in("encoder2.weight", ["encoder"])
    (True, False)
    """
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def check_parts(model: nn.Module, parts: Sequence[str], where: str) -> None:
    """Refuse names that no part of a model has.

    Args:
        where: the key that names them.

    Raises:
        InvalidError: the model has no such part, or one without weights.

    >>> check_parts(nn.ModuleDict({"encoder": nn.Linear(2, 2)}), ["encodr"], "training.freeze")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: training.freeze: the model has no weights in 'encodr'; did you mean 'encoder'?
    """
    names = list(model.state_dict())
    for part in parts:
        if not any(is_in(name, [part]) for name in names):
            tops = list(dict.fromkeys(name.partition(".")[0] for name in names))
            raise InvalidError(
                f"{where}: the model has no weights in {part!r}"
                f"{did_you_mean(part, tops) or '; its parts are ' + ', '.join(tops)}"
            )
