"""What the checks of all kinds share: claims in one line, numerical integrals, saving and loading."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, StudentT

from vaekit.config.components import options_of
from vaekit.errors import first_line
from vaekit.registry import Component, names, registered
from vaekit.utils.random import seeded

SAMPLES = 20_000
Numbers = Callable[[nn.Module], Tensor]


class Checked:
    """A component that is checked, and the property that is being checked.

    Args:
        kind: a kind of the registry.
        factory: the registered function or class; `functools.partial` of it gives it options.
        options: further options.

    >>> from vaekit.models.objectives import elbo
    >>> checked = Checked("objective", elbo, {})
    >>> with checked.claim("the loss is zero"):
    ...     checked.require(False, "got 3")
    Traceback (most recent call last):
    ...
    AssertionError: objective elbo: the loss is zero: got 3
    """

    def __init__(self, kind: str, factory: Callable[..., Any], options: Mapping[str, Any]):
        inner = factory.func if isinstance(factory, partial) else factory
        self.name = f"{kind} {getattr(inner, '__name__', inner)}"
        self.factory, self.options, self._claims = factory, dict(options), [""]
        with self.claim(f"it is registered as a {kind}"):
            found = registered(inner, kind)
            self.require(found is not None, f"add @vaekit.register({kind!r}) above it")
        assert found is not None
        self.component: Component = found
        if found.name in names(kind):
            with self.claim("its signature gives the keys of a recipe"):
                options_of(kind, found.name)

    @contextmanager
    def claim(self, claim: str) -> Iterator[None]:
        """Name the property that the block checks; an unexpected error in it means that it fails."""
        self._claims.append(claim)
        try:
            yield
        except AssertionError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise AssertionError(f"{self.name}: {claim}: {reason}") from error
        finally:
            self._claims.pop()

    def require(self, holds: Any, reason: str) -> None:
        """Fail with the property that is being checked, unless `holds`."""
        if not bool(holds):
            raise AssertionError(f"{self.name}: {self._claims[-1]}: {reason}")

    def require_close(self, found: Tensor, expected: Tensor, tolerance: Any, what: str = "") -> None:
        """Fail unless tensors agree within an absolute tolerance, a number or a tensor."""
        error = torch.where(found == expected, 0.0, (found - expected).abs())  # where both are infinite too
        worst = (error - tolerance).argmax()
        place = f"{what}: " if what else ""
        values = [each.expand_as(error).flatten()[worst].item() for each in (expected, found)]
        self.require((error <= tolerance).all(), f"{place}expected {values[0]:.6g}, got {values[1]:.6g}")

    def require_equal(self, found: Any, expected: Any, what: str) -> None:
        """Fail unless two plain values are equal."""
        self.require(found == expected, f"{what}: expected {expected}, got {found}")

    def build(self, *args: Any, **given: Any) -> Any:
        """Call the factory with what it takes of `given`, and with its options."""
        parameters = inspect.signature(self.factory).parameters
        taken = {name: value for name, value in given.items() if name in parameters}
        return self.factory(*args, **taken, **self.options)


# --------------------------------------------------------------------------------------------------- modules


def check_module(checked: Checked, build: Callable[[], nn.Module], numbers: Numbers) -> None:
    """Saving, loading, copying and seeds.

    Args:
        build: makes the module with random weights.
        numbers: computes from it what must not change.
    """
    with checked.claim("the same seed gives the same numbers"):
        first, again, other = (_seeded_module(build, seed) for seed in (0, 0, 1))
        checked.require(torch.equal(numbers(first), numbers(again)), "two modules of one seed differ")
    with checked.claim("saving and loading changes nothing"):
        move_weights(first, 0.1)
        other.load_state_dict(load(save({k: v.contiguous() for k, v in first.state_dict().items()})))
        checked.require(torch.equal(numbers(first), numbers(other)), "the loaded module differs")
    with checked.claim("a copy gives the same numbers and has its own weights"):
        twin, before = copy.deepcopy(first), numbers(first)
        checked.require(torch.equal(numbers(twin), before), "the copy differs")
        move_weights(twin, 0.5)
        checked.require(torch.equal(numbers(first), before), "changing the copy changes the original")


def _seeded_module(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with seeded(seed):
        return build().eval()


def move_weights(module: nn.Module, scale: float) -> None:
    """Add noise to all weights, as training does, so that nothing holds for initial values alone.

    >>> layer = nn.Linear(2, 2)
    >>> before = layer.bias.clone()
    >>> move_weights(layer, 0.1)
    >>> torch.equal(layer.bias, before)
    False
    """
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(scale * torch.randn_like(weight))


def check_gradients(checked: Checked, module: nn.Module, loss: Tensor) -> None:
    """Every parameter of a module has a finite gradient that is not zero."""
    if not loss.requires_grad:
        checked.require(not list(module.parameters()), "none reaches any")
        return
    module.zero_grad()
    loss.backward()
    for name, weight in module.named_parameters():
        gradient = weight.grad
        checked.require(gradient is not None, f"none reaches {name}")
        assert gradient is not None
        checked.require(torch.isfinite(gradient).all(), f"that of {name} is not finite")
        checked.require((gradient != 0).any(), f"that of {name} is zero")


# ------------------------------------------------------------------------------------------------- densities


def line_integral(
    log_prob: Callable[[Tensor], Tensor], center: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor]:
    """Nodes (n, ...) on the real line, and the mass of a density at each, by Simpson's rule.

    The nodes are center + scale sinh(t), dense in the center and far out. They reach 1,500 scales.

    >>> normal = torch.distributions.Normal(torch.zeros(1).double(), 1.0)
    >>> values, mass = line_integral(normal.log_prob, normal.mean, normal.stddev)
    >>> round(mass.sum().item(), 6), round((mass * values**2).sum().item(), 6)
    (1.0, 1.0)
    """
    t = torch.linspace(-8, 8, 4001, dtype=torch.float64).reshape(-1, *[1] * center.dim())
    weights = torch.full_like(t, 2 * 16 / 12000)
    weights[1::2] *= 2
    weights[[0, -1]] /= 2
    values = center + scale * t.sinh()
    return values, log_prob(values).exp() * weights * scale * t.cosh()


def check_density(checked: Checked, p: Distribution, what: str = "") -> None:
    """A distribution over vectors (d,) is normalized, and its samples have its density.

    By importance sampling from a wide distribution, and by E_p[r(z) / p(z)] = 1 for a narrow density r; on a
    line also by an integral, and by the distance of the distribution functions.
    """
    d = p.event_shape[0]
    z = p.sample((SAMPLES,))
    center, scale = z.median(0).values, z.sub(z.median(0).values).abs().median(0).values * 1.5 + 1e-6
    wide = Independent(StudentT(4.0, center, 1.5 * scale), 1)
    narrow = Independent(torch.distributions.Normal(center, 0.5 * scale), 1)
    with checked.claim(f"its density integrates to one{what}"):
        far = wide.sample((SAMPLES,))
        weights = (p.log_prob(far) - wide.log_prob(far)).exp()
        _require_mean_one(checked, weights)
    with checked.claim(f"its samples have its density{what}"):
        log_prob = p.log_prob(z)
        checked.require(torch.isfinite(log_prob).all(), "the density at a sample is zero or infinite")
        _require_mean_one(checked, (narrow.log_prob(z) - log_prob).exp())
    if d > 1:
        return
    values, mass = line_integral(lambda values: p.log_prob(values).unsqueeze(-1), center, scale)
    with checked.claim(f"its density integrates to one{what}"):
        checked.require_close(mass.sum(), torch.ones(()), 5e-3)
    with checked.claim(f"its samples have its density{what}"):
        below = torch.searchsorted(z[:, 0].sort().values, values[:, 0].contiguous()) / SAMPLES
        distance = (mass.cumsum(0)[:, 0] - below).abs().max()
        limit = 2.5 / SAMPLES**0.5
        checked.require(
            distance < limit + 5e-3, f"expected distribution functions within {limit:.2g}, got {distance:.2g}"
        )


def _require_mean_one(checked: Checked, weights: Tensor) -> None:
    error = 5 * weights.std() / len(weights) ** 0.5 + 1e-6
    checked.require(
        (weights.mean() - 1).abs() < error, f"expected 1 within {error:.2g}, got {weights.mean():.4g}"
    )
