"""Annealed importance sampling (AIS): small steps from a distribution that is easy to sample to p(z | x).

Between them, at 0 = t_0 < ... < t_T = 1, lie the densities f_t(z) = p_0(z)^(1 - t) p(x, z)^t. A chain starts
at a sample of p_0. At each t its weight is updated, and then a transition that leaves f_t invariant moves it:

    log w = sum_i (t_i - t_(i-1)) (log p(x, z_(i-1)) - log p_0(z_(i-1))),        E w = p(x)

(Neal 2001). The log of a mean of w is a lower bound of log p(x), like that of importance sampling, which is
T = 1. But AIS does not need a q(z | x) that is accurate everywhere, because the moves reach what q misses. A
chain that runs backward from an exact sample of p(z | x) has E 1/w = 1/p(x): an upper bound of log p(x).

A move is a step of Hamiltonian Monte Carlo (HMC) with 3 leapfrog steps, accepted or rejected (after Wu et al.
2017, "On the quantitative analysis of decoder-based generative models"). The step size of each image and each
t is tuned beforehand by separate pilot chains: a step size that adapts to the measured chains themselves
would not leave f_t invariant.
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
from vaekit.models.context import Context, as_context
from vaekit.models.vae import VAE
from vaekit.nn.layers import without_weight_gradients

Init = Literal["encoder", "prior"]
TunedStep = tuple[float, Tensor]

CHAINS, STEPS = 16, 200
LEAPFROG_STEPS = 3  # per move
TARGET_ACCEPTANCE = 0.65  # acceptance rate that the step size is tuned for
PILOT_CHAINS = 4  # per image
WARMUP_MOVES = 30  # of pilot chains, before the first step size is kept
TERM_SAMPLES = 100  # importance samples for the terms of the bound
MAX_CHAINS_PER_BATCH = 512  # over all images
_INITIAL_STEP_SIZE, _ADAPTATION_RATE = 0.3, 0.2


def chains_per_batch(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many chains run at once, over all images: 512, or fewer if the decoder has large outputs.

    Args:
        decoder: of the model.
        shape: (C, H, W) of an image.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> chains_per_batch(model.decoder, (1, 8, 8))
        512
    """
    return min(MAX_CHAINS_PER_BATCH, batch_size_for(outputs_per_image(decoder, shape)))


def images_per_batch(decoder: nn.Module, shape: Sequence[int], chains: int) -> int:
    """How many images are measured at once, with a number of chains per image.

    Args:
        decoder: of the model.
        shape: (C, H, W) of an image.
        chains: per image.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> images_per_batch(model.decoder, (1, 8, 8), chains=16)
        32
    """
    return max(1, chains_per_batch(decoder, shape) // chains)


def temperatures(steps: int, sharpness: float = 4.0) -> Tensor:
    """t_0, ..., t_T, close together at both ends.

        t_i = (s(u_i) - s(-a)) / (s(a) - s(-a)),        s the logistic function, u_i evenly from -a to a

    Args:
        steps: T.
        sharpness: a.

    Returns:
        (T + 1,), float64, from 0 to 1.

    Source: Wu et al. 2017.

    Example:
        >>> [round(t, 2) for t in temperatures(4).tolist()]
        [0.0, 0.1, 0.5, 0.9, 1.0]
    """
    places = torch.linspace(-sharpness, sharpness, steps + 1, dtype=torch.float64).sigmoid()
    return (places - places[0]) / (places[-1] - places[0])


@dataclass(frozen=True)
class AnnealingPath:
    """The densities f_t between an initial distribution and the posterior of B images.

    Args:
        initial: p_0, over z (B, d) or (d,).
        log_joint: maps z (S, B, d) to log p(x, z), (S, B).
        images: B.
        chains_per_batch: how many chains run at once, over all images; at least one per image.

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> normal = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        >>> path = AnnealingPath(normal, normal.log_prob, images=3)
        >>> path.sample_initial(chains=5).shape
        torch.Size([5, 3, 2])
    """

    initial: Distribution
    log_joint: Callable[[Tensor], Tensor]
    images: int
    chains_per_batch: int = MAX_CHAINS_PER_BATCH

    def sample_initial(self, chains: int) -> Tensor:
        """(S, B, d): samples of p_0, for S chains per image."""
        shape = (chains,) if self.initial.batch_shape else (chains, self.images)
        return self.initial.sample(shape)

    def chunk_sizes(self, chains: int) -> Iterator[int]:
        """Split S chains per image into groups that run at once; yields their sizes."""
        return chunk_sizes(chains, max(1, self.chains_per_batch // self.images))


def annealing_path(
    model: VAE, x: Tensor, y: Context | Tensor | None = None, init: Init = "encoder"
) -> AnnealingPath:
    """The path from q(z | x), or from the prior, to p(z | x).

    Args:
        model: any VAE whose posterior has a density.
        x: (B, *event), NaN where not observed.
        y: labels (B,) or attributes (B, M) of a conditional model, else None; or a `Context`.
        init: "encoder" for q(z | x), "prior" for p(z).

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> path = annealing_path(model, model.sample(3, seed=0, sample_pixels=True))
        >>> path.images, path.log_joint(path.sample_initial(chains=4)).shape
        (3, torch.Size([4, 3]))
    """
    mask, context = masking.observed_mask(x), model.with_offset(as_context(y), x)
    known, prior = masking.fill_missing(x), model.conditional_prior(context)

    def log_joint(z: Tensor) -> Tensor:
        return prior.log_prob(z) + masking.masked_log_prob(model.decode(z, context), known, mask)

    initial = prior if init == "prior" else model.encode(x, context)
    return AnnealingPath(initial, log_joint, len(x), chains_per_batch(model.decoder, x.shape[1:]))


def measure_ais(
    model: VAE, x: Tensor, y: Tensor | None, samples: int, steps: int = STEPS, init: Init = "encoder"
) -> PerImageMetrics:
    """Measure a batch, with log p(x) by AIS; the terms of the bound are those of importance sampling.

    Args:
        model: any VAE whose posterior has a density.
        x: (B, C, H, W), NaN where not observed.
        y: labels (B,) or attributes (B, M) of a conditional model, else None.
        samples: S, chains per image.
        steps: T, steps per chain.
        init: where chains begin: "encoder" or "prior".

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(3, seed=0, sample_pixels=True)
        >>> with torch.no_grad():
        ...     metrics = measure_ais(model, x, None, samples=2, steps=1)
        >>> metrics.log_likelihood.shape
        torch.Size([3])
    """
    with without_weight_gradients(model):
        log_weights = run_forward(annealing_path(model, x, y, init), samples, steps)
    weights = ImportanceWeights(len(x), samples, x.device)
    weights.add(log_weights)
    terms = measure_importance(model, x, y, TERM_SAMPLES)
    variance, shortfall = weights.monte_carlo_error
    return terms._replace(
        log_likelihood=weights.log_mean,
        effective_sample_size=weights.effective_sample_size,
        pareto_k=torch.full_like(terms.pareto_k, torch.nan),
        growth=terms.growth[:0],
        mc_variance=variance,
        shortfall=shortfall,
    )


def run_forward(path: AnnealingPath, chains: int, steps: int) -> Tensor:
    """Run chains from p_0 to the posterior; their weights have E w = p(x).

    Args:
        path: of B images.
        chains: S, per image.
        steps: T, per chain.

    Returns:
        log w (S, B).

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> normal = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        >>> path = AnnealingPath(normal, lambda z: normal.log_prob(z) - 7.0, images=1)
        >>> run_forward(path, chains=2, steps=2).round(decimals=4).tolist()
        [[-7.0], [-7.0]]
    """
    t, starts = temperatures(steps), [path.sample_initial(n) for n in path.chunk_sizes(chains)]
    widths, tuned = t.diff().tolist(), tune_step_sizes(path, t)
    return torch.cat([_run_chain(path, z, widths, tuned) for z in starts])


def run_forward_and_reverse(
    path: AnnealingPath, exact: Tensor, chains: int, steps: int
) -> tuple[Tensor, Tensor]:
    """Run chains to the posterior, and chains backward from exact samples of it.

    Args:
        path: of B images.
        exact: z (B, d), an exact sample of the posterior of each image.
        chains: S, per image and direction.
        steps: T, per chain.

    Returns:
        Two tensors log w (S, B): E w = p(x) for the first, E 1/w = 1/p(x) for the second.

    Source: Grosse et al. 2015, "Sandwiching the marginal likelihood using bidirectional Monte Carlo".

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> normal = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        >>> path = AnnealingPath(normal, lambda z: normal.log_prob(z) - 7.0, images=1)
        >>> forward, reverse = run_forward_and_reverse(path, torch.zeros(1, 2), chains=1, steps=2)
        >>> forward.round(decimals=4).tolist(), reverse.round(decimals=4).tolist()
        ([[-7.0]], [[-7.0]])
    """
    t = temperatures(steps)
    widths, tuned = t.diff().tolist(), tune_step_sizes(path, t)
    forward = [_run_chain(path, path.sample_initial(n), widths, tuned) for n in path.chunk_sizes(chains)]
    widths, tuned = widths[::-1], tuned[::-1]
    reverse = [_run_chain(path, exact.expand(n, -1, -1), widths, tuned) for n in path.chunk_sizes(chains)]
    return torch.cat(forward), torch.cat(reverse)


def tune_step_sizes(path: AnnealingPath, t: Tensor) -> list[TunedStep]:
    """Tune the leapfrog step size for each inner temperature with pilot chains.

    Args:
        path: of B images.
        t: temperatures (T + 1,).

    Returns:
        For each of the T - 1 inner temperatures, the temperature and the step sizes (B,).

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> normal = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        >>> path = AnnealingPath(normal, normal.log_prob, images=3)
        >>> [(t, step_size.shape) for t, step_size in tune_step_sizes(path, temperatures(2))]
        [(0.5, torch.Size([3]))]
    """
    z = path.sample_initial(PILOT_CHAINS)
    step_size = torch.full((path.images,), _INITIAL_STEP_SIZE, dtype=z.dtype, device=z.device)
    tuned, inner = [], t[1:-1].tolist()
    point = _evaluate_at(path, z)
    for temperature in inner[:1] * WARMUP_MOVES + inner:
        point, accepted = _hmc_step(path, point, temperature, step_size)
        step_size = step_size * torch.exp(_ADAPTATION_RATE * (accepted - TARGET_ACCEPTANCE))
        tuned.append((temperature, step_size))
    return tuned[len(tuned) - len(inner) :]


class _State(NamedTuple):
    """z (S, B, d), log p_0 and log p(x, z) there (S, B), and their gradients (S, B, d).

    Both are kept, so that a new temperature needs no new evaluation.
    """

    z: Tensor
    log_initial: Tensor
    log_joint: Tensor
    to_initial: Tensor
    to_joint: Tensor

    @property
    def log_ratio(self) -> Tensor:
        return (self.log_joint - self.log_initial).double()

    def log_density(self, t: float) -> Tensor:
        return (1 - t) * self.log_initial + t * self.log_joint

    def gradient(self, t: float) -> Tensor:
        return (1 - t) * self.to_initial + t * self.to_joint


def _run_chain(path: AnnealingPath, z: Tensor, widths: Sequence[float], tuned: Sequence[TunedStep]) -> Tensor:
    """log w (S, B) of chains from z (S, B, d): a weight update over each interval, a move between two."""
    log_weights = torch.zeros(z.shape[:2], dtype=torch.float64, device=z.device)
    point = _evaluate_at(path, z)
    for width, (temperature, step_size) in zip(widths, tuned, strict=False):
        log_weights += width * point.log_ratio
        point, _ = _hmc_step(path, point, temperature, step_size)
    return log_weights + widths[-1] * point.log_ratio


def _evaluate_at(path: AnnealingPath, z: Tensor) -> _State:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        log_initial, log_joint = path.initial.log_prob(z), path.log_joint(z)
        [to_initial] = torch.autograd.grad(log_initial.sum(), z)
        [to_joint] = torch.autograd.grad(log_joint.sum(), z)
    return _State(z.detach(), log_initial.detach(), log_joint.detach(), to_initial, to_joint)


def _hmc_step(path: AnnealingPath, begin: _State, t: float, step_size: Tensor) -> tuple[_State, Tensor]:
    """One HMC transition, which leaves f_t invariant: where it ends, and the acceptance rate (B,)."""
    momentum = torch.randn_like(begin.z)
    end, final_momentum = _leapfrog(path, begin, momentum, t, step_size.unsqueeze(-1))
    change = end.log_density(t) - begin.log_density(t)
    change = change + (momentum.square() - final_momentum.square()).sum(-1) / 2
    probability = change.nan_to_num(nan=-torch.inf).exp().clamp_max(1)
    accepted = torch.rand_like(probability) < probability
    return _select(accepted, end, begin), probability.mean(0)


def _select(chosen: Tensor, a: _State, b: _State) -> _State:
    """`a` where `chosen` (S, B), `b` elsewhere."""
    select = lambda x, y: torch.where(chosen.unsqueeze(-1) if x.dim() == 3 else chosen, x, y)
    return _State(*(select(x, y) for x, y in zip(a, b, strict=True)))


def _leapfrog(
    path: AnnealingPath, point: _State, momentum: Tensor, t: float, step_size: Tensor
) -> tuple[_State, Tensor]:
    """Leapfrog steps of sizes (B, 1): the final state and momentum."""
    for _ in range(LEAPFROG_STEPS):
        momentum = momentum + step_size / 2 * point.gradient(t)
        point = _evaluate_at(path, point.z + step_size * momentum)
        momentum = momentum + step_size / 2 * point.gradient(t)
    return point, momentum
