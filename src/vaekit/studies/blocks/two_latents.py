"""Models with two latents: their plane can be drawn whole, and integrated over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.engine.trained_model import TrainedModel
from vaekit.evaluation.grid_integration import GridIntegral, integrate_over_grid, joint_log_prob
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.results import PerImageMetrics
from vaekit.models.batching import images_per_batch
from vaekit.plotting.posteriors import Posterior
from vaekit.runs import plots
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, Text
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number

_FINE, _WIDE = 81, 4.0  # points a side of a window, and the deviations of both densities that it holds


def manifold(study: StudyResults, runs: Patterns = ["*"], n: int = 20, caption: str = "") -> list[Element]:  # noqa: B006
    """What the plane decodes to, at n by n quantiles of the prior, a figure a run."""
    return [
        FigureElement(plots.decoded_grid(variant.first.trained, n).figure, caption)
        for variant in study.select(runs, finished=True)
    ]


class EvidenceEstimates(NamedTuple):
    """The evidence of the same images in all ways: by the integral, and by so many importance samples."""

    images: Tensor
    exact: GridIntegral
    sampled: Mapping[int, PerImageMetrics]

    @property
    def elbo(self) -> float:
        """That of the most samples, the one with the least noise."""
        best = self.sampled[max(self.sampled)]
        return (best.reconstruction - best.kl.sum(0)).mean().item()


def exact_log_likelihood(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    images: int = 40,
    samples: list[int] = [1, 10, 100, 1000],  # noqa: B006
    spacing: float = 0.04,
    panels: int = 8,
    seed: int = 0,
) -> list[Element]:
    """log p(x) by an integral over the plane, against importance sampling, and the gap of the bound.

    Args:
        images: so many held-out ones.
        samples: numbers of importance samples.
        spacing: of the grid.
        panels: images whose posterior is drawn.
    """
    variants = study.select(runs, finished=True)
    found = [_measure(variant.first.trained, images, samples, spacing, seed) for variant in variants]
    lacks = [_lacking(variant, measured) for variant, measured in zip(variants, found, strict=True)]
    parts: list[Element] = [_terms(variants, found, spacing), Text("\n\n".join(lacks))]
    for variant, measured in zip(variants, found, strict=True):
        parts += [_rising(variant, measured), _panels(variant, measured, panels)]
    return parts


def _measure(
    trained: TrainedModel, images: int, samples: list[int], spacing: float, seed: int
) -> EvidenceEstimates:
    seen = trained.load_split("test", images=images)
    size = images_per_batch(trained.model.decoder, seen.shape)
    sampled = {k: measure_batches(trained.model, seen.batches(size), k, seed) for k in samples}
    x = seen.batch(torch.arange(len(seen)))
    return EvidenceEstimates(x, integrate_over_grid(trained.model, x, spacing=spacing), sampled)


def _terms(variants: Sequence[VariantResult], found: Sequence[EvidenceEstimates], spacing: float) -> Table:
    """The terms of the identity, a column a run."""
    columns = [Column(variant.name, variant.label, "nats", digits=3) for variant in variants]
    terms = [_named_terms(measured) for measured in found]
    rows = [(name, [Cell(each[name]) for each in terms]) for name in terms[0]]
    notes = [
        f"Means over {len(found[0].images)} test images; grid of spacing {spacing:g}.",
        "What ELBO + KL lacks of the integral, or has too much, is the noise of the draws in the ELBO.",
    ]
    return Table(columns, rows, notes, "term")


def _named_terms(found: EvidenceEstimates) -> dict[str, float]:
    exact, most = found.exact, max(found.sampled)
    gap = exact.gap.mean().item()
    return {
        "log p(x), integral over the plane": exact.log_evidence.mean().item(),
        "the same, grid twice as coarse": exact.log_evidence_coarse.mean().item(),
        f"log p(x), {most:,} importance samples": found.sampled[most].log_likelihood.mean().item(),
        f"ELBO, {most:,} draws": found.elbo,
        "KL(q, p(z|x)), integral over the plane": gap,
        "ELBO + KL(q, p(z|x))": found.elbo + gap,
    }


def _lacking(variant: VariantResult, found: EvidenceEstimates) -> str:
    """What the estimates of log p(x) lack, in words."""
    exact, most = found.exact.log_evidence.mean().item(), max(found.sampled)
    sampled = found.sampled[most].log_likelihood.mean().item()
    return (
        f"**{variant.label}**: the ELBO lacks {format_number(exact - found.elbo)} nats of log p(x), and "
        f"{most:,} importance samples an image lack {format_number(exact - sampled)}."
    )


def _rising(variant: VariantResult, found: EvidenceEstimates) -> FigureElement:
    draws, ends = np.array(list(found.sampled)), np.array([min(found.sampled), max(found.sampled)])
    means = np.array([each.log_likelihood.mean().item() for each in found.sampled.values()])
    lines = {
        "integral over the plane": (ends, np.repeat(found.exact.log_evidence.mean().item(), 2), None),
        "K importance samples": (draws, means, None),
        "ELBO": (ends, np.repeat(found.elbo, 2), None),
    }
    figure = plotting.metric_vs_param(
        lines, f"log p(x) of test images: {variant.label}", "importance samples an image, K", "nats", log=True
    )
    return FigureElement(
        figure, "The importance-weighted bound: with one draw the ELBO, but for noise; with more it rises."
    )


@torch.no_grad()
def _window(trained: TrainedModel, found: EvidenceEstimates, index: int) -> Posterior:
    """An image with both densities in a window around q."""
    x = found.images[index : index + 1]
    q, exact = trained.model.encode(x), found.exact
    center, reach = _frame((q.mean[0], q.stddev[0]), (exact.mean[index], exact.stddev[index]))
    z0, z1 = (torch.linspace(-1, 1, _FINE).to(x) * reach + middle for middle in center.to(x))
    z = torch.stack(torch.meshgrid(z0, z1, indexing="xy"), -1).flatten(0, 1)
    posterior = (joint_log_prob(trained.model, x, z)[:, 0] - exact.log_evidence[index]).exp()
    densities = (each.reshape(_FINE, _FINE).cpu().numpy() for each in (posterior, q.log_prob(z[:, None])))
    label, axes = f"gap {exact.gap[index]:.1f}", (z0.cpu().numpy(), z1.cpu().numpy())
    return Posterior(label, x[0].cpu().numpy(), axes, *densities)


def _frame(*densities: tuple[Tensor, Tensor]) -> tuple[Tensor, float]:
    """Center (2,) and half width of a square that holds densities of these means and deviations."""
    low = torch.stack([mean.double() - _WIDE * stddev.double() for mean, stddev in densities]).amin(0)
    high = torch.stack([mean.double() + _WIDE * stddev.double() for mean, stddev in densities]).amax(0)
    return (low + high) / 2, float((high - low).max() / 2)


def _panels(variant: VariantResult, found: EvidenceEstimates, count: int) -> FigureElement:
    """The exact posteriors of the first images."""
    chosen = range(min(count, len(found.images)))
    drawn = [_window(variant.first.trained, found, index) for index in chosen]
    figure = plotting.posteriors(drawn, f"Exact posteriors and their q: {variant.label}")
    caption = (
        "Blue: p(z|x) by the integral, for test images of which each has its own window. Lines: one and two "
        "deviations of q. Gap: KL(q, p(z|x)) in nats."
    )
    return FigureElement(figure, caption)
