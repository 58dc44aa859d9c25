"""The equations that a VAE rests on, with the numbers of a model where all is known, and of trained ones."""

from __future__ import annotations

import numpy as np

from vaekit import plotting
from vaekit.evaluation import elbo_identities
from vaekit.evaluation.elbo_identities import KLComparison, compare_kl
from vaekit.studies.blocks.latent import BATCH_SIZE
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_NATS = "nats"


def kl_check(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    images: int = 500,
    samples: list[int] = [2, 10, 100, 1000],  # noqa: B006
    seed: int = 0,
) -> list[Element]:
    """KL(q, p) of held-out images in closed form and by draws, a table and a figure a run.

    Args:
        images: so many, the same for every number of draws.
        samples: numbers of draws an image, each at least 2.
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        batches = list(variant.first.trained.load_split("test", images=images).batches(BATCH_SIZE))
        model = variant.first.trained.model
        found = {k: compare_kl(model, batches, k, seed) for k in samples}
        count = sum(len(x) for x, _ in batches)
        parts += [_divergences(variant, found, count), _converging(variant, found)]
    return parts


def elbo_identity(
    study: StudyResults,
    latents: int = 2,
    pixels: int = 6,
    noise: float = 0.6,
    steps: int = 6,
    seed: int = 0,
) -> list[Element]:
    """log p(x) = ELBO + KL(q, p(z|x)) for several q, in a linear-Gaussian model, a table and a figure.

    Args:
        latents, pixels, noise: of the model, x = W z + noise.
        steps: how many q, from the prior to the exact posterior.
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
    notes = [f"The sum and log p(x), which are computed apart, differ by {worst:.0e} nats at most."]
    figure = plotting.elbo_and_gap(
        names,
        np.array([row.elbo for row in rows]),
        np.array([row.gap for row in rows]),
        "One evidence, split by several q",
        "q from the prior (0) to the exact posterior (1)",
        f"linear-Gaussian model, {latents} latents, {pixels} pixels: every term in closed form",
    )
    caption = "A better q moves nats from the gap to the bound; their sum stays."
    return [FigureElement(figure, caption), Table(columns, list(zip(names, cells, strict=True)), notes, "q")]


def _divergences(variant: VariantResult, found: dict[int, KLComparison], images: int) -> Table:
    columns = [
        Column("kl", "KL(q, p)", _NATS, digits=4),
        Column("error", "standard error", _NATS, digits=4),
        Column("off", "off by", "standard errors", digits=1),
    ]
    rows = [(f"{k:,} draws an image", _cells(each)) for k, each in found.items()]
    closed = next(iter(found.values()))
    notes = [
        f"{variant.label}, mean over {images:,} test images. The standard error is that of the draws alone."
    ]
    return Table(
        columns, [("closed form", [Cell(closed.analytic), Cell(None), Cell(None)]), *rows], notes, "how"
    )


def _cells(found: KLComparison) -> list[Cell]:
    off = (found.sampled - found.analytic) / found.stderr
    return [Cell(found.sampled), Cell(found.stderr), Cell(off)]


def _converging(variant: VariantResult, found: dict[int, KLComparison]) -> FigureElement:
    draws, each = np.array(list(found)), list(found.values())
    lines = {
        "by draws": (draws, np.array([d.sampled for d in each]), np.array([d.stderr for d in each])),
        "closed form": (draws, np.array([d.analytic for d in each]), None),
    }
    figure = plotting.metric_vs_param(
        lines, f"KL(q, p) by draws: {variant.label}", "draws an image", "KL(q, p) (nats)", log=True
    )
    return FigureElement(figure, "Bars are one standard error.")
