"""Batch normalization over a whole batch of which each process has a part (Ioffe and Szegedy 2015).

PyTorch's `SyncBatchNorm` works on GPUs only. Here mean and variance are sums over processes, with gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vaekit.utils.batch_sums import batch_sums


@contextmanager
def whole_batch_norm(model: nn.Module) -> Iterator[None]:
    """Inside the block, the batch normalizations of a model in training see the whole batch.

    >>> layer = nn.BatchNorm1d(2)
    >>> x = torch.randn(5, 2)
    >>> with whole_batch_norm(layer):
    ...     inside = layer(x)
    >>> bool((inside - nn.BatchNorm1d(2)(x)).abs().max() < 1e-5)
    True
    """
    with ExitStack() as after:
        for module in model.modules():
            if isinstance(module, _BatchNorm) and module.training:
                module.forward = partial(normalize, module)  # type: ignore[method-assign]
                after.callback(module.__dict__.pop, "forward")
        yield


def normalize(module: _BatchNorm, x: Tensor) -> Tensor:
    """(x - mean) / sqrt(variance + eps) over the whole batch, and an update of the running means.

    Args:
        module: the layer, in training mode.
        x: (B, C, ...), the rows of this process.
    """
    dims = [dim for dim in range(x.dim()) if dim != 1]
    shape = [-1 if dim == 1 else 1 for dim in range(x.dim())]
    total, count = batch_sums(x.sum(dims), torch.full_like(x[0, :1].flatten()[:1], x.numel() / x.shape[1]))
    mean = total / count
    centered = x - mean.reshape(shape)
    (square,) = batch_sums(centered.square().sum(dims))
    variance = square / count
    _update(module, mean.detach(), (square / (count - 1).clamp_min(1)).detach())
    y = centered * (variance + module.eps).rsqrt().reshape(shape)
    if module.weight is None:
        return y
    return y * module.weight.reshape(shape) + module.bias.reshape(shape)


@torch.no_grad()
def _update(module: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    if module.running_mean is None or module.running_var is None or module.num_batches_tracked is None:
        return
    module.num_batches_tracked.add_(1)
    share = 1 / float(module.num_batches_tracked) if module.momentum is None else module.momentum
    module.running_mean.lerp_(mean.to(module.running_mean), share)
    module.running_var.lerp_(variance.to(module.running_var), share)
