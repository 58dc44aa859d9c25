"""A mixture: one of several distributions, chosen at random.

    p(z) = sum_c w_c p_c(z)

For C diagonal Gaussians and N points the sum of squares in the exponent is one product of matrices,

    sum_i (z_i - m_ci)^2 / s_ci^2 = [z^2, z] . [s_c^-2, -2 m_c s_c^-2] + sum_i m_ci^2 / s_ci^2,

so that no (N, C, d) tensor arises. Its terms cancel where s is small, hence double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Normal, constraints

from vaekit.distributions.normal import SampleShape, diagonal
from vaekit.distributions.operations import select, with_temperature

FLOATS_PER_CHUNK = 1 << 24


class Mixture(Distribution):
    """C distributions over vectors of d numbers, each with its weight.

    `rsample` has a gradient to the component that was chosen, and none to the choice.

    Args:
        logits: (C,), the weights up to softmax; (..., C) for mixtures of a batch that differ in them alone.
        components: of batch shape (C,) and event shape (d,).
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, logits: Tensor, components: Distribution):
        self.log_weights, self.components = F.log_softmax(logits, -1), components
        self._kept: _Quadratic | None = None
        super().__init__(logits.shape[:-1], components.event_shape, validate_args=False)

    def joint(self, value: Tensor) -> Tensor:
        """log w_c + log p_c(z) for z (..., d): (..., C); its softmax says how likely z came from each."""
        return self._joint()(value)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log of the sum over components, for a bounded number of points at once."""
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        points = value.expand(*shape, -1).reshape(-1, *self.batch_shape, value.shape[-1])
        numbers = self.log_weights.numel() * value.shape[-1]
        parts, joint = points.split(max(1, FLOATS_PER_CHUNK // numbers)), self._joint()
        return torch.cat([_log_sum_exp(joint(some)) for some in parts]).view(shape)

    def _joint(self) -> Callable[[Tensor], Tensor]:
        """Points (..., d) -> (..., C). Without gradients what does not depend on them is made only once."""
        normals = diagonal(self.components)
        if normals is None:
            return lambda value: self.log_weights + self.components.log_prob(value.unsqueeze(-2))
        if torch.is_grad_enabled():
            return _Quadratic(normals, self.log_weights)
        if self._kept is None:
            self._kept = _Quadratic(normals, self.log_weights)
        return self._kept

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        chosen = Categorical(logits=self.log_weights, validate_args=False).sample(torch.Size(sample_shape))
        return select(self.components, chosen).rsample()

    @property
    def mean(self) -> Tensor:
        return self._average(self.components.mean)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances plus the variance of the means."""
        centerd = self.components.mean - self.mean.unsqueeze(-2)
        return self._average(self.components.variance + centerd.square())

    def _average(self, numbers: Tensor) -> Tensor:
        return (self.log_weights.exp().unsqueeze(-2) @ numbers).squeeze(-2)


@with_temperature.register
def _(distribution: Mixture, temperature: float) -> Distribution:
    return Mixture(distribution.log_weights, with_temperature(distribution.components, temperature))


class _Quadratic:
    """log w_c + log p_c(z) of Gaussians with independent numbers, as one product of matrices.

    Args:
        components: of batch shape (C, d).
        log_weights: (C,) or (..., C).
    """

    def __init__(self, components: Normal, log_weights: Tensor):
        self.device = log_weights.device.type
        precise = torch.float32 if self.device == "mps" else torch.float64  # which mps has not
        mean, scale = components.loc.to(precise), components.scale.to(precise)
        precision = scale.pow(-2)
        squares = (mean.square() * precision).sum(-1) + mean.shape[-1] * math.log(2 * math.pi)
        self.factors = torch.cat([precision, -2 * mean * precision], -1)
        self.constants = -0.5 * squares - scale.log().sum(-1)
        self.weights = None if log_weights.dim() == 1 else log_weights
        if self.weights is None:
            self.constants = self.constants + log_weights

    def __call__(self, value: Tensor) -> Tensor:
        """Points (..., d) -> (..., C)."""
        z = value.to(self.factors.dtype).flatten(0, -2)
        with torch.autocast(self.device, enabled=False):
            logs = torch.addmm(self.constants, torch.cat([z.square(), z], -1), self.factors.T, alpha=-0.5)
        logs = logs.to(value.dtype).view(*value.shape[:-1], -1)
        return logs if self.weights is None else self.weights + logs


def _log_sum_exp(logs: Tensor) -> Tensor:
    """log sum_c exp(l_c), (..., C) -> (...): l_c - log softmax(l)_c for the largest l_c.

    `torch.logsumexp` is the same, but takes ten times as long where terms vanish beside the largest, as those
    of nearly all components do: the exponential that it uses is slow where it underflows.
    """
    soft = F.log_softmax(logs, -1)
    if not torch.is_grad_enabled():
        return logs.amax(-1) - soft.amax(-1)
    place = logs.argmax(-1, keepdim=True)  # the same in both, for the gradient: rounding can make ties
    return (logs.gather(-1, place) - soft.gather(-1, place)).squeeze(-1)


# ------------------------------------------------------------------------------ weights that a label chooses


def label_logits(label_dim: int, components: int) -> nn.Linear | None:
    """W, which starts at 0; None for a prior that no label reaches."""
    if not label_dim:
        return None
    linear = nn.Linear(label_dim, components, bias=False)
    nn.init.zeros_(linear.weight)
    return linear


def mixture_logits(logits: Tensor, by_label: nn.Linear | None, context: tuple[Tensor, ...]) -> Tensor:
    """b, (C,), or W y + b, (..., C)."""
    return logits if by_label is None else logits + by_label(context[0])
