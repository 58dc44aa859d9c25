"""Numerical checks of two identities.

KL(q, p) = ½ Σ (μ² + σ² − 1 − log σ²) = E_q[log q(z|x) − log p(z)]       for trained models, by sampling
log p(x) = ELBO + KL(q(z|x), p(z|x))                                     for a linear-Gaussian model, exactly
"""

from __future__ import annotations

import numpy as np

from vaekit import plotting
from vaekit.evaluation import elbo_identities
from vaekit.evaluation.elbo_identities import KLComparison, compare_kl
from vaekit.registry import register
from vaekit.studies.blocks.latent import BATCH_SIZE
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_NATS = "nats"


@register("study_block")
def kl_check(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    images: int = 500,
    samples: list[int] = [2, 10, 100, 1000],  # noqa: B006
    seed: int = 0,
) -> list[Element]:
    """KL(q, p) of held-out images in closed form and by sampling: a table and a figure per run.

    Args:
        runs: name patterns or groups.
        images: number of images, the same for every number of samples.
        samples: numbers of samples per image, each at least 2.
        seed: of the samples.

    >>> from vaekit.studies.example import example_results
    >>> table, figure = kl_check(example_results(), "vae-2", images=5, samples=[2, 4])
    >>> [name for name, _ in table.rows]
    ['closed form', '2 samples per image', '4 samples per image']
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        batches = list(variant.first.trained.load_split("test", images=images).batches(BATCH_SIZE))
        model = variant.first.trained.model
        found = {k: compare_kl(model, batches, k, seed) for k in samples}
        count = sum(len(x) for x, _ in batches)
        parts += [_kl_table(variant, found, count), _kl_figure(variant, found)]
    return parts


@register("study_block")
def elbo_identity(
    study: StudyResults,
    latents: int = 2,
    pixels: int = 6,
    noise: float = 0.6,
    steps: int = 6,
    seed: int = 0,
) -> list[Element]:
    """log p(x) = ELBO + KL(q, p(z|x)) for several q of a linear-Gaussian model: a figure and a table.

    Args:
        latents, pixels, noise: sizes and noise standard deviation of the model x = W z + noise.
        steps: number of q, from the prior to the exact posterior.
        seed: of W and x.

    >>> figure, table = elbo_identity(None, steps=3)
    >>> [name for name, _ in table.rows]
    ['0', '0.5', '1']
    """
    rows = elbo_identities.elbo_identity(latents, pixels, noise, steps, seed)
    names = [f"{row.t:g}" for row in rows]
    cells = [
        [Cell(row.elbo), Cell(row.gap), Cell(row.elbo + row.gap), Cell(row.log_evidence)] for row in rows
    ]
    columns = [
        Column("elbo", "ELBO", _NATS, digits=6),
        Column("gap", "KL(q, p(z|x))", _NATS, digits=6),
        Column("sum", "sum", _NATS, digits=6),
        Column("log_evidence", "log p(x)", _NATS, digits=6),
    ]
    worst = max(abs(row.error) for row in rows)
    notes = [f"The sum and log p(x) are computed independently and differ by at most {worst:.0e} nats."]
    figure = plotting.elbo_and_gap(
        names,
        np.array([row.elbo for row in rows]),
        np.array([row.gap for row in rows]),
        "log p(x) as ELBO and gap, for several q",
        "q from the prior (0) to the exact posterior (1)",
        f"linear-Gaussian model, {latents} latents, {pixels} pixels: every term in closed form",
    )
    caption = "A better q moves nats from the gap to the bound; the sum is constant."
    return [FigureElement(figure, caption), Table(columns, list(zip(names, cells, strict=True)), notes, "q")]


def _kl_table(variant: VariantResult, found: dict[int, KLComparison], images: int) -> Table:
    columns = [
        Column("kl", "KL(q, p)", _NATS, digits=4),
        Column("error", "standard error", _NATS, digits=4),
        Column("off", "deviation", "standard errors", digits=1),
    ]
    rows = [(f"{k:,} samples per image", _cells(estimate)) for k, estimate in found.items()]
    closed = next(iter(found.values()))
    notes = [
        f"{variant.label}, mean over {images:,} test images. The standard error is of the sampling alone."
    ]
    return Table(
        columns, [("closed form", [Cell(closed.analytic), Cell(None), Cell(None)]), *rows], notes, "estimate"
    )


def _cells(found: KLComparison) -> list[Cell]:
    deviation = (found.sampled - found.analytic) / found.stderr
    return [Cell(found.sampled), Cell(found.stderr), Cell(deviation)]


def _kl_figure(variant: VariantResult, found: dict[int, KLComparison]) -> FigureElement:
    counts, estimates = np.array(list(found)), list(found.values())
    lines = {
        "by sampling": (
            counts,
            np.array([e.sampled for e in estimates]),
            np.array([e.stderr for e in estimates]),
        ),
        "closed form": (counts, np.array([e.analytic for e in estimates]), None),
    }
    figure = plotting.metric_vs_param(
        lines, f"KL(q, p) by sampling: {variant.label}", "samples per image", "KL(q, p) (nats)", log=True
    )
    return FigureElement(figure, "Error bars are one standard error.")
