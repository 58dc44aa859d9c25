"""What holds for every prior p(z)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.models.build_context import BuildContext
from vaekit.models.conditional import Conditional
from vaekit.models.labels import class_prior
from vaekit.models.posteriors import gaussian
from vaekit.nn.networks import Dense
from vaekit.testing.properties import Checked, check_density, check_gradients, check_module, move_weights
from vaekit.utils.random import seeded

SHAPE = (1, 4, 3)


class _WithPosterior(nn.Module):
    """A prior and the posterior that it may borrow, so that both are moved, saved and copied together."""

    def __init__(self, posterior: nn.Module, prior: Any):
        super().__init__()
        self.posterior, self.prior = posterior, prior


def check_prior(prior: Callable[..., nn.Module], /, *, classes: int = 0, **options: Any) -> None:
    """Check a prior.

    It returns a distribution over d latents, for d = 1, 2, 3, in float32 and float64. The density integrates
    to one, and the samples have it. Gradients reach every parameter. Saving, loading and copying change
    nothing, and the same seed gives the same numbers.

    Args:
        prior: a function or class that is registered as a prior.
        classes: for a prior that can be conditioned on a label, the number of classes; the same must then
            hold for each class, and each has its own distribution. 0 for a prior without labels.
        options: of the prior.

    Raises:
        AssertionError: one line with the property that does not hold.

    >>> from vaekit.models.priors import mixture
    >>> check_prior(mixture, components=3)
    """
    checked = Checked("prior", prior, options)
    with seeded(0):
        for d in (1, 2, 3):
            _check_shapes(checked, d, classes)
        for d in (1, 2):
            module = _build(checked, d, classes).double()
            for moved in ("", ", after its weights moved"):
                with torch.no_grad():
                    for y in _labels(classes):
                        check_density(checked, _distribution(checked, module, *y), f" for d = {d}{moved}")
                move_weights(module.prior, 0.1)
        with checked.claim("gradients reach every parameter"):
            module = _build(checked, 3, classes)
            y = (torch.eye(classes)[[0, 1] * 8],) if classes else ()
            z = torch.randn(16, 3)
            p = module.prior(*y)
            check_gradients(checked, module.prior, p.log_prob(z).sum())
        if classes:
            _check_labels(checked, classes)
        z = torch.randn(5, 3)
        label = () if not classes else (torch.eye(classes)[0],)

        def numbers(module: Any) -> Tensor:
            with torch.no_grad(), seeded(3):
                p = module.prior(*label)
                return torch.cat([p.log_prob(z), p.sample((4,)).flatten()])

        check_module(checked, lambda: _build(checked, 3, classes), numbers)


def _build(checked: Checked, d: int, classes: int) -> Any:
    """The prior of a layer of d latents, with a posterior, training images and labels to start from."""
    head = gaussian()
    posterior = Conditional(Dense([SHAPE], head.network_output((d,)), (7,)), head)
    labels = class_prior(classes, torch.arange(10) % classes) if classes else None

    def examples(n: int) -> tuple[Tensor, Tensor | None]:
        return torch.rand(n, *SHAPE), labels(torch.arange(n) % classes) if labels is not None else None

    context = BuildContext(
        latent_dim=d,
        posterior=posterior,
        event_shape=SHAPE,
        sample_training=examples,
        rows=1000,
        labels=labels,
        condition_on="label" if classes else "",
        conditioned_parts=frozenset({"prior"} if classes else ()),
    )
    with checked.claim(f"it returns a module, for d = {d}"):
        built = checked.build(context=context)
        checked.require(isinstance(built, nn.Module), f"expected an nn.Module, got {type(built).__name__}")
    return _WithPosterior(posterior, built)


def _distribution(checked: Checked, module: Any, *label: Tensor) -> Distribution:
    with checked.claim("its forward returns a distribution"):
        p = module.prior(*label)
        checked.require(isinstance(p, Distribution), f"got {type(p).__name__}")
    return p


def _labels(classes: int) -> list[tuple[Tensor, ...]]:
    return [(y,) for y in torch.eye(classes, dtype=torch.float64)] if classes else [()]


def _check_shapes(checked: Checked, d: int, classes: int) -> None:
    for dtype in (torch.float32, torch.float64):
        module = _build(checked, d, classes).to(dtype)
        with checked.claim(f"shapes and {str(dtype).removeprefix('torch.')}, for d = {d}"):
            p = _distribution(checked, module, *(torch.eye(classes, dtype=dtype)[:1] if classes else ()))
            z = (p.rsample if p.has_rsample else p.sample)((4, 5))
            found = {"event_shape": p.event_shape, "batch_shape": p.batch_shape, "sample((4, 5))": z.shape}
            found["log_prob of it"] = p.log_prob(z).shape
            expected = dict(zip(found, [(d,), (), (4, 5, d), (4, 5)], strict=True))
            for name, shape in found.items():
                checked.require_equal(tuple(shape), expected[name], name)
            checked.require_equal(z.dtype, dtype, "dtype of a sample")
            checked.require_equal(p.log_prob(z).dtype, dtype, "dtype of log_prob")


def _check_labels(checked: Checked, classes: int) -> None:
    """A batch of labels gives a batch of distributions, each that of its label."""
    module = _build(checked, 2, classes).double()
    move_weights(module.prior, 0.5)
    with checked.claim("a batch of labels gives each its own distribution"), torch.no_grad():
        y = torch.eye(classes, dtype=torch.float64)[[1, 0, 1, classes - 1]]
        z = torch.randn(6, 4, 2, dtype=torch.float64)
        together = _distribution(checked, module, y)
        checked.require_equal(tuple(together.batch_shape), (4,), "batch_shape")
        checked.require_equal(tuple(together.sample((3,)).shape), (3, 4, 2), "sample((3,))")
        apart = torch.stack([module.prior(one).log_prob(z[:, i]) for i, one in enumerate(y)], 1)
        checked.require_close(together.log_prob(z), apart, 1e-6)
        other = module.prior(y[0]).log_prob(z[0, 1])
        checked.require((apart[0, 1] - other).abs() > 1e-6, "two labels have the same density")
