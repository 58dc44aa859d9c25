"""Models with two latents: the decoded latent space, and log p(x) by numerical integration.

log p(x) = log ∫ p(x|z) p(z) dz, a sum over a fine grid of the plane. The same grid gives the exact posterior
p(z|x) = p(x, z) / p(x), and so KL(q, p(z|x)), the gap between log p(x) and the ELBO.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.engine import plots
from vaekit.engine.trained_model import TrainedModel
from vaekit.evaluation.grid_integration import GridIntegral, integrate_over_grid, joint_log_prob
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.results import PerImageMetrics
from vaekit.models.batching import images_per_batch
from vaekit.plotting.posteriors import Posterior
from vaekit.registry import register
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, Text
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number

_POINTS = 81  # grid points per side of a panel
_REACH = 4.0  # a panel contains this many standard deviations of both densities


@register("study_block")
def manifold(study: StudyResults, runs: Patterns = ["*"], n: int = 20, caption: str = "") -> list[Element]:  # noqa: B006
    """The decoded latent space at n x n quantiles of the prior: one figure per run.

    Args:
        runs: name patterns or groups of models with two latents.
        n: number of images per side.
        caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> manifold(example_results(), "vae-2", n=3, caption="The plane.")[0].caption
    'The plane.'
    """
    return [
        FigureElement(plots.decoded_grid(variant.first.trained, n).figure, caption)
        for variant in study.select(runs, finished=True)
    ]


class EvidenceEstimates(NamedTuple):
    """Estimates of log p(x) of the same N images, by integration and by importance sampling.

    Attributes:
        images: (N, C, H, W).
        exact: the integral over a grid.
        sampled: for each number of importance samples K, the metrics of each image.

    >>> from vaekit.studies.example import example_results
    >>> trained = example_results().variants[0].first.trained
    >>> found = estimate_evidence(trained, images=2, samples=[1, 5], spacing=0.5, seed=0)
    >>> tuple(found.images.shape), list(found.sampled)
    ((2, 1, 8, 8), [1, 5])
    """

    images: Tensor
    exact: GridIntegral
    sampled: Mapping[int, PerImageMetrics]

    @property
    def elbo(self) -> float:
        """The mean ELBO in nats, estimated with the largest number of samples."""
        best = self.sampled[max(self.sampled)]
        return (best.reconstruction - best.kl.sum(0)).mean().item()


@register("study_block")
def exact_log_likelihood(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    images: int = 40,
    samples: list[int] = [1, 10, 100, 1000],  # noqa: B006
    spacing: float = 0.04,
    panels: int = 8,
    seed: int = 0,
) -> list[Element]:
    """log p(x) by integration, compared with importance sampling and with ELBO + KL(q, p(z|x)).

    A table with one column per run, the gaps in words, and for each run a figure of the importance-sampled
    bound by K and one of exact posteriors.

    Args:
        runs: name patterns or groups of models with two latents.
        images: number of test images.
        samples: values of K, the number of importance samples per image.
        spacing: of the grid, in the units of z.
        panels: number of images whose exact posterior is drawn.
        seed: of the choice of images and of the samples.

    Raises:
        VaekitError: a model does not have two latents.

    >>> from vaekit.studies.example import example_results
    >>> [table, *_] = exact_log_likelihood(
    ...     example_results(), "vae-2", images=2, samples=[1, 5], spacing=0.5, panels=1
    ... )
    >>> [name for name, _ in table.rows][2:]
    ['log p(x), 5 importance samples', 'ELBO, 5 samples', 'KL(q, p(z|x)), integral', 'ELBO + KL(q, p(z|x))']
    """
    variants = study.select(runs, finished=True)
    found = [estimate_evidence(variant.first.trained, images, samples, spacing, seed) for variant in variants]
    gaps = [_describe_gaps(variant, estimates) for variant, estimates in zip(variants, found, strict=True)]
    parts: list[Element] = [_terms_table(variants, found, spacing), Text("\n\n".join(gaps))]
    for variant, estimates in zip(variants, found, strict=True):
        parts += [_bound_by_samples(variant, estimates), _posterior_panels(variant, estimates, panels)]
    return parts


def estimate_evidence(
    trained: TrainedModel, images: int, samples: Sequence[int], spacing: float, seed: int
) -> EvidenceEstimates:
    """log p(x) of random test images, by integration and by importance sampling.

    Args:
        trained: a model with two latents.
        images: number of images.
        samples: values of K, the number of importance samples per image.
        spacing: of the grid, in the units of z.
        seed: of the choice of images and of the samples.

    >>> from vaekit.studies.example import example_results
    >>> trained = example_results().variants[0].first.trained
    >>> len(estimate_evidence(trained, images=2, samples=[1], spacing=0.5, seed=0).exact.log_evidence)
    2
    """
    observed = trained.load_split("test", images=images)
    size = images_per_batch(trained.model.decoder, observed.shape)
    sampled = {k: measure_batches(trained.model, observed.batches(size), k, seed) for k in samples}
    x = observed.batch(torch.arange(len(observed)))
    return EvidenceEstimates(x, integrate_over_grid(trained.model, x, spacing=spacing), sampled)


def _terms_table(
    variants: Sequence[VariantResult], found: Sequence[EvidenceEstimates], spacing: float
) -> Table:
    """The terms of log p(x) = ELBO + KL(q, p(z|x)): one column per run."""
    columns = [Column(variant.name, variant.label, "nats", digits=3) for variant in variants]
    terms = [_mean_terms(estimates) for estimates in found]
    rows = [(name, [Cell(means[name]) for means in terms]) for name in terms[0]]
    notes = [
        f"Means over {len(found[0].images)} test images; grid spacing {spacing:g}.",
        "ELBO + KL differs from the integral by the sampling error of the ELBO.",
    ]
    return Table(columns, rows, notes, "term")


def _mean_terms(found: EvidenceEstimates) -> dict[str, float]:
    """The rows of the table: the mean of each term over the images, in nats."""
    exact, most = found.exact, max(found.sampled)
    gap = exact.gap.mean().item()
    return {
        "log p(x), integral": exact.log_evidence.mean().item(),
        "log p(x), integral, grid twice as coarse": exact.log_evidence_coarse.mean().item(),
        f"log p(x), {most:,} importance samples": found.sampled[most].log_likelihood.mean().item(),
        f"ELBO, {most:,} samples": found.elbo,
        "KL(q, p(z|x)), integral": gap,
        "ELBO + KL(q, p(z|x))": found.elbo + gap,
    }


def _describe_gaps(variant: VariantResult, found: EvidenceEstimates) -> str:
    """How far the ELBO and importance sampling are below log p(x), in words."""
    exact, most = found.exact.log_evidence.mean().item(), max(found.sampled)
    sampled = found.sampled[most].log_likelihood.mean().item()
    return (
        f"**{variant.label}**: the ELBO is {format_number(exact - found.elbo)} nats below log p(x), the "
        f"estimate with {most:,} importance samples per image {format_number(exact - sampled)} nats."
    )


def _bound_by_samples(variant: VariantResult, found: EvidenceEstimates) -> FigureElement:
    """The importance-sampled bound by K, between the ELBO and the integral."""
    counts, ends = np.array(list(found.sampled)), np.array([min(found.sampled), max(found.sampled)])
    means = np.array([metrics.log_likelihood.mean().item() for metrics in found.sampled.values()])
    lines = {
        "integral": (ends, np.repeat(found.exact.log_evidence.mean().item(), 2), None),
        "K importance samples": (counts, means, None),
        "ELBO": (ends, np.repeat(found.elbo, 2), None),
    }
    figure = plotting.metric_vs_param(
        lines,
        f"log p(x) of test images: {variant.label}",
        "importance samples per image, K",
        "nats",
        log=True,
    )
    return FigureElement(
        figure,
        "The importance-weighted bound equals the ELBO for K = 1, up to sampling noise, and rises with K.",
    )


@torch.no_grad()
def _posterior_window(trained: TrainedModel, found: EvidenceEstimates, index: int) -> Posterior:
    """An image with its exact posterior and its q, in a square that contains both."""
    x = found.images[index : index + 1]
    q, exact = trained.model.encode(x), found.exact
    center, reach = _frame((q.mean[0], q.stddev[0]), (exact.mean[index], exact.stddev[index]))
    z0, z1 = (torch.linspace(-1, 1, _POINTS).to(x) * reach + middle for middle in center.to(x))
    z = torch.stack(torch.meshgrid(z0, z1, indexing="xy"), -1).flatten(0, 1)
    posterior = (joint_log_prob(trained.model, x, z)[:, 0] - exact.log_evidence[index]).exp()
    densities = (grid.reshape(_POINTS, _POINTS).cpu().numpy() for grid in (posterior, q.log_prob(z[:, None])))
    label, axes = f"gap {exact.gap[index]:.1f}", (z0.cpu().numpy(), z1.cpu().numpy())
    return Posterior(label, x[0].cpu().numpy(), axes, *densities)


def _frame(*densities: tuple[Tensor, Tensor]) -> tuple[Tensor, float]:
    """Center (2,) and half width of a square that contains densities of these means and deviations."""
    low = torch.stack([mean.double() - _REACH * stddev.double() for mean, stddev in densities]).amin(0)
    high = torch.stack([mean.double() + _REACH * stddev.double() for mean, stddev in densities]).amax(0)
    return (low + high) / 2, float((high - low).max() / 2)


def _posterior_panels(variant: VariantResult, found: EvidenceEstimates, count: int) -> FigureElement:
    """The exact posterior and q of the first images, one panel each."""
    chosen = range(min(count, len(found.images)))
    windows = [_posterior_window(variant.first.trained, found, index) for index in chosen]
    figure = plotting.posteriors(windows, f"Exact posteriors and q: {variant.label}")
    caption = (
        "Blue: p(z|x) by integration, for one test image per panel; the axes differ between panels. Lines: "
        "one and two standard deviations of q. Gap: KL(q, p(z|x)) in nats."
    )
    return FigureElement(figure, caption)
