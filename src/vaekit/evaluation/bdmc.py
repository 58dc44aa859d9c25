"""How far each estimator is from the truth, on images of which an exact posterior draw is known.

A model's own images come with one: of z ~ p(z), x ~ p(x | z), the z is a draw from p(z | x). Chains that go
back from it bound log p(x) from above, chains that go there from below (see `annealed`), so that

    E lower <= log p(x) <= E upper,

and whatever lies below by more than upper - lower is the gap of the estimator. What holds for a model's own
images holds for those it was trained on as far as the two are alike (Grosse et al. 2015, "Sandwiching the
marginal likelihood using bidirectional Monte Carlo").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from vaekit.evaluation.ais import (
    CHAINS,
    STEPS,
    Init,
    annealing_path,
    images_per_batch,
    run_forward_and_reverse,
)
from vaekit.evaluation.importance_sampling import clock, mean_and_stderr, measure_importance, summarize_tails
from vaekit.models.batching import chunk_sizes
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded


@dataclass(frozen=True)
class EstimatorGap:
    """A bound of log p(x) in nats, a mean over images, and how far below the upper bound it lies.

    Attributes:
        name: of the bound.
        value: its mean.
        gap, gap_stderr: upper bound less this one, and the standard error of that over the images.
        median: that of the images. Where it is far below the mean, a few images are missed by much, such as
            those from places that no code of a training image is near.
    """

    name: str
    value: float
    gap: float
    gap_stderr: float | None
    median: float


@dataclass(frozen=True)
class BDMCBounds:
    """What bidirectional Monte Carlo found.

    Attributes:
        images: so many were drawn from the model.
        chains, steps, init: of the annealed chains of each image.
        samples: of importance sampling.
        seed: of all that is random.
        seconds: wall-clock time.
        upper: the upper bound, a mean over images.
        bounds: the lower bounds, the tightest kind first: annealed, importance-sampled, ELBO.
        unreliable: the share of images whose importance weights have a tail that is too heavy.
    """

    images: int
    chains: int
    steps: int
    init: str
    samples: int
    seed: int
    seconds: float
    upper: float
    bounds: list[EstimatorGap] = field(default_factory=list)
    unreliable: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def bdmc(
    model: VAE,
    images: int = 100,
    chains: int = CHAINS,
    steps: int = STEPS,
    samples: int = 5000,
    init: Init = "encoder",
    seed: int = 0,
    progress: Callable[[int], None] = lambda images: None,
) -> BDMCBounds:
    """The bounds of log p(x) on images that are drawn from the model, with their gaps.

    Args:
        model: in evaluation mode, whose posterior has a density.
        images: so many, their labels from p(y) where the model is told any.
        chains, steps, init: of the annealed chains; see `annealed`.
        samples: K, of importance sampling.
        seed: of images and draws.
        progress: called with the number of images done with.
    """
    seconds, parts = clock(), []
    shape = model.sample(1, seed=0).shape[1:]
    with seeded(seed):
        for n in chunk_sizes(images, images_per_batch(model.decoder, shape, chains)):
            parts.append(_measure_batch(model, n, chains, steps, samples, init))
            progress(n)
    upper, *lower, shapes = torch.cat(parts, 1).double().cpu()
    names = ("annealed", "importance-sampled", "ELBO")
    return BDMCBounds(
        images, chains, steps, init, samples, seed, seconds(), upper.mean().item(),
        [_gap(name, upper, values) for name, values in zip(names, lower, strict=True)],
        summarize_tails(shapes)[1],
    )  # fmt: skip


@torch.no_grad()
def _measure_batch(model: VAE, images: int, chains: int, steps: int, samples: int, init: Init) -> Tensor:
    """Upper bound, the three lower ones, and the shapes of the tails, (5, N), of images from the model."""
    z, x, y = _sample_joint(model, images)
    between = annealing_path(model, x, y, init)
    there, back = run_forward_and_reverse(between, z, chains, steps)
    terms = measure_importance(model, x, y, samples)
    upper, lower = -_log_mean_exp(-back), _log_mean_exp(there)
    elbo = terms.reconstruction - terms.kl.sum(0)
    return torch.stack([upper, lower, terms.log_likelihood, elbo, terms.pareto_k])


def _sample_joint(model: VAE, n: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """z (n, d), x (n, C, H, W) and labels from the model."""
    y = None if model.labels is None else model.labels.sample(n)
    prior = model.conditional_prior(y)
    z = prior.sample(() if prior.batch_shape else (n,))
    return z, model.decode(z, y).sample(), y


def _log_mean_exp(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _gap(name: str, upper: Tensor, lower: Tensor) -> EstimatorGap:
    gap = upper - lower
    return EstimatorGap(name, lower.mean().item(), *mean_and_stderr(gap), gap.median().item())
