"""Gradient accumulation: one step of the optimizer for several batches.

The gradient of a mean over n data points is the mean of the gradients of its batches, each weighted by its
size:  grad L = sum_i (n_i / n) grad L_i.  This needs a loss that is a mean over data points. One that is not,
such as free bits, which compare the mean KL of a batch with a limit, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from vaekit.errors import InvalidError
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.training.batches import ImageSource, iterate_batches, read_ahead
from vaekit.training.settings import TrainingSettings

Batches = Iterator[tuple[Tensor, Tensor | None]]


def iterate_steps(
    images: ImageSource,
    order: Tensor,
    size: int,
    accumulate: int = 1,
    first: int = 0,
    rows_of: Callable[[int], slice] | None = None,
) -> Iterator[tuple[int, Batches]]:
    """The data points of each step: their number, and their batches.

    Args:
        images: the split.
        order: (N,) indices.
        size: the number of data points per batch.
        accumulate: the number of batches per step; the last step may have fewer.
        first: the number of steps to skip at the start.
        rows_of: the part of each batch that is computed here; see `iterate_batches`.

    >>> from types import SimpleNamespace
    >>> import torch
    >>> images = SimpleNamespace(device="cpu", labels=None, batch=lambda indices: indices)
    >>> [(n, [len(x) for x, y in parts]) for n, parts in iterate_steps(images, torch.arange(10), 3, 2)]
    [(6, [3, 3]), (4, [3, 1])]
    """
    read_ahead(images, order[first * size * accumulate :], size, rows_of)
    for indices in order.split(size * accumulate)[first:]:
        yield len(indices), iterate_batches(images, indices, size, rows_of=rows_of)


def check_accumulation(objective: Objective, settings: TrainingSettings, model: VAE | None = None) -> str:
    """Refuse to accumulate the gradients of a loss that is no mean over data points.

    Args:
        objective: what is minimized.
        settings: with `accumulate`.
        model: what is trained, if it is known.

    Returns:
        A warning, or an empty text.

    Raises:
        InvalidError: the sum of its gradients would not be that of the whole.

    >>> from functools import partial
    >>> from vaekit.models.objectives import elbo
    >>> check_accumulation(Objective(partial(elbo, free_bits=2.0)), TrainingSettings(accumulate=4))
    Traceback (most recent call last):
    vaekit.errors.InvalidError: training.accumulate: Objective(elbo, free_bits=2.0, samples=1, \
warmup_end=0 epochs) is no mean over data points, so batches cannot be added up; use a larger \
training.batch_size, or register it with batch_mean=True if it is one
    """
    if settings.accumulate == 1:
        return ""
    if not objective.is_batch_mean:
        raise InvalidError(
            f"training.accumulate: {objective} is no mean over data points, so batches cannot be added up; "
            "use a larger training.batch_size, or register it with batch_mean=True if it is one"
        )
    if model is not None and any(isinstance(module, _BatchNorm) for module in model.modules()):
        return f"warning: batch normalization sees each batch of {settings.batch_size} on its own"
    return ""
