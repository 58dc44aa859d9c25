"""Annealed importance sampling: from a distribution that is easy to draw from to p(z | x), by small steps.

Along the way 0 = t_0 < ... < t_T = 1 lie the densities f_t(z) = p_0(z)^(1 - t) p(x, z)^t. A chain starts at a
draw from p_0 and, at each t, is weighed and then moved by a transition that leaves f_t as it is:

    log w = sum_i (t_i - t_(i-1)) (log p(x, z_(i-1)) - log p_0(z_(i-1))),        E w = p(x)

(Neal 2001). So the log of a mean of w is a lower bound of log p(x), like that of importance sampling, which
is T = 1; but it needs no posterior that is right everywhere, for the moves find what q(z | x) lacks. A chain
that walks back from an exact draw of p(z | x) has E 1/w = 1/p(x), which bounds log p(x) from above.

A move is one of Hamiltonian Monte Carlo (Wu et al. 2017, "On the quantitative analysis of decoder-based
generative models"): 10 leapfrog steps, accepted or not. Their length is found beforehand for each image and
each t, by a few chains that count for nothing else: a length that followed the fate of the chains that count
would not leave f_t as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.evaluation.importance_sampling import measure_importance
from vaekit.evaluation.importance_weights import ImportanceWeights
from vaekit.evaluation.results import PerImageMetrics
from vaekit.models import masking
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.vae import VAE

Init = Literal["encoder", "prior"]
TunedStep = tuple[float, Tensor]

CHAINS, STEPS = 16, 200
LEAPFROG_STEPS = 10
TARGET_ACCEPTANCE = 0.65  # the share of moves that the length of steps aims at
PILOT_CHAINS, WARMUP_MOVES = (
    4,
    30,
)  # chains that find the length, and their moves before the first that is noted
TERM_SAMPLES = 100  # samples for the terms of the bound
MAX_CHAINS_PER_BATCH = 512  # chains of all images that are moved together, at most
_INITIAL_STEP_SIZE, _ADAPTATION_RATE = 0.3, 0.2


def chains_per_batch(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many chains of images (C, H, W) are moved together: 512, or fewer where the decoder gives much."""
    return min(MAX_CHAINS_PER_BATCH, batch_size_for(outputs_per_image(decoder, shape)))


def images_per_batch(decoder: nn.Module, shape: Sequence[int], chains: int) -> int:
    """How many images make a batch, with so many chains for each."""
    return max(1, chains_per_batch(decoder, shape) // chains)


def temperatures(steps: int, sharpness: float = 4.0) -> Tensor:
    """t_0 ... t_T, (T + 1,): close together at both ends, as Wu et al. 2017 space them.

    t_i = (s(u_i) - s(-a)) / (s(a) - s(-a)) with s the logistic function, a the sharpness, and u_i going
    evenly from -a to a.
    """
    places = torch.linspace(-sharpness, sharpness, steps + 1, dtype=torch.float64).sigmoid()
    return (places - places[0]) / (places[-1] - places[0])


@dataclass(frozen=True)
class AnnealingPath:
    """The densities between a start and the posterior of B images.

    Attributes:
        initial: p_0, over z (B, d) or (d,).
        log_joint: z (S, B, d) -> log p(x, z), (S, B).
        images: B.
        chains_per_batch: how many chains of all images are moved together, at least one of each image.
    """

    initial: Distribution
    log_joint: Callable[[Tensor], Tensor]
    images: int
    chains_per_batch: int = MAX_CHAINS_PER_BATCH

    def sample_initial(self, chains: int) -> Tensor:
        """(S, B, d), draws from p_0."""
        shape = (chains,) if self.initial.batch_shape else (chains, self.images)
        return self.initial.sample(shape)

    def chunk_sizes(self, chains: int) -> Iterator[int]:
        """S = how many chains of each image are moved together + so many + ..."""
        return chunk_sizes(chains, max(1, self.chains_per_batch // self.images))


def annealing_path(model: VAE, x: Tensor, y: Tensor | None = None, init: Init = "encoder") -> AnnealingPath:
    """The densities between q(z | x), or the prior, and p(z | x).

    Args:
        x: (B, C, H, W), NaN where not observed.
        y: labels.
        init: where chains begin.
    """
    mask, prior = masking.observed_mask(x), model.conditional_prior(y)
    known = masking.fill_missing(x)

    def log_joint(z: Tensor) -> Tensor:
        return prior.log_prob(z) + masking.masked_log_prob(model.decode(z, y), known, mask)

    begin = prior if init == "prior" else model.encode(x, y)
    return AnnealingPath(begin, log_joint, len(x), chains_per_batch(model.decoder, x.shape[1:]))


def measure_ais(
    model: VAE, x: Tensor, y: Tensor | None, samples: int, steps: int = STEPS, init: Init = "encoder"
) -> PerImageMetrics:
    """`likelihood.measure`, its log-likelihood by so many annealed chains an image in place of samples.

    Args:
        samples: S, chains.
        steps: T, temperatures.
        init: where chains begin.
    """
    log_weights = run_forward(annealing_path(model, x, y, init), samples, steps)
    weights = ImportanceWeights(len(x), samples, x.device)
    weights.add(log_weights)
    terms = measure_importance(model, x, y, TERM_SAMPLES)
    return terms._replace(
        log_likelihood=weights.log_mean,
        effective_sample_size=weights.effective_sample_size,
        pareto_k=torch.full_like(terms.pareto_k, torch.nan),
        growth=terms.growth[:0],
    )


def run_forward(path: AnnealingPath, chains: int, steps: int) -> Tensor:
    """log w (S, B) of chains from the start to the posterior; E w = p(x)."""
    t, starts = temperatures(steps), [path.sample_initial(n) for n in path.chunk_sizes(chains)]
    widths, stops = t.diff().tolist(), tune_step_sizes(path, t)
    return torch.cat([_run_chain(path, z, widths, stops) for z in starts])


def run_forward_and_reverse(
    path: AnnealingPath, exact: Tensor, chains: int, steps: int
) -> tuple[Tensor, Tensor]:
    """log w (S, B) of chains to the posterior, and of chains that go back from exact draws of it.

    Args:
        exact: z (B, d), of which each is a draw from its image's posterior.

    Returns:
        Two such that E w = p(x) for the first, and E 1/w = 1/p(x) for the second.

    Source: Grosse et al. 2015, "Sandwiching the marginal likelihood using bidirectional Monte Carlo".
    """
    t = temperatures(steps)
    widths, stops = t.diff().tolist(), tune_step_sizes(path, t)
    there = [_run_chain(path, path.sample_initial(n), widths, stops) for n in path.chunk_sizes(chains)]
    widths, stops = widths[::-1], stops[::-1]
    back = [_run_chain(path, exact.expand(n, -1, -1), widths, stops) for n in path.chunk_sizes(chains)]
    return torch.cat(there), torch.cat(back)


def tune_step_sizes(path: AnnealingPath, t: Tensor) -> list[TunedStep]:
    """Each inner t, with the length of a leapfrog step for each image (B,), found by chains of their own."""
    z = path.sample_initial(PILOT_CHAINS)
    length = torch.full((path.images,), _INITIAL_STEP_SIZE, dtype=z.dtype, device=z.device)
    found, inner = [], t[1:-1].tolist()
    for here in inner[:1] * WARMUP_MOVES + inner:
        z, accepted = _hmc_step(path, _evaluate_at(path, z, here), here, length)
        length = length * torch.exp(_ADAPTATION_RATE * (accepted - TARGET_ACCEPTANCE))
        found.append((here, length))
    return found[len(found) - len(inner) :]


class _State(NamedTuple):
    """z (S, B, d), log p_0 and log p(x, z) there (S, B), and the gradient of log f_t (S, B, d)."""

    z: Tensor
    log_initial: Tensor
    log_joint: Tensor
    gradient: Tensor

    @property
    def log_ratio(self) -> Tensor:
        return (self.log_joint - self.log_initial).double()

    def log_density(self, t: float) -> Tensor:
        return (1 - t) * self.log_initial + t * self.log_joint


def _run_chain(path: AnnealingPath, z: Tensor, widths: Sequence[float], stops: Sequence[TunedStep]) -> Tensor:
    """log w (S, B) of chains that begin at z (S, B, d): weighed over each interval, moved between two."""
    log_weights = torch.zeros(z.shape[:2], dtype=torch.float64, device=z.device)
    for width, (here, length) in zip(widths, stops, strict=False):
        point = _evaluate_at(path, z, here)
        log_weights += width * point.log_ratio
        z, _ = _hmc_step(path, point, here, length)
    return log_weights + widths[-1] * _evaluate_at(path, z, 1.0).log_ratio


def _evaluate_at(path: AnnealingPath, z: Tensor, t: float) -> _State:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        log_initial, log_joint = path.initial.log_prob(z), path.log_joint(z)
        [gradient] = torch.autograd.grad(((1 - t) * log_initial + t * log_joint).sum(), z)
    return _State(z.detach(), log_initial.detach(), log_joint.detach(), gradient)


def _hmc_step(path: AnnealingPath, begin: _State, t: float, length: Tensor) -> tuple[Tensor, Tensor]:
    """One transition that leaves f_t as it is: z (S, B, d), and the share of acceptance (B,)."""
    momentum = torch.randn_like(begin.z)
    end, turned = _leapfrog(path, begin, momentum, t, length.unsqueeze(-1))
    change = end.log_density(t) - begin.log_density(t)
    change = change + (momentum.square() - turned.square()).sum(-1) / 2
    probability = change.nan_to_num(nan=-torch.inf).exp().clamp_max(1)
    accepted = torch.rand_like(probability) < probability
    return torch.where(accepted.unsqueeze(-1), end.z, begin.z), probability.mean(0)


def _leapfrog(
    path: AnnealingPath, point: _State, momentum: Tensor, t: float, length: Tensor
) -> tuple[_State, Tensor]:
    """Leapfrog steps of a length (B, 1): where they end, and the momentum there."""
    for _ in range(LEAPFROG_STEPS):
        momentum = momentum + length / 2 * point.gradient
        point = _evaluate_at(path, point.z + length * momentum, t)
        momentum = momentum + length / 2 * point.gradient
    return point, momentum
