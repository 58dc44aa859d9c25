"""Images of which only a part was observed: a NaN stands for a value that is not known.

The log-probability of the observed part is the sum over its pixels alone, since a likelihood is independent
given z: log p(x_observed | z) = sum over observed i of log p(x_i | z). The encoder sees 0 for the others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent


def observed_mask(x: Tensor) -> Tensor | None:
    """True where x is known, in its shape; None where all of it is. Waits for the device."""
    known = ~x.isnan()
    return None if bool(known.all()) else known


def fill_missing(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """x with 0 in place of NaN, and wherever a mask is False."""
    known = torch.nan_to_num(x, nan=0.0, posinf=math.inf, neginf=-math.inf)
    return known if mask is None else torch.where(mask, known, 0.0)


def masked_log_prob(px: Distribution, x: Tensor, mask: Tensor | None) -> Tensor:
    """log p(x | z) of the pixels where a mask is True, or of all without one, in nats.

    Args:
        px: p(x | z), a distribution over images.
        x: finite also where it was not observed.
        mask: broadcastable to x.
    """
    if mask is None:
        return px.log_prob(x)
    assert isinstance(px, Independent)  # every likelihood in models/head.py is one
    base = px.base_dist
    if hasattr(base, "with_mask"):
        base = base.with_mask(mask)
    return torch.where(mask, base.log_prob(x), 0.0).sum(tuple(range(-px.reinterpreted_batch_ndims, 0)))
