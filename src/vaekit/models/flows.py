"""A normalizing flow: the distribution of what an invertible function makes of standard normal noise.

    z = m + s f^-1(u), u ~ N(0, I):     log p(z) = log N(f(v); 0, I) + log |det df/dv| - sum_i log s_i,

with v = (z - m) / s (Rezende and Mohamed 2015). Each step of f is affine in every number, with shift and
scale from a network that sees only some of the others:

- *autoregressive*: those before it, which makes densities fast and draws slow, d passes (Papamakarios et al.
  2017);
- *coupling*: the first half for the second, and nothing for the first, fast both ways (Dinh et al. 2017).

The order is reversed from step to step. The steps come from zuko, an optional dependency.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal, constraints

from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import Bounds, select, soft_clamp, with_temperature
from vaekit.errors import VaekitError
from vaekit.models.head import LOG_SCALE_BOUNDS
from vaekit.utils.device import to_float32

Form = Literal["coupling", "autoregressive"]
FIXED_DRAWS = 256  # draws that mean and variance are taken from
NEAR_IDENTITY = 0.1  # of what the last layer of a step's network would begin with


class Flow(Distribution):
    """z = m + s f^-1(temperature * u), u ~ N(0, I).

    Mean and variance are those of fixed draws, the same at each use.

    Args:
        steps: takes h, gives f.
        loc: m, (..., d).
        scale: s, (..., d).
        context: h, (..., c); None where f depends on nothing.
        temperature: the spread of the noise.
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
        """f, as a `torch.distributions.Transform` that gives value and log-determinant together."""
        return self.steps(self.context)

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
        """Draws with noise of a fixed seed, and with its negative."""
        noise = torch.randn(FIXED_DRAWS // 2, *self.event_shape, generator=torch.Generator().manual_seed(0))
        noise = torch.cat([noise, -noise]).to(self.loc)
        return self.from_noise(
            noise.view(FIXED_DRAWS, *[1] * len(self.batch_shape), -1).expand(FIXED_DRAWS, *self.loc.shape)
        )

    def from_noise(self, noise: Tensor) -> Tensor:
        """z at standard normal noise u, (..., d)."""
        with torch.autocast(noise.device.type, enabled=False):
            return self.loc + self.scale * self.transform.inv(self.temperature * noise)


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
    """A flow over d numbers.

    Args:
        latent_dim: d.
        type, transforms, hidden_sizes: see `steps`.
        label_dim: m, the numbers of a label that its steps depend on; 0 for none, whatever the context.
    """

    loc: Tensor
    scale: Tensor

    def __init__(
        self,
        latent_dim: int,
        type: Form = "coupling",
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


class FlowPosterior(nn.Module):
    """A head: 3 d numbers -> a flow about a mean, with log sigma, and the context h of its steps.

    Args:
        latent_dim: d.
        type, transforms, hidden_sizes: see `steps`.
        bounds: smooth bounds of log sigma.
    """

    def __init__(
        self,
        latent_dim: int,
        type: Form = "coupling",
        transforms: int = 2,
        hidden_sizes: Sequence[int] = (128,),
        bounds: Bounds | None = LOG_SCALE_BOUNDS,
    ):
        super().__init__()
        self.bounds = bounds
        self.steps = flow_steps(latent_dim, latent_dim, type, transforms, hidden_sizes)

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """3 numbers for each latent."""
        return (3 * event[0],)

    def forward(self, numbers: Tensor) -> Flow:
        loc, log_scale, context = to_float32(numbers).chunk(3, -1)
        return Flow(self.steps, loc, soft_clamp(log_scale, self.bounds).exp(), context)


def flow_steps(
    size: int, context: int, type: Form, transforms: int, hidden_sizes: Sequence[int]
) -> nn.Module:
    """The steps of a flow, a module that takes a context and gives the function f, at first nearly identity.

    Args:
        size: d, the numbers that f takes and gives.
        context: how many numbers the context has; 0 for none.
        type: "coupling" or "autoregressive".
        transforms: how many steps.
        hidden_sizes: units of the hidden layers of the network in each.

    Raises:
        VaekitError: zuko is not installed.
    """
    passes = {"coupling": 2, "autoregressive": size}[type]
    flow = _zuko().flows.MAF(
        size, context, transforms=transforms, passes=passes, hidden_features=tuple(hidden_sizes)
    )
    for step in flow.transform.transforms:
        _shrink(step.hyper[-1])
    return flow.transform


@torch.no_grad()
def _shrink(last: nn.Linear) -> None:
    """Let the numbers of a step begin near 0: of levels in a row each would else stretch what is above it."""
    last.weight.mul_(NEAR_IDENTITY)
    last.bias.mul_(NEAR_IDENTITY)


def _zuko() -> ModuleType:
    """The library, without its switching off the validation of arguments for the whole process."""
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
