"""Normalizing flows: standard normal noise, transformed by an invertible function f,

    z = m + s f^-1(u), u ~ N(0, I):     log p(z) = log N(f(v); 0, I) + log |det df/dv| - sum_i log s_i,

with v = (z - m) / s (Rezende and Mohamed 2015). Each step of f is an affine function of every value, with
shift and scale from a network that sees only some of the other values:

- *autoregressive*: the preceding values. Densities are fast; sampling needs d passes (Papamakarios et al.
  2017).
- *coupling*: the first half of the values for the second half. Both directions are fast (Dinh et al. 2017).

The order of the values is reversed from step to step. The steps come from zuko, an optional dependency.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal, constraints

from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import select, soft_clamp, with_temperature
from vaekit.errors import VaekitError
from vaekit.models.head import LOG_SCALE_BOUNDS
from vaekit.registry import register
from vaekit.utils.device import to_float32
from vaekit.utils.schema import Bounds, HiddenSizes, Transforms

FlowType = Literal["coupling", "autoregressive"]
FIXED_DRAWS = 256  # samples for the mean and the variance
NEAR_IDENTITY = 0.1  # factor on the initial weights of the last layer of each step


class Flow(Distribution):
    """The distribution of z = m + s f^-1(temperature * u), u ~ N(0, I).

    Mean and variance are estimated from 256 samples with a fixed seed.

    Args:
        steps: a module that takes h and returns f.
        loc: m, (..., d).
        scale: s, (..., d).
        context: h, (..., c); None for an unconditional f.
        temperature: the standard deviation of the noise.

    >>> p = Flow(flow_steps(2, 0, "coupling", 2, (8,)), torch.zeros(2), torch.ones(2))
    >>> p
    Flow(dim=2, batch_shape=())
    >>> z = p.rsample((5,))
    >>> z.shape, p.log_prob(z).shape
    (torch.Size([5, 2]), torch.Size([5]))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        steps: nn.Module,
        loc: Tensor,
        scale: Tensor,
        context: Tensor | None = None,
        temperature: float = 1.0,
    ):
        self.steps, self.loc, self.scale = steps, loc, scale
        self.context, self.temperature = context, temperature
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def transform(self) -> Any:
        """f, as a `torch.distributions.Transform` that also returns the log-determinant."""
        return self.steps(self.context)

    def __repr__(self) -> str:
        return f"Flow(dim={self.event_shape[0]}, batch_shape={tuple(self.batch_shape)})"

    def log_prob(self, value: Tensor) -> Tensor:
        with torch.autocast(value.device.type, enabled=False):
            u, log_det = self.transform.call_and_ladj((value - self.loc) / self.scale)
        noise = Normal(0.0, self.temperature, validate_args=False)
        return log_det + (noise.log_prob(u) - self.scale.log()).sum(-1)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.loc.shape
        return self.from_noise(torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device))

    @property
    def mean(self) -> Tensor:
        return self._fixed_draws().mean(0)

    @property
    def variance(self) -> Tensor:
        return self._fixed_draws().var(0)

    def _fixed_draws(self) -> Tensor:
        """Samples from antithetic noise with a fixed seed."""
        noise = _fixed_noise(self.loc.shape[-1]).to(self.loc)
        return self.from_noise(
            noise.view(FIXED_DRAWS, *[1] * len(self.batch_shape), -1).expand(FIXED_DRAWS, *self.loc.shape)
        )

    def from_noise(self, noise: Tensor) -> Tensor:
        """The z, (..., d), of standard normal noise u, (..., d)."""
        with torch.autocast(noise.device.type, enabled=False):
            return self.loc + self.scale * self.transform.inv(self.temperature * noise)


@functools.cache
def _fixed_noise(d: int) -> Tensor:
    """Antithetic standard normal noise (FIXED_DRAWS, d), the same in each call, also in an exported graph."""
    with torch.inference_mode(False):
        noise = torch.randn(FIXED_DRAWS // 2, d, generator=torch.Generator().manual_seed(0))
        return torch.cat([noise, -noise])


@with_temperature.register
def _(distribution: Flow, temperature: float) -> Distribution:
    d = distribution
    return Flow(d.steps, d.loc, d.scale, d.context, d.temperature * temperature)


@select.register
def _(distribution: Flow, index: Tensor) -> Distribution:
    d = distribution
    context = None if d.context is None else d.context[index]
    return Flow(d.steps, d.loc[index], d.scale[index], context, d.temperature)


class FlowPrior(nn.Module):
    """A flow as the prior p(z) or p(z | y).

    Args:
        latent_dim: d.
        type, transforms, hidden_sizes: see `flow_steps`.
        label_dim: m, the size of a label that the steps are conditioned on; 0 ignores the context.

    >>> FlowPrior(2, hidden_sizes=(8,))()
    Flow(dim=2, batch_shape=())
    >>> FlowPrior(2, hidden_sizes=(8,), label_dim=3)(torch.eye(3))
    Flow(dim=2, batch_shape=(3,))
    """

    loc: Tensor
    scale: Tensor

    def __init__(
        self,
        latent_dim: int,
        type: FlowType = "coupling",
        transforms: int = 4,
        hidden_sizes: Sequence[int] = (128, 128),
        label_dim: int = 0,
    ):
        super().__init__()
        self.label_dim = label_dim
        self.steps = flow_steps(latent_dim, label_dim, type, transforms, hidden_sizes)
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self, *context: Tensor) -> Flow:
        if not self.label_dim:
            return Flow(self.steps, self.loc, self.scale)
        leading = context[0].shape[:-1]
        return Flow(self.steps, self.loc.expand(*leading, -1), self.scale.expand(*leading, -1), context[0])


@register("posterior", "flow")
class FlowPosterior(nn.Module):
    """A normalizing flow as the posterior q(z | x) (Rezende and Mohamed 2015).

    A head with the mean, log sigma and the context h of its steps.

    Args:
        latent_dim: d.
        type: `coupling`, fast in both directions; `autoregressive`, more flexible, but d times slower in
            one direction.
        transforms: number of steps.
        hidden_sizes: units of each hidden layer in the network of a step.
        bounds: smooth bounds of log sigma; null for none.

    Raises:
        VaekitError: zuko is not installed.

    >>> posterior = FlowPosterior(2, hidden_sizes=(8,))
    >>> posterior.network_output((2,))
    (6,)
    >>> posterior(torch.zeros(4, 6))
    Flow(dim=2, batch_shape=(4,))
    """

    def __init__(
        self,
        latent_dim: int,
        type: FlowType = "coupling",
        transforms: Transforms = 2,
        hidden_sizes: HiddenSizes = (128,),
        bounds: Bounds | None = LOG_SCALE_BOUNDS,
    ):
        super().__init__()
        self.bounds = bounds
        self.steps = flow_steps(latent_dim, latent_dim, type, transforms, hidden_sizes)

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have: 3 values per latent."""
        return (3 * event[0],)

    def forward(self, output: Tensor) -> Flow:
        loc, log_scale, context = to_float32(output).chunk(3, -1)
        return Flow(self.steps, loc, soft_clamp(log_scale, self.bounds).exp(), context)


def flow_steps(
    latent_dim: int, context_dim: int, type: FlowType, transforms: int, hidden_sizes: Sequence[int]
) -> nn.Module:
    """Build the steps of a flow: a module that takes a context and returns f, initially near the identity.

    Args:
        latent_dim: d.
        context_dim: size of the context; 0 for an unconditional f.
        type: "coupling" or "autoregressive".
        transforms: number of steps.
        hidden_sizes: units of the hidden layers in the network of each step.

    Raises:
        VaekitError: zuko is not installed.

    >>> f = flow_steps(3, 0, "coupling", 2, (8,))(None)
    >>> u = torch.ones(3)
    >>> torch.allclose(f.inv(f(u)), u, atol=1e-5)
    True
    """
    passes = {"coupling": 2, "autoregressive": latent_dim}[type]
    flow = _zuko().flows.MAF(
        latent_dim, context_dim, transforms=transforms, passes=passes, hidden_features=tuple(hidden_sizes)
    )
    for step in flow.transform.transforms:
        # A step near the identity: otherwise each latent layer would amplify the one above it.
        # One latent without a context has no network, but parameters of its own.
        last = step.hyper[-1] if hasattr(step, "hyper") else step
        with torch.no_grad():
            for weight in last.parameters():
                weight.mul_(NEAR_IDENTITY)
    return flow.transform


def _zuko() -> ModuleType:
    """Import zuko, and undo that it disables argument validation for the whole process."""
    validated = Distribution._validate_args
    try:
        import zuko
    except ImportError:
        raise VaekitError(
            'a flow needs zuko, which is not installed; run: pip install "vaekit[flows]"'
        ) from None
    finally:
        Distribution.set_default_validate_args(validated)
    return zuko
