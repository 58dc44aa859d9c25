"""How often 95 % intervals of log p(x), Monte Carlo error included, contain the truth: 400 repetitions.

    python -m benchmarks.quality.coverage [--repetitions N] [--only WORD]

Two models whose log p(x) is known: a linear-Gaussian one in closed form, and one with a single latent and
binary pixels, by integration over a grid. Each repetition draws N images and measures them with other draws.
Two intervals are asked for the truth:

    population   `evidence_interval`: the mean of log p(x) over all images, by images and Monte Carlo error
    images       `images_interval`: the mean over these very images, by Monte Carlo error alone

The last column is the ratio of Monte Carlo error to standard error over images: near 1 images are much alike,
and the draws are all that varies. The rows with heavy tails show the limit: no interval can see what the
same draws have missed.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal

from vaekit.evaluation.ais import AnnealingPath, annealing_path, run_forward
from vaekit.evaluation.confidence_intervals import paired_interval
from vaekit.evaluation.importance_sampling import measure_importance
from vaekit.evaluation.importance_weights import ImportanceWeights
from vaekit.evaluation.monte_carlo import combine_repeats, evidence_interval, images_interval
from vaekit.evaluation.results import PerImageMetrics
from vaekit.models.conditional import Hierarchy
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

REPETITIONS, IMAGES = 400, 40
PIXELS, LATENTS, NOISE = 6, 2, 0.6
_AT_ONCE = 4000  # images


class Linear(nn.Module):
    """N(matrix v + offset, covariance)."""

    def __init__(self, matrix: Tensor, offset: Tensor, covariance: Tensor):
        super().__init__()
        self.matrix, self.offset, self.covariance = (
            nn.Parameter(each, requires_grad=False) for each in (matrix, offset, covariance)
        )

    def forward(self, v: Tensor) -> MultivariateNormal:
        return MultivariateNormal(v @ self.matrix.T + self.offset, self.covariance)


class RealPixels(nn.Module):
    """Independent pixels from N(matrix z + offset, NOISE^2)."""

    def __init__(self, matrix: Tensor, offset: Tensor):
        super().__init__()
        self.matrix, self.offset = (nn.Parameter(each, requires_grad=False) for each in (matrix, offset))

    def forward(self, z: Tensor) -> Independent:
        return Independent(Normal(z @ self.matrix.T + self.offset, NOISE), 1)


class BinaryPixels(nn.Module):
    """Independent pixels with logits matrix z + offset."""

    def __init__(self, matrix: Tensor, offset: Tensor):
        super().__init__()
        self.matrix, self.offset = (nn.Parameter(each, requires_grad=False) for each in (matrix, offset))

    def forward(self, z: Tensor) -> Independent:
        return Independent(Bernoulli(logits=z @ self.matrix.T + self.offset), 1)


def _vae(latents: int, encoder: nn.Module, decoder: nn.Module) -> VAE:
    prior = Hierarchy([StandardNormal(latents)], (latents,)).double()
    return VAE(prior, Hierarchy([encoder], (latents,)), decoder).eval()


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class LinearGaussianCase:
    """z ~ N(0, I), x ~ N(W z + b, s^2 I), with a q that is off by `displaced`, and images from N(b, v).

    Args:
        displaced: how far the mean of q is from that of the posterior.
        spread: None for images from the model; else the deviation of images around b.
    """

    def __init__(self, displaced: float, spread: float | None = None):
        weight, self.bias = _random(PIXELS, LATENTS, seed=0), _random(PIXELS, seed=1)
        eye = torch.eye(PIXELS, dtype=torch.float64)
        precision = torch.eye(LATENTS, dtype=torch.float64) + weight.T @ weight / NOISE**2
        covariance = torch.linalg.inv(precision)
        gain = covariance @ weight.T / NOISE**2
        encoder = Linear(gain, displaced - gain @ self.bias, covariance)
        self.model = _vae(LATENTS, encoder, RealPixels(weight, self.bias))
        self.evidence = MultivariateNormal(self.bias, weight @ weight.T + NOISE**2 * eye)
        images = self.evidence.covariance_matrix if spread is None else spread**2 * eye
        self.images = MultivariateNormal(self.bias, images)

    def sample(self, n: int) -> Tensor:
        """(n, D) images."""
        return self.images.sample((n,))

    def log_prob(self, x: Tensor) -> Tensor:
        """The true log p(x), (n,)."""
        return self.evidence.log_prob(x)

    @cached_property
    def population(self) -> float:
        """The mean of log p(x) over all images."""
        inverse = self.evidence.precision_matrix
        square = torch.trace(inverse @ self.images.covariance_matrix)
        return (-(square + PIXELS * math.log(2 * math.pi) - torch.logdet(inverse)) / 2).item()


class IntegrableCase:
    """z ~ N(0, 1), six binary pixels, and images from the model: all 64 have a log p(x) by a grid of z.

    Args:
        widened: the variance of q, relative to the mean variance of the posteriors.
    """

    def __init__(self, widened: float):
        decoder = BinaryPixels(2 * _random(PIXELS, 1, seed=2), _random(PIXELS, seed=3))
        grid = torch.linspace(-9, 9, 6001, dtype=torch.float64)[:, None]
        self.every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=PIXELS)), dtype=torch.float64)
        log_prior = Normal(0.0, 1.0).log_prob(grid[:, 0])
        log_joint = decoder(grid[:, None]).log_prob(self.every) + log_prior[:, None]
        self.log_evidence = log_joint.logsumexp(0) + math.log(18 / 6000)
        posterior = log_joint.softmax(0)
        mean = (posterior * grid).sum(0)
        variance = (posterior * (grid - mean).square()).sum(0)
        design = torch.cat([self.every, torch.ones(len(self.every), 1).double()], 1)
        fitted = torch.linalg.lstsq(design, mean[:, None]).solution[:, 0]
        encoder = Linear(fitted[None, :-1], fitted[-1:], (widened * variance.mean()).reshape(1, 1))
        self.model = _vae(1, encoder, decoder)

    def sample(self, n: int) -> Tensor:
        """(n, D) images."""
        return self.every[torch.multinomial(self.log_evidence.exp(), n, replacement=True)]

    def log_prob(self, x: Tensor) -> Tensor:
        """The true log p(x), (n,)."""
        place = (x * 2.0 ** torch.arange(PIXELS - 1, -1, -1)).sum(1).long()
        return self.log_evidence[place]

    @cached_property
    def population(self) -> float:
        """The mean of log p(x) over all images."""
        return (self.log_evidence.exp() * self.log_evidence).sum().item()


Case = LinearGaussianCase | IntegrableCase
Measure = Callable[[VAE, Tensor], PerImageMetrics]


def by_importance(samples: int, repeats: int = 1) -> Measure:
    """Importance sampling with K samples, R times."""
    return lambda model, x: combine_repeats(
        [measure_importance(model, x, None, samples) for _ in range(repeats)]
    )


def by_ais(chains: int, steps: int) -> Measure:
    """Annealed importance sampling with S chains of T steps from q."""

    def measure(model: VAE, x: Tensor) -> PerImageMetrics:
        path = annealing_path(model, x)
        whole = AnnealingPath(path.initial, path.log_joint, path.images, chains * len(x))
        weights = ImportanceWeights(len(x), chains, x.device)
        weights.add(run_forward(whole, chains, steps))
        variance, shortfall = weights.monte_carlo_error
        terms = measure_importance(model, x, None, 1)
        return terms._replace(log_likelihood=weights.log_mean, mc_variance=variance, shortfall=shortfall)

    return measure


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Attributes:
        name: of the model and its images.
        estimator: in words.
        case: the model.
        measure: the estimator.
        heavy: whether the weights have tails too heavy for any interval.
        images: of each repetition.
    """

    name: str
    estimator: str
    case: Callable[[], Case]
    measure: Measure
    heavy: bool = False
    images: int = IMAGES


SETTINGS: Sequence[Setting] = (
    Setting("linear-Gaussian", "50 samples", partial(LinearGaussianCase, 0.1), by_importance(50)),
    Setting(
        "linear-Gaussian, images alike",
        "50 samples",
        partial(LinearGaussianCase, 0.1, 0.002),
        by_importance(50),
    ),
    Setting("linear-Gaussian", "3 repeats of 50", partial(LinearGaussianCase, 0.1), by_importance(50, 3)),
    Setting(
        "linear-Gaussian",
        "AIS, 16 chains, 4 steps",
        partial(LinearGaussianCase, 0.1),
        by_ais(16, 4),
        images=20,
    ),
    Setting("binary pixels", "50 samples", partial(IntegrableCase, 1.3), by_importance(50)),
    Setting("binary pixels", "3 repeats of 20", partial(IntegrableCase, 1.3), by_importance(20, 3)),
    Setting(
        "binary pixels", "AIS, 16 chains, 8 steps", partial(IntegrableCase, 1.3), by_ais(16, 8), images=20
    ),
    Setting(
        "binary pixels, q too narrow",
        "AIS, 8 chains, 4 steps",
        partial(IntegrableCase, 0.7),
        by_ais(8, 4),
        True,
        images=20,
    ),
    Setting(
        "linear-Gaussian, q far off", "50 samples", partial(LinearGaussianCase, 0.3), by_importance(50), True
    ),
    Setting(
        "binary pixels, q too narrow", "50 samples", partial(IntegrableCase, 0.2), by_importance(50), True
    ),
)


@dataclass(frozen=True)
class Coverage:
    """How often each interval contained the truth.

    Attributes:
        population, images: fractions of the repetitions.
        ratio: of Monte Carlo error to standard error over images.
    """

    population: float
    images: float
    ratio: float


@torch.no_grad()
def measure_coverage(setting: Setting, repetitions: int = REPETITIONS, seed: int = 0) -> Coverage:
    """Repeat the measurement of N images, and count the intervals that contain the truth."""
    case, n = setting.case(), setting.images
    with seeded(seed):
        x = case.sample(repetitions * n)
        parts = [setting.measure(case.model, part) for part in x.split(_AT_ONCE)]
    exact = case.log_prob(x).view(repetitions, n)
    values, shortfall, variance = (
        torch.cat([getattr(part, name) for part in parts]).view(repetitions, n)
        for name in ("log_likelihood", "shortfall", "mc_variance")
    )
    population = images = 0
    for row in range(repetitions):
        found = evidence_interval(values[row], shortfall[row])
        population += found is not None and found.low <= case.population <= found.high
        arrays = (each[row].numpy() for each in (values, shortfall, variance))
        found = images_interval(*arrays)
        images += found is not None and found.low <= exact[row].mean().item() <= found.high
    ratio = (variance.mean() / values.var(1).mean()).sqrt().item()
    return Coverage(population / repetitions, images / repetitions, ratio)


@torch.no_grad()
def measure_paired_coverage(repetitions: int = REPETITIONS, seed: int = 0) -> float:
    """How often the interval of the paired difference of two models contains the true one."""
    one, other = LinearGaussianCase(0.1), LinearGaussianCase(0.0)
    other.model.encoder.layers[0].covariance.mul_(1.5)  # another q of the same model: the difference is 0
    count = 0
    with seeded(seed):
        x = one.sample(repetitions * IMAGES)
        first, second = (by_importance(50)(case.model, x) for case in (one, other))
    a, b = (
        (found.log_likelihood + found.shortfall).view(repetitions, IMAGES).numpy()
        for found in (first, second)
    )
    for row in range(repetitions):
        found = paired_interval(a[row], b[row])
        count += found.low <= 0 <= found.high
    return count / repetitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--only", default="", help="settings whose name or estimator contains this word")
    asked = parser.parse_args()
    chosen = [s for s in SETTINGS if asked.only in f"{s.name} {s.estimator}"]
    print("| model and images | estimator | population | these images | Monte Carlo / standard error |")
    print("|---|---|---|---|---|")
    for setting in sorted(chosen, key=lambda setting: setting.heavy):
        found = measure_coverage(setting, asked.repetitions)
        name = setting.name + (" (heavy tails)" if setting.heavy else "")
        shares = f"{found.population:.1%} | {found.images:.1%} | {found.ratio:.2f}"
        print(f"| {name} | {setting.estimator} | {shares} |", flush=True)
    if not asked.only:
        paired = measure_paired_coverage(asked.repetitions)
        print(f"\nPaired difference of two encoders of one model: {paired:.1%}")


if __name__ == "__main__":
    main()
