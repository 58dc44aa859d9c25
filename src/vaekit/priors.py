"""The prior p(z): what a latent is before anything is seen. Each is a conditional, most without a context."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal


class StandardNormal(nn.Module):
    """N(0, I) over d numbers, whatever the context.

    Args:
        size: d.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(size), persistent=False)
        self.register_buffer("scale", torch.ones(size), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return Independent(Normal(self.loc, self.scale, validate_args=False), 1, validate_args=False)


PRIORS: dict[str, Callable[..., nn.Module]] = {"standard_normal": StandardNormal}
