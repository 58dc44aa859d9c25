"""Partially observed images, with NaN for missing values.

Pixels are independent given z, so the log-probability of the observed part is a sum over its pixels,

    log p(x_observed | z) = sum over observed i of log p(x_i | z).

The encoder sees 0 in place of missing pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent


def observed_mask(x: Tensor) -> Tensor | None:
    """True where x is observed, in the shape of x; None if nothing is missing. Synchronizes the device.

    >>> observed_mask(torch.tensor([0.5, float("nan")]))
    tensor([ True, False])
    >>> observed_mask(torch.zeros(2)) is None
    True
    """
    observed = ~x.isnan()
    return None if bool(observed.all()) else observed


def fill_missing(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Replace NaN with 0, and also every value where the mask is False.

    >>> fill_missing(torch.tensor([0.5, 0.2, float("nan")]), torch.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.0000])
    """
    filled = torch.nan_to_num(x, nan=0.0, posinf=math.inf, neginf=-math.inf)
    return filled if mask is None else torch.where(mask, filled, 0.0)


def masked_log_prob(px: Distribution, x: Tensor, mask: Tensor | None) -> Tensor:
    """log p(x | z) of the observed pixels, in nats.

    Args:
        px: p(x | z), a distribution over images.
        x: images, finite also where they are missing.
        mask: True where observed, broadcastable to x; None uses all pixels.

    >>> from vaekit.models.likelihoods import bernoulli
    >>> px, x = bernoulli()(torch.zeros(1, 2, 2)), torch.zeros(1, 2, 2)
    >>> masked_log_prob(px, x, torch.tensor([True, False]))  # 2 log(1/2)
    tensor(-1.3863)
    """
    if mask is None:
        return px.log_prob(x)
    if hasattr(px, "masked_log_prob"):
        return px.masked_log_prob(x, mask)
    if not isinstance(px, Independent):
        raise ValueError(
            f"mask: expected a likelihood with independent elements or a method masked_log_prob(x, mask), "
            f"got {type(px).__name__}"
        )
    base = px.base_dist
    if hasattr(base, "with_mask"):
        base = base.with_mask(mask)
    return torch.where(mask, base.log_prob(x), 0.0).sum(tuple(range(-px.reinterpreted_batch_ndims, 0)))
