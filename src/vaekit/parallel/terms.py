"""`ELBOTerms` of a whole batch from those of its parts.

Every tensor with one value per data point is gathered: log p(x | z), log p(z) and log q(z | x), the KL,
auxiliary terms, and, where an objective asks for the latents, their samples and the parameters of their
distributions. All travel in one message per type of number.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Transform

from vaekit.models.elbo import ELBOTerms, LatentTerms
from vaekit.parallel.rows import Shard, gather_rows

Visit = Callable[[Tensor, int], Tensor]


def gather_terms(terms: ELBOTerms, shard: Shard) -> ELBOTerms:
    """The terms of the whole batch, the same in all processes, with gradients to those of this one.

    Args:
        terms: of the rows of this process.
        shard: the part of the batch.

    >>> terms = ELBOTerms(torch.zeros(3, 5), analytic_kl=torch.ones(1, 5))
    >>> gather_terms(terms, Shard(5, 0, 1)).kl.shape
    torch.Size([1, 5])
    """
    found: list[tuple[Tensor, int]] = []

    def collect(tensor: Tensor, axis: int) -> Tensor:
        found.append((tensor, axis))
        return tensor

    map_rows(terms, collect, shard.length)
    whole = iter(gather_all(found, shard))
    return map_rows(terms, lambda tensor, axis: next(whole), shard.length, shard.n)


def gather_all(tensors: list[tuple[Tensor, int]], shard: Shard) -> list[Tensor]:
    """Whole tensors from their parts, given with the dimension of the rows; one message per type of number.

    >>> gather_all([(torch.ones(2, 3), 1)], Shard(3, 0, 1))[0].shape
    torch.Size([2, 3])
    """
    whole: list[Tensor | None] = [None] * len(tensors)
    for dtype in dict.fromkeys(tensor.dtype for tensor, _ in tensors):
        places = [place for place, (tensor, _) in enumerate(tensors) if tensor.dtype == dtype]
        moved = [tensors[place][0].movedim(tensors[place][1], 0) for place in places]
        rows = gather_rows(torch.cat([tensor.flatten(1) for tensor in map(_matrix, moved)], 1), shard)
        parts = rows.split([tensor[0].numel() for tensor in moved], 1)
        for place, tensor, part in zip(places, moved, parts, strict=True):
            whole[place] = part.reshape(shard.n, *tensor.shape[1:]).movedim(0, tensors[place][1])
    return [tensor for tensor in whole if tensor is not None]


def map_rows(terms: ELBOTerms, visit: Visit, length: int, n: int | None = None) -> ELBOTerms:
    """A copy of the terms in which each tensor with rows is replaced by `visit(tensor, axis)`.

    Args:
        terms: of `length` data points.
        visit: called in the same order every time.
        length: the number of data points.
        n: the number of data points of the copy, for its distributions; as before if None.
    """
    n = length if n is None else n
    at = lambda tensor, axis: None if tensor is None else visit(tensor, axis)
    latents = terms._latents
    return ELBOTerms(
        visit(terms.log_px, 1),
        at(terms._log_pz, 2),
        at(terms._log_qz, 2),
        at(terms.analytic_kl, 1),
        latents=latents and [_map_latent(latent, visit, length, n) for latent in latents],
        auxiliary={name: visit(term, 0) for name, term in terms.auxiliary.items()},
        log_px_parts=at(terms._log_px_parts, 2),
        is_bound=terms.is_bound,
    )


def _map_latent(latent: LatentTerms, visit: Visit, length: int, n: int) -> LatentTerms:
    q, p = (map_distribution(each, visit, length, n) for each in (latent.q, latent.p))
    return LatentTerms(visit(latent.sample, 1), q, p)


def map_distribution(distribution: Distribution, visit: Visit, length: int, n: int) -> Distribution:
    """A copy of a distribution over `length` data points, the last of its batch dimensions, for n of them.

    Each of its tensors with that dimension is replaced; one without batch dimensions is returned as it is.

    >>> from torch.distributions import Independent, Normal
    >>> normal = Independent(Normal(torch.zeros(4, 2), torch.ones(4, 2)), 1)
    >>> map_distribution(normal, lambda tensor, axis: tensor[:3], 4, 3).sample().shape
    torch.Size([3, 2])
    """
    axis = len(distribution.batch_shape) - 1
    if axis < 0 or distribution.batch_shape[axis] != length:
        return distribution
    return _map_value(distribution, visit, axis, length, n)


def _map_value(value: Any, visit: Visit, axis: int, length: int, n: int) -> Any:
    again = lambda inner: _map_value(inner, visit, axis, length, n)
    has_rows = lambda shape: len(shape) > axis and shape[axis] == length
    if isinstance(value, Tensor):
        return visit(value, axis) if has_rows(value.shape) else value
    if isinstance(value, torch.Size):
        return torch.Size([*value[:axis], n, *value[axis + 1 :]]) if has_rows(value) else value
    if isinstance(value, Mapping):
        return {name: again(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(again(inner) for inner in value)
    if not isinstance(value, Distribution | Transform):
        return value
    made = copy.copy(value)
    kept = {"_event_shape"}
    made.__dict__.update({name: again(inner) for name, inner in vars(value).items() if name not in kept})
    return made


def _matrix(tensor: Tensor) -> Tensor:
    return tensor[:, None] if tensor.dim() == 1 else tensor
