"""Mixtures of C distributions,

    p(z) = sum_c w_c p_c(z).

For C diagonal Gaussians and N points the sum of squares in the exponent is one matrix product,

    sum_i (z_i - m_ci)^2 / s_ci^2 = [z^2, z] . [s_c^-2, -2 m_c s_c^-2] + sum_i m_ci^2 / s_ci^2,

which avoids a tensor of shape (N, C, d). Its terms cancel where s is small, so it is computed in float64.
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
    """A mixture of C distributions over vectors of d values.

    `rsample` passes gradients to the sampled component, and none to the choice of the component.

    Args:
        logits: (C,), the weights before the softmax; (..., C) for a batch of mixtures that share their
            components.
        components: a distribution with batch shape (C,) and event shape (d,).

    >>> from torch.distributions import Independent
    >>> components = Independent(Normal(torch.tensor([[-1.0], [3.0]]), torch.ones(2, 1)), 1)
    >>> p = Mixture(torch.zeros(2), components)
    >>> p.mean, p.variance
    (tensor([1.]), tensor([5.]))
    >>> p.joint(torch.tensor([[3.0]])).softmax(-1)[0, 1] > 0.99
    tensor(True)
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, logits: Tensor, components: Distribution):
        self.log_weights, self.components = F.log_softmax(logits, -1), components
        self._cached: _Quadratic | None = None
        super().__init__(logits.shape[:-1], components.event_shape, validate_args=False)

    def joint(self, value: Tensor) -> Tensor:
        """log w_c + log p_c(z), (..., C), for z (..., d); its softmax is p(c | z)."""
        return self._joint()(value)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(z), (...), for z (..., d), computed in chunks of bounded memory."""
        if torch.compiler.is_compiling():  # a graph has no chunks
            return _log_sum_exp(self._joint()(value))
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        points = value.expand(*shape, -1).reshape(-1, *self.batch_shape, value.shape[-1])
        numbers = self.log_weights.numel() * value.shape[-1]
        parts, joint = points.split(max(1, FLOATS_PER_CHUNK // numbers)), self._joint()
        return torch.cat([_log_sum_exp(joint(part)) for part in parts]).view(shape)

    def _joint(self) -> Callable[[Tensor], Tensor]:
        """A function of points (..., d) -> (..., C); without gradients its constants are cached."""
        normals = diagonal(self.components)
        if normals is None:
            return lambda value: self.log_weights + self.components.log_prob(value.unsqueeze(-2))
        if torch.is_grad_enabled():
            return _Quadratic(normals, self.log_weights)
        if self._cached is None:
            self._cached = _Quadratic(normals, self.log_weights)
        return self._cached

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        chosen = Categorical(logits=self.log_weights, validate_args=False).sample(torch.Size(sample_shape))
        return select(self.components, chosen).rsample()

    @property
    def mean(self) -> Tensor:
        return self._average(self.components.mean)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances plus the variance of the means."""
        centered = self.components.mean - self.mean.unsqueeze(-2)
        return self._average(self.components.variance + centered.square())

    def _average(self, values: Tensor) -> Tensor:
        return (self.log_weights.exp().unsqueeze(-2) @ values).squeeze(-2)

    def __repr__(self) -> str:
        components, d = type(self.components).__name__, self.event_shape[0]
        return (
            f"Mixture({self.log_weights.shape[-1]} x {components}, dim={d}, batch={tuple(self.batch_shape)})"
        )


@with_temperature.register
def _(distribution: Mixture, temperature: float) -> Distribution:
    return Mixture(distribution.log_weights, with_temperature(distribution.components, temperature))


class _Quadratic:
    """log w_c + log p_c(z) of diagonal Gaussians, as one matrix product.

    Args:
        components: one-dimensional Gaussians with batch shape (C, d).
        log_weights: (C,) or (..., C).
    """

    def __init__(self, components: Normal, log_weights: Tensor):
        self.device = log_weights.device.type
        precise = torch.float32 if self.device == "mps" else torch.float64  # mps has no float64
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
    """log sum_c exp(l_c), (..., C) -> (...), as l_c - log softmax(l)_c of the largest l_c.

    `torch.logsumexp` gives the same value, but takes ten times as long when most terms underflow, as they do
    for nearly all components: its exponential is slow there.
    """
    soft = F.log_softmax(logs, -1)
    if not torch.is_grad_enabled():
        return logs.amax(-1) - soft.amax(-1)
    place = logs.argmax(-1, keepdim=True)  # one index for both: rounding can create ties
    return (logs.gather(-1, place) - soft.gather(-1, place)).squeeze(-1)


# -------------------------------------------------------------------------- weights that depend on a label


def label_logits(label_dim: int, components: int) -> nn.Linear | None:
    """The linear map W from a label to mixture logits, initialized to 0; None for an unconditional prior.

    Args:
        label_dim: m, the size of a label vector; 0 for an unconditional prior.
        components: C.

    >>> label_logits(3, components=10).weight.shape
    torch.Size([10, 3])
    """
    if not label_dim:
        return None
    linear = nn.Linear(label_dim, components, bias=False)
    nn.init.zeros_(linear.weight)
    return linear


def mixture_logits(logits: Tensor, by_label: nn.Linear | None, context: tuple[Tensor, ...]) -> Tensor:
    """The logits of a mixture: b, (C,), or W y + b, (..., C), for a label y.

    Args:
        logits: b, (C,).
        by_label: W, from `label_logits`; None ignores the context.
        context: begins with the label y, (..., m).

    >>> mixture_logits(torch.zeros(10), label_logits(3, 10), (torch.eye(3),)).shape
    torch.Size([3, 10])
    """
    return logits if by_label is None else logits + by_label(context[0])
