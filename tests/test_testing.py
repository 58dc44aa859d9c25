"""A component that is broken on purpose fails its check, with one line that names the property."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Laplace, Normal, Poisson

from vaekit import registry
from vaekit.models.head import Head
from vaekit.models.objectives import elbo, iwae
from vaekit.nn.networks import Dense
from vaekit.registry import KINDS, register
from vaekit.testing import check_likelihood, check_network, check_objective, check_posterior, check_prior


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of one test are free in the next."""
    monkeypatch.setattr(registry, "_IN_PROCESS", {kind: {} for kind in KINDS})


def failure(check: Callable[..., None], factory: Any, **options: Any) -> str:
    """The one line with which a check fails."""
    state = torch.get_rng_state()
    with pytest.raises(AssertionError) as caught:
        check(factory, **options)
    assert torch.equal(torch.get_rng_state(), state)
    [line] = str(caught.value).splitlines()
    return line


# ----------------------------------------------------------------------------------------------------- priors


class Ball(Normal):
    """A diagonal normal, whose parts are broken by the subclasses below."""


class Unnormalized(Ball):
    def log_prob(self, value):
        return super().log_prob(value) + 0.1


class TooWide(Ball):
    def rsample(self, sample_shape=()):
        return 1.1 * super().rsample(sample_shape)

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape).detach()


class Single(Ball):
    def log_prob(self, value):
        return super().log_prob(value).float()


class Gaussian(nn.Module):
    """A prior with a learned mean and scale."""

    def __init__(self, d: int, kind: type[Normal] = Ball):
        super().__init__()
        self.mean, self.log_scale = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(d))
        self.kind = kind

    def forward(self, *context: Tensor) -> Independent:
        return Independent(self.kind(self.mean, self.log_scale.exp(), validate_args=False), 1)


class Fixed(Gaussian):
    """Its mean is no tensor of the module, so it does not move."""

    def __init__(self, d: int):
        super().__init__(d)
        self.offset = torch.randn(d)

    def forward(self, *context: Tensor) -> Independent:
        return Independent(Ball(self.offset, torch.ones_like(self.offset)), 1)


class Transient(Gaussian):
    """It moves with its module, but it is not saved."""

    def __init__(self, d: int):
        super().__init__(d)
        self.register_buffer("offset", torch.randn(d), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return Independent(Ball(self.mean + self.offset, self.log_scale.exp(), validate_args=False), 1)


class Detached(Gaussian):
    def forward(self, *context: Tensor) -> Independent:
        return Independent(Ball(self.mean.detach(), self.log_scale.exp(), validate_args=False), 1)


class Flat(Gaussian):
    def forward(self, *context: Tensor) -> Normal:
        return Ball(self.mean, self.log_scale.exp(), validate_args=False)


class ByChance(Gaussian):
    def __init__(self, d: int):
        super().__init__(d)
        with torch.no_grad():
            self.mean.fill_(torch.randn((), generator=torch.Generator().manual_seed(next(COUNTER))).item())


COUNTER = iter(range(10_000))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda d: 3, "it returns a module, for d = 1: expected an nn.Module, got int"),
        (lambda d: nn.Linear(d, 1) if d > 1 else 1 / 0, "it returns a module, for d = 1: ZeroDivisionError"),
        (lambda d: nn.Sequential(), "its forward returns a distribution: "),
        (Flat, "shapes and float32, for d = 1: event_shape: expected (1,), got ()"),
        (partial(Gaussian, kind=Unnormalized), "its density integrates to one for d = 1: expected 1"),
        (partial(Gaussian, kind=TooWide), "its samples have its density for d = 1: expected 1"),
        (
            partial(Gaussian, kind=Single),
            "shapes and float64, for d = 1: dtype of log_prob: expected torch.float64",
        ),
        (Fixed, "shapes and float64, for d = 1: dtype of a sample"),
        (Transient, "saving and loading changes nothing: the loaded module differs"),
        (Detached, "gradients reach every parameter: none reaches mean"),
        (ByChance, "the same seed gives the same numbers: two modules of one seed differ"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_broken_prior_fails(make: Callable[[int], Any], reason: str):
    register("prior", "broken")(lambda context, _make=make: None)

    @register("prior", "mine")
    def mine(context):
        return make(context.latent_dim)

    line = failure(check_prior, mine)
    assert line.startswith("prior mine: ")
    assert reason in line


def test_a_sound_prior_passes_with_its_options():
    @register("prior")
    def scaled(context, scale: float = 1.0):
        prior = Gaussian(context.latent_dim)
        nn.init.constant_(prior.log_scale, math.log(scale))
        return prior

    check_prior(scaled)
    check_prior(scaled, scale=20.0)
    check_prior(partial(scaled, scale=0.05))
    assert "TypeError" in failure(check_prior, scaled, radius=3)


def test_a_prior_that_ignores_its_label_fails():
    @register("prior")
    def deaf(context):
        return Gaussian(context.latent_dim)

    line = failure(check_prior, deaf, classes=3)
    assert "a batch of labels gives each its own distribution: batch_shape: expected (4,), got ()" in line


def test_what_is_not_registered_fails():
    for check, kind in (
        (check_prior, "prior"), (check_likelihood, "likelihood"), (check_posterior, "posterior"),
        (check_network, "network"), (check_objective, "objective"),
    ):  # fmt: skip
        line = failure(check, math.sqrt)
        assert line == f"{kind} sqrt: it is registered as a {kind}: add @vaekit.register('{kind}') above it"


def test_a_signature_without_keys_fails():
    register("prior", "star")(star := lambda context, *more: None)
    assert "its signature gives the keys of a recipe" in failure(check_prior, star)


# ------------------------------------------------------------------------------------------------ likelihoods


def check_head(function: Callable[..., Any], n_params: int = 1, support: str = "real") -> str:
    """The line with which a likelihood of this function fails."""

    @register("likelihood", "mine")
    def mine(event_dims: int = 3):
        return Head(function, n_params, event_dims, support)

    return failure(check_likelihood, mine)


class Lazy(Normal):
    """Its samples are its mean."""

    def sample(self, sample_shape=()):
        return self.mean.expand(self._extended_shape(sample_shape))

    rsample = sample


class Shifted(Normal):
    @property
    def mean(self):
        return self.loc + 0.01


def test_a_broken_likelihood_fails():
    one = lambda loc: torch.ones_like(loc)
    assert "probabilities sum or integrate to one: expected 1" in check_head(
        lambda loc: Unnormalized(loc, one(loc))
    )
    assert "the mean is that of the probabilities" in check_head(lambda loc: Shifted(loc, one(loc)))
    assert "samples have the mean and variance of the probabilities: variance" in check_head(
        lambda loc: Lazy(loc, one(loc))
    )
    assert "probabilities sum or integrate to one" in check_head(
        lambda loc: Normal(loc, one(loc)), support="unit_interval"
    )
    assert "it has a support: expected one of binary" in check_head(
        lambda loc: Normal(loc, 1.0), support="odd"
    )
    assert "outputs of the network of +-200 give finite numbers in training" in check_head(
        lambda loc, s: Normal(loc, s.exp(), validate_args=False), 2
    )
    assert "event_shape: expected (2, 3, 4), got" in check_head(lambda loc: Laplace(loc.sum(-1), 1.0))


def test_a_broken_likelihood_of_counts_fails():
    class Doubled(Poisson):
        def sample(self, sample_shape=()):
            return 2 * super().sample(sample_shape)

    class Total(nn.Module):
        takes_offset, support, warning = True, "count", ""
        network_output = staticmethod(lambda event: event)

        def __init__(self, event_dims: int):
            super().__init__()
            self.event_dims = event_dims

        def offset_of(self, x):
            return x.sum(tuple(range(-self.event_dims, 0))).clamp_min(1).log()  # NaN where a value is missing

        def sample_offset(self, n):
            return torch.zeros(n)

        def typical_offset(self):
            return torch.zeros(())

        def forward(self, output, offset):
            return Independent(Poisson(output.float().clamp(-5, 5).exp()), self.event_dims)

    register("likelihood", "gaps")(gaps := lambda event_dims=3: Total(event_dims))
    assert "offset_of(x) with missing values is finite, of shape (6,): it is not finite" in failure(
        check_likelihood, gaps
    )
    assert "samples have the mean and variance of the probabilities: mean" in check_head(
        lambda logits: Doubled(logits.exp(), validate_args=False), support="count"
    )


def test_a_sound_likelihood_passes():
    @register("likelihood")
    def laplace(scale: float = 1.0, event_dims: int = 3):
        return Head(lambda loc: Laplace(loc, torch.full_like(loc, scale), validate_args=False), 1, event_dims)

    check_likelihood(laplace)
    check_likelihood(laplace, event_shape=(7,), scale=0.1)


def test_a_likelihood_that_changes_in_evaluation_fails():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, loc):
            self.seen += 1
            return Normal(loc, torch.ones_like(loc), validate_args=False)

    register("likelihood", "counting")(counting := lambda event_dims=3: Head(Counting(), 1, event_dims))
    assert "evaluation changes no state: function.seen changed" in failure(check_likelihood, counting)


def test_what_is_no_head_fails():
    register("likelihood", "linear")(linear := lambda event_dims=3: nn.Linear(2, 2))
    assert "it returns a module with network_output: got Linear" in failure(check_likelihood, linear)


# ------------------------------------------------------------------------------------------------- posteriors


class Unreparametrized(Normal):
    def rsample(self, sample_shape=()):
        return super().rsample(sample_shape).detach()


class WrongKL(Normal):
    """Registered below with half of the KL."""


@torch.distributions.kl.register_kl(WrongKL, Normal)
def _half(p: WrongKL, q: Normal) -> Tensor:
    same = Normal(p.loc, p.scale)
    return 0.5 * torch.distributions.kl_divergence(same, q)


def test_a_broken_posterior_fails():
    def line(kind: Any, **traits: Any) -> str:
        @register("posterior", "mine", **traits)
        def mine():
            return Head(lambda mean, s: kind(mean, s.exp(), validate_args=False), 2, 1)

        return failure(check_posterior, mine)

    assert "its samples have gradients (else register it with latent_kind='discrete')" in line(
        Unreparametrized
    )
    assert "its density integrates to one for d = 1" in line(Unnormalized)
    assert "its samples have its density for d = 1" in line(TooWide)
    assert "the KL in closed form is that of samples for d = 1" in line(WrongKL)
    assert "the samples of a point are its mean" in line(Normal, latent_kind="point")
    assert "latent_kind: expected discrete, got continuous" in line(Normal, latent_kind="discrete")
    assert "its trait latent_kind is known: got 'fuzzy'" in line(Normal, latent_kind="fuzzy")


def test_an_output_that_has_no_effect_fails():
    register("posterior", "idle")(
        idle := lambda: Head(lambda mean, s, unused: Normal(mean, s.exp(), validate_args=False), 3, 1)
    )
    assert "an output of the network has no effect" in failure(check_posterior, idle)


# --------------------------------------------------------------------------------------------------- networks


class BatchMean(Dense):
    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*(x - x.mean(0, keepdim=True) for x in inputs))


class Ignores(Dense):
    """It ignores its second input."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*(0 * x if i == 1 else x for i, x in enumerate(inputs)))


class Idle(Dense):
    def __init__(self, inputs, output, hidden_sizes=(7,)):
        super().__init__(inputs, output, hidden_sizes)
        self.idle = nn.Linear(2, 2)


class Truncated(Dense):
    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*inputs)[..., :3]


class AlwaysSingle(Dense):
    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(*inputs).float()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (BatchMean, "leading dimensions broadcast, and each data point is computed for itself"),
        (Ignores, "every input affects the output: input 1 has no gradient"),
        (Idle, "gradients reach every parameter: none reaches idle.weight"),
        (Truncated, "data points of shape (1,) are encoded and decoded: output of [(1,)]: expected (2, 4)"),
        (AlwaysSingle, "float64 is kept: dtype: expected torch.float64, got torch.float32"),
    ],
)
def test_a_broken_network_fails(made: type[Dense], reason: str):
    def mine(inputs, output, hidden_sizes: tuple[int, ...] = (7,)):
        return made(inputs, output, hidden_sizes)

    register("network")(mine)
    line = failure(check_network, mine)
    assert line.startswith(f"network mine: {reason}") or (made is AlwaysSingle and "broadcast" in line)


def test_a_network_for_vectors_only_passes_for_vectors_only():
    @register("network")
    def vectors(inputs, output):
        if any(len(shape) > 1 for shape in (*inputs, output)):
            raise ValueError("vectors only")
        return Dense(inputs, output, (7,))

    check_network(vectors, shapes=[(9,), (1,)])
    line = failure(check_network, vectors)
    assert line == (
        "network vectors: data points of shape (1, 1, 1) are encoded and decoded: ValueError: vectors only"
    )


# ------------------------------------------------------------------------------------------------- objectives


def sum_over_batch(terms: Any, beta: float) -> Tensor:
    return -terms.elbo


def by_position(terms: Any, beta: float) -> Tensor:
    return elbo(terms, beta) + terms.log_px[0, 0] * 1e-3


def first_sample(terms: Any, beta: float) -> Tensor:
    return elbo(terms, beta) - 1e-3 * terms.log_px[0].mean()


def wrong_sign(terms: Any, beta: float) -> Tensor:
    return -elbo(terms, beta)


def infinite(terms: Any, beta: float) -> Tensor:
    return elbo(terms, beta) / 0


def without_beta(terms: Any, beta: float) -> Tensor:
    return elbo(terms)


def detached(terms: Any, beta: float) -> Tensor:
    return elbo(terms, beta).detach() - terms.log_px.mean()


def alone(terms: Any, beta: float) -> Tensor:
    return beta * terms.kl.sum(0).mean() - terms.log_px.mean()


def number(terms: Any, beta: float) -> float:
    return elbo(terms, beta).item()


def in_place(terms: Any, beta: float) -> Tensor:
    loss = elbo(terms, beta)
    terms.log_px.data.add_(1)
    return loss


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (sum_over_batch, "the loss is a finite scalar for beta = 0: shape: expected (), got (4,)"),
        (by_position, "the order of the batch does not matter"),
        (first_sample, "the order of the posterior samples does not matter"),
        (wrong_sign, "a higher log-likelihood lowers the loss: it raises the loss"),
        (infinite, "the loss is a finite scalar for beta = 0: got "),
        (without_beta, "beta has an effect: losses "),
        (detached, "gradients are finite differences: "),
        (alone, "auxiliary terms of the model raise the loss: they have no effect"),
        (number, "the loss is a finite scalar for beta = 0: got float"),
        (in_place, "it changes no term: log_px changed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_objective_fails(function: Callable[..., Any], reason: str):
    register("objective")(function)
    line = failure(check_objective, function)
    assert line.startswith(f"objective {function.__name__}: ")
    assert reason in line


def test_an_objective_that_reads_more_than_it_declares_fails():
    def weights(terms, beta):
        return iwae(terms, beta)

    claim = "objective weights: it needs only the terms that its trait need declares: ValueError: log_qz: not"
    for need in ({"kl"}, set()):
        register("objective", need=need)(weights)
        assert failure(check_objective, weights).startswith(claim)
    register("objective", need={"kls"})(weights)
    assert failure(check_objective, weights).endswith("['kl', 'latents', 'log_ratio', 'parts'], got ['kls']")
    register("objective", need={"log_ratio"})(weights)
    check_objective(weights)


def test_an_objective_of_latents_and_parts_is_checked_with_them():
    def moments(terms, beta):
        """The KL of the aggregated posterior, by its first moment."""
        z = terms.latents[0].sample.mean((0, 1))
        q = terms.latents[0].q.mean.square().sum(-1).mean()
        auxiliary = sum(term.mean() for term in terms.auxiliary.values())
        return beta * (z.square().sum() + q) - terms.log_px_parts.sum(0).mean() + auxiliary

    register("objective", need={"latents", "parts"})(moments)
    check_objective(moments)


def test_an_objective_without_beta_passes_if_it_says_so():
    register("objective")(without_beta)
    check_objective(without_beta, beta_matters=False)
    assert "beta has no effect" in failure(check_objective, elbo, beta_matters=False)


# ---------------------------------------------------------------------------------------------------- package


def test_the_checks_need_no_test_framework():
    code = "import sys, vaekit.testing; sys.exit('pytest' in sys.modules or 'hypothesis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
