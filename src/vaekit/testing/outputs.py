"""What holds for every likelihood and posterior: the output of a network -> a distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from vaekit.models.build_context import BuildContext
from vaekit.models.elbo import latent_kind
from vaekit.testing.properties import (
    SAMPLES,
    Checked,
    check_density,
    check_gradients,
    check_module,
    line_integral,
)  # fmt: skip
from vaekit.utils.device import to_float32
from vaekit.utils.random import seeded

Shape = tuple[int, ...]

ELEMENTS = 40
LEVELS = {"binary": 2, "discrete": 256}  # values of a support that can be counted, from 0 to 1
MAX_COUNT = 4095  # the largest count whose probability is added up
EXTREMES = (-200.0, -20.0, 0.0, 5.0, 200.0)


# ------------------------------------------------------------------------------------------------ likelihoods


def check_likelihood(
    likelihood: Callable[..., nn.Module],
    /,
    *,
    event_shape: Shape = (2, 3, 4),
    extreme: bool = True,
    **options: Any,
) -> None:
    """Check a likelihood.

    For random outputs of a network, the probabilities of an element sum or integrate to one, and give the
    mean. Samples have this mean and variance, and lie in the support. Shapes are (K, B, *event). Extreme
    outputs of the network give finite log-probabilities and gradients. It works in float64; half precision
    becomes float32. Saving, loading and copying change nothing, and evaluation changes no state. A likelihood
    that takes an offset reads one from each data point, and samples them. Probabilities of counts are added
    up to 4095.

    Args:
        likelihood: a function or class that is registered as a likelihood.
        event_shape: of a data point: (C, H, W) of an image, (n,) of a vector.
        extreme: whether outputs of +-200 are tried.
        options: of the likelihood.

    Raises:
        AssertionError: one line with the property that does not hold.

    >>> from vaekit.models.likelihoods import bernoulli
    >>> check_likelihood(bernoulli)
    """
    checked = Checked("likelihood", likelihood, options)
    dims = len(event_shape)
    build = lambda shape=event_shape: _with_offset(checked, _build(checked, shape, event_dims=dims), shape)
    with seeded(0):
        head = build()
        support = getattr(head, "support", None)
        with checked.claim("it has a support"):
            known = (*LEVELS, "unit_interval", "real", "count")
            checked.require(support in known, f"expected one of {', '.join(known)}, got {support!r}")
        assert isinstance(support, str)
        x = _data(support, (6, *event_shape))
        _check_shapes(checked, head.eval(), event_shape, x)
        _check_probabilities(checked, build((1,) * dims).double().eval(), support, dims)
        for training in (True, False):
            _check_extremes(checked, build().train(training), event_shape, support, extreme)
        _check_precision(checked, build().eval(), event_shape, x)
        output = torch.randn(6, *head.network_output(event_shape))

        def numbers(module: nn.Module) -> Tensor:
            with torch.no_grad(), seeded(3):
                return torch.cat([module(output).log_prob(x), module(output).sample().flatten()])

        check_module(checked, build, numbers)
        with checked.claim("evaluation changes no state"):
            before = {name: value.clone() for name, value in head.state_dict().items()}
            numbers(head)
            for name, value in head.state_dict().items():
                checked.require(torch.equal(value, before[name]), f"{name} changed")


class _OwnOffset(nn.Module):
    """A head that takes an offset, with one that is a function of the output of the network."""

    def __init__(self, head: Any):
        super().__init__()
        self.head, self.support, self.event_dims = head, head.support, head.event_dims
        self.network_output = head.network_output

    def forward(self, output: Tensor) -> Distribution:
        values = to_float32(output.detach()).flatten(-self.event_dims)
        return self.head(output, 2 + values.mean(-1).clamp(-2, 2))


def _with_offset(checked: Checked, head: Any, event_shape: Shape) -> Any:
    """The head itself, or one with offsets if it takes them."""
    if not getattr(head, "takes_offset", False):
        return head
    x = _data(head.support, (6, *event_shape))
    hidden = x.clone()
    hidden.view(6, -1)[:, ::2] = torch.nan
    offsets: dict[str, tuple[Callable[[], Tensor], Shape]] = {
        "offset_of(x)": (lambda: head.offset_of(x), (6,)),
        "offset_of(x) with missing values": (lambda: head.offset_of(hidden), (6,)),
        "sample_offset(5)": (lambda: head.sample_offset(5), (5,)),
        "typical_offset()": (head.typical_offset, ()),
    }
    for name, (call, shape) in offsets.items():
        with checked.claim(f"{name} is finite, of shape {shape}"):
            offset = call()
            checked.require_equal(tuple(offset.shape), shape, "shape")
            checked.require(torch.isfinite(offset).all(), "it is not finite")
    return _OwnOffset(head)


def _data(support: str, shape: Shape) -> Tensor:
    """Random values in a support; the first two data points are all 0 and all 1."""
    x = torch.rand(shape)
    x[0], x[1] = 0, 1
    if support == "real":
        return 3 * x - 1
    if support == "count":
        return (x.square() * 20).round().where(x < 1, x)
    return x if support not in LEVELS else (x * (LEVELS[support] - 1)).round() / (LEVELS[support] - 1)


def _elements(head: nn.Module, event_dims: int) -> Distribution:
    """The distributions of single elements, batch shape (ELEMENTS,), from random outputs of a network."""
    event = (1,) * event_dims
    output = torch.randn(ELEMENTS, *head.network_output(event), dtype=torch.float64)  # type: ignore[operator]
    return head(output)


def _check_probabilities(checked: Checked, head: nn.Module, support: str, event_dims: int) -> None:
    p = _elements(head, event_dims)
    with torch.no_grad():
        with checked.claim("probabilities sum or integrate to one"):
            values, mass = _masses(p, support)
            checked.require_close(mass.sum(0), torch.ones(ELEMENTS, dtype=torch.float64), 1e-6)
        mean = p.mean.flatten()
        with checked.claim("the mean is that of the probabilities"):
            checked.require_close((mass * values).sum(0), mean, 1e-6 * (1 + mean.abs()))
        with checked.claim("samples have the mean and variance of the probabilities"):
            draws = p.sample((4000,)).flatten(1)
            second, fourth = ((mass * (values - mean) ** k).sum(0) for k in (2, 4))
            checked.require_close(draws.mean(0), mean, 5 * (second / 4000).sqrt() + 1e-12, "mean")
            error = 5 * ((fourth - second.square()) / 4000).sqrt() + 2e-3 * second
            checked.require_close(draws.var(0), second, error, "variance")
        with checked.claim(f"mean and samples lie in the support, {support}"):
            if support == "count":
                checked.require(min(draws.min(), mean.min()) >= 0, "expected values of at least 0")
            elif support != "real":
                inside = min(draws.min(), mean.min()) >= 0 and max(draws.max(), mean.max()) <= 1
                checked.require(inside, "expected values in [0, 1]")
            if support in LEVELS or support == "count":
                steps = draws * (LEVELS.get(support, 2) - 1)
                checked.require_close(steps, steps.round(), 1e-4, "multiples of the step")


def _masses(p: Distribution, support: str) -> tuple[Tensor, Tensor]:
    """Values of an element, (n, ELEMENTS), and the mass of the distribution at each."""
    event_dims = len(p.event_shape)
    log_prob = lambda values: p.log_prob(values.reshape(*values.shape, *[1] * event_dims))
    if support in LEVELS:
        values = torch.linspace(0, 1, LEVELS[support], dtype=torch.float64).unsqueeze(1).expand(-1, ELEMENTS)
        return values, log_prob(values).exp()
    if support == "count":
        values = torch.arange(MAX_COUNT + 1, dtype=torch.float64).unsqueeze(1).expand(-1, ELEMENTS)
        return values, log_prob(values).exp()
    if support == "unit_interval":
        t = torch.linspace(0, 1, 4001, dtype=torch.float64).unsqueeze(1).expand(-1, ELEMENTS)
        weights = torch.full_like(t, 2 / 12000)
        weights[1::2] *= 2
        weights[[0, -1]] /= 2
        return t, log_prob(t).exp() * weights
    center = p.mean.flatten()
    spread = p.sample((1000,)).flatten(1).sub(center).abs().median(0).values + 1e-12
    scale = p.variance.flatten().sqrt()
    return line_integral(log_prob, center, torch.where(scale.isfinite() & (scale > 0), scale, spread))


def _check_extremes(checked: Checked, head: Any, event_shape: Shape, support: str, extreme: bool) -> None:
    x, shape = _data(support, (8, *event_shape)), head.network_output(event_shape)
    for size in EXTREMES if extreme else (0.0, 5.0):
        mode = "training" if head.training else "evaluation"
        with checked.claim(f"outputs of the network of +-{abs(size):g} give finite numbers in {mode}"):
            output = torch.randn(8, *shape).sign().mul(size).requires_grad_()
            log_prob = head(output).log_prob(x)
            checked.require(torch.isfinite(log_prob).all(), "log_prob is not finite")
            log_prob.sum().backward()
            for name, tensor in (("the output", output), *head.named_parameters()):
                gradient = tensor.grad
                checked.require(gradient is not None, f"no gradient reaches {name}")
                checked.require(torch.isfinite(gradient).all(), f"the gradient of {name} is not finite")


# ------------------------------------------------------------------------------------------------- posteriors


def check_posterior(posterior: Callable[..., nn.Module], /, **options: Any) -> None:
    """Check a posterior.

    For random outputs of a network it is a distribution over d latents, for d = 1, 2, 3. Its trait
    `latent_kind` says how its samples are used. Those of a `continuous` one (the default) have its density,
    which integrates to one, and have gradients; a KL in closed form agrees with the samples. Those of a
    `point` are its mean. Those of a `discrete` one have finite log-probabilities. It works in float64; half
    precision becomes float32. Saving, loading and copying change nothing.

    Args:
        posterior: a function or class that is registered as a posterior.
        options: of the posterior.

    Raises:
        AssertionError: one line with the property that does not hold.

    >>> from vaekit.models.posteriors import gaussian
    >>> check_posterior(gaussian)
    """
    checked = Checked("posterior", posterior, options)
    kind = checked.component.traits.get("latent_kind", "continuous")
    build = lambda d: _build(checked, (d,), context=BuildContext(d), latent_dim=d)
    with seeded(0):
        with checked.claim("its trait latent_kind is known"):
            checked.require(kind in ("continuous", "discrete", "point"), f"got {kind!r}")
        for d in (1, 2, 3):
            head = build(d).eval()
            z = head(torch.randn(6, *head.network_output((d,)))).sample().detach()
            _check_shapes(checked, head, (d,), z)
        for d in (1, 2):
            head = build(d).double().eval()
            q = head(torch.randn(*head.network_output((d,)), dtype=torch.float64))
            with torch.no_grad():
                if kind == "continuous":
                    check_density(checked, q, f" for d = {d}")
                    _check_kl(checked, q)
                else:
                    _check_samples(checked, q, kind)
        with checked.claim("its distribution is of the kind of its trait latent_kind"):
            checked.require_equal(latent_kind(q), kind, "latent_kind")
        head = build(3)
        output = torch.randn(4, *head.network_output((3,)))
        if kind != "discrete":
            _check_sample_gradients(checked, head, output, kind)
        z = head.eval()(output).sample().detach()
        _check_precision(checked, head, (3,), z, output)

        def numbers(module: nn.Module) -> Tensor:
            with torch.no_grad(), seeded(3):
                return torch.cat([module(output).log_prob(z), module(output).sample().flatten()])

        check_module(checked, lambda: build(3), numbers)


def _check_samples(checked: Checked, q: Distribution, kind: str) -> None:
    z = q.sample((100,))
    if kind == "point":
        with checked.claim("the samples of a point are its mean"):
            checked.require_close(z, q.mean.expand_as(z), 0.0)
    with checked.claim("log-probabilities of samples are finite"):
        checked.require(torch.isfinite(q.log_prob(z)).all(), "one is not")
    if kind == "discrete" and q.has_enumerate_support:
        with checked.claim("probabilities sum to one"):
            total = q.log_prob(q.enumerate_support()).exp().sum(0)
            checked.require_close(total, torch.ones_like(total), 1e-6)


def _check_kl(checked: Checked, q: Distribution) -> None:
    """A closed form of KL(q, N(0, I)) is the mean of log q - log p over samples."""
    d = q.event_shape[0]
    p = Independent(Normal(torch.zeros(d, dtype=torch.float64), 1.0), 1)
    try:
        analytic = kl_divergence(q, p)
    except NotImplementedError:
        return
    with checked.claim(f"the KL in closed form is that of samples for d = {d}"):
        z = q.sample((SAMPLES,))
        ratio = q.log_prob(z) - p.log_prob(z)
        checked.require_close(ratio.mean(), analytic, 5 * ratio.std() / SAMPLES**0.5 + 1e-6)


def _check_sample_gradients(checked: Checked, head: nn.Module, output: Tensor, kind: str) -> None:
    with checked.claim("its samples have gradients (else register it with latent_kind='discrete')"):
        output = output.clone().requires_grad_()
        q = head(output)
        z = q.rsample((16,))
        checked.require(z.requires_grad, "rsample is detached from the output of the network")
        loss = z.square().sum() if kind == "point" else (z.square().sum(-1) + q.log_prob(z)).sum()
        check_gradients(checked, head, loss)
        gradient = output.grad
        checked.require(gradient is not None, "none reaches the output of the network")
        assert gradient is not None
        checked.require(torch.isfinite(gradient).all(), "that of the output of the network is not finite")
        checked.require((gradient != 0).all(), "an output of the network has no effect")


# --------------------------------------------------------------------------------------------------- of both


def _build(checked: Checked, event: Shape, **given: Any) -> Any:
    with checked.claim("it returns a module with network_output"):
        head = checked.build(**{"context": BuildContext(2, event_shape=event), **given})
        found = isinstance(head, nn.Module) and hasattr(head, "network_output")
        checked.require(found, f"got {type(head).__name__}")
        shape = head.network_output(event)
        checked.require(
            len(shape) == len(event), f"expected {len(event)} dimensions for {event}, got {shape}"
        )
    return head


def _check_shapes(checked: Checked, head: Any, event: Shape, x: Tensor) -> None:
    with checked.claim(f"shapes for data points of {event}"):
        p = head(torch.randn(5, 6, *head.network_output(event)))
        checked.require(isinstance(p, Distribution), f"expected a distribution, got {type(p).__name__}")
        checked.require_equal(tuple(p.event_shape), event, "event_shape")
        found = {"batch_shape": p.batch_shape, "sample()": p.sample().shape}
        found |= {"sample((3,))": p.sample((3,)).shape, "log_prob of data (6, ...)": p.log_prob(x).shape}
        shapes = [(5, 6), (5, 6, *event), (3, 5, 6, *event), (5, 6)]
        for (name, shape), expected in zip(found.items(), shapes, strict=True):
            checked.require_equal(tuple(shape), expected, name)
    with checked.claim("each data point has its own distribution"):
        output = torch.randn(6, *head.network_output(event))
        apart = torch.stack([head(one).log_prob(each) for one, each in zip(output, x, strict=True)])
        together = head(output).log_prob(x)
        checked.require_close(together, apart, 1e-4 * (1 + apart.abs()))


def _check_precision(
    checked: Checked, head: Any, event: Shape, x: Tensor, output: Tensor | None = None
) -> None:
    has_mean = output is None
    if output is None:
        output = torch.randn(len(x), *head.network_output(event))
    with checked.claim("bfloat16 outputs become float32"), torch.no_grad():
        half = output.bfloat16()
        with torch.autocast("cpu", torch.bfloat16):
            p = head(half)
            found = {"log_prob": p.log_prob(x)} | ({"mean": p.mean} if has_mean else {})
        exact = head(half.float())
        for name, value in found.items():
            checked.require_equal(value.dtype, torch.float32, f"dtype of {name}")
            expected = exact.log_prob(x) if name == "log_prob" else exact.mean
            checked.require_close(value, expected, 1e-5 + 1.3e-6 * expected.abs(), name)
    with checked.claim("float64 is kept"), torch.no_grad():
        p = head.double()(output.double())
        checked.require_equal(p.log_prob(x.double()).dtype, torch.float64, "dtype of log_prob")
        checked.require_equal(p.sample().dtype, torch.float64, "dtype of a sample")
        head.float()
