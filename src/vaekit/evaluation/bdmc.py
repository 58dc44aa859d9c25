"""Bidirectional Monte Carlo (BDMC): the gap of each estimator of log p(x), on images from the model itself.

If z ~ p(z) and x ~ p(x | z), then z is an exact draw from p(z | x). AIS chains that start at z and run
backward bound log p(x) from above, chains that run forward bound it from below (see `vaekit.evaluation.ais`):

    E lower <= log p(x) <= E upper.

The distance of an estimator below the upper bound is thus its gap, up to upper - lower. The gaps carry over
to real images as far as these resemble samples of the model (Grosse et al. 2015, "Sandwiching the marginal
likelihood using bidirectional Monte Carlo").
"""

from __future__ import annotations

import math
import time
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
from vaekit.evaluation.importance_sampling import mean_and_stderr, measure_importance, summarize_tails
from vaekit.models.batching import chunk_sizes
from vaekit.models.context import Context
from vaekit.models.vae import VAE
from vaekit.nn.layers import without_weight_gradients
from vaekit.nn.matmul import use_chosen
from vaekit.parallel.turns import in_turns
from vaekit.utils.random import seeded


@dataclass(frozen=True)
class EstimatorGap:
    """A lower bound of log p(x) and its gap to the upper bound, in nats, as means over images.

    Attributes:
        name: of the bound.
        value: its mean.
        gap, gap_stderr: the upper bound minus this bound, and its standard error over images.
        median: of the gap. If it is far below the mean, few images have large gaps, such as samples from
            regions without the latents of any training image.

    Example:
        >>> EstimatorGap("ELBO", value=-95.0, gap=5.0, gap_stderr=0.5, median=4.0).gap
        5.0
    """

    name: str
    value: float
    gap: float
    gap_stderr: float | None
    median: float


@dataclass(frozen=True, repr=False)
class BDMCBounds:
    """The bounds of bidirectional Monte Carlo, in nats.

    Attributes:
        images: the number of images drawn from the model.
        chains, steps, init: of AIS: chains per image, steps per chain, and where chains begin.
        samples: importance samples per image.
        seed: of all random draws.
        seconds: wall-clock time.
        upper: the upper bound, a mean over images.
        bounds: the lower bounds, usually the tightest first: annealed, importance-sampled, ELBO.
        unreliable: the fraction of images whose Pareto shape of the importance weights is above 0.7.

    Example:
        >>> gap = EstimatorGap("ELBO", value=-95.0, gap=5.0, gap_stderr=0.5, median=4.0)
        >>> BDMCBounds(100, 16, 200, "encoder", 5000, 0, 1.5, upper=-90.0, bounds=[gap])
        BDMCBounds(upper=-90.00, below it: ELBO 5.00, 100 images)
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

    def __repr__(self) -> str:
        gaps = ", ".join(f"{bound.name} {bound.gap:.2f}" for bound in self.bounds)
        return f"BDMCBounds(upper={self.upper:.2f}, below it: {gaps}, {self.images} images)"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@use_chosen()
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
    """Bound log p(x) from both sides on images drawn from the model.

    Args:
        model: in evaluation mode, with a posterior that has a density.
        images: how many to draw; of a conditional model, with labels from p(y).
        chains, steps, init: of AIS; see `vaekit.evaluation.ais.measure_ais`.
        samples: K, importance samples per image.
        seed: the draws of a batch, images included, depend on it and on the index of the batch.
        progress: called after each batch with its number of images.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> bounds = bdmc(model, images=2, samples=5, chains=2, steps=1)
        >>> bounds.images, [bound.name for bound in bounds.bounds]
        (2, ['annealed', 'importance-sampled', 'ELBO'])
    """
    began, batches = time.perf_counter(), []
    shape = model.sample(1, seed=0).shape[1:]

    def measure(numbered: tuple[int, int]) -> Tensor:
        number, n = numbered
        with seeded(seed + 1_000_003 * number):
            return _measure_batch(model, n, chains, steps, samples, init).cpu()

    sizes = chunk_sizes(images, images_per_batch(model.decoder, shape, chains))
    for measured in in_turns(enumerate(sizes), measure):
        batches.append(measured)
        progress(measured.shape[1])
    upper, *lower, shapes = torch.cat(batches, 1).double().cpu()
    names = ("annealed", "importance-sampled", "ELBO")
    return BDMCBounds(
        images, chains, steps, init, samples, seed, time.perf_counter() - began, upper.mean().item(),
        [_gap(name, upper, values) for name, values in zip(names, lower, strict=True)],
        summarize_tails(shapes)[1],
    )  # fmt: skip


@torch.no_grad()
def _measure_batch(model: VAE, images: int, chains: int, steps: int, samples: int, init: Init) -> Tensor:
    """(5, N), of N images from the model: the upper bound, the three lower bounds, and Pareto k."""
    z, x, context = _sample_joint(model, images)
    with without_weight_gradients(model):
        path = annealing_path(model, x, context, init)
        forward, reverse = run_forward_and_reverse(path, z, chains, steps)
    terms = measure_importance(model, x, context, samples)
    upper, lower = -_log_mean_exp(-reverse), _log_mean_exp(forward)
    elbo = terms.reconstruction - terms.kl.sum(0)
    return torch.stack([upper, lower, terms.log_likelihood, elbo, terms.pareto_k])


def _sample_joint(model: VAE, n: int) -> tuple[Tensor, Tensor, Context]:
    """Draw z (n, d), x (n, *event), and what they are conditioned on, from the model."""
    context = model.sample_context(n)
    prior = model.conditional_prior(context)
    z = prior.sample(() if prior.batch_shape else (n,))
    return z, model.decode(z, context).sample(), context


def _log_mean_exp(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _gap(name: str, upper: Tensor, lower: Tensor) -> EstimatorGap:
    gap = upper - lower
    return EstimatorGap(name, lower.mean().item(), *mean_and_stderr(gap), gap.median().item())
