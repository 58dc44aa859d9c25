"""Progress of training: metrics and samples after given epochs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.plotting.png import read_grid
from vaekit.registry import register
from vaekit.runs.sample_callback import COLUMNS, progress_frames
from vaekit.studies.blocks.curves import SERIES
from vaekit.studies.blocks.tables import seed_notes
from vaekit.studies.elements import Cell, Column, Element, FigureElement, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


@register("study_block")
def metric_by_epoch(
    study: StudyResults,
    metric: str = "validation_loss",
    runs: Patterns = ["*"],  # noqa: B006
    epochs: list[int] = [1, 2, 4, 8],  # noqa: B006
    offset: float = 0.0,
    better: str = "lower",
    note: str = "",
) -> list[Element]:
    """A training metric after given epochs: one row per run, the best value of each epoch marked.

    Args:
        metric: a key of metrics.jsonl.
        runs: name patterns or groups.
        epochs: the columns; epochs that no run reached are left out.
        offset: subtracted from every value, such as a constant that all runs share.
        better: "lower" or "higher".
        note: a line below the table.

    >>> from vaekit.studies.example import example_results
    >>> table = metric_by_epoch(example_results(), "loss", epochs=[1, 2, 9])[0]
    >>> [(label, [cell.value for cell in cells]) for label, cells in table.rows]
    [('d = 2', [39.0, 38.0]), ('d = 3', [38.0, 37.0])]
    """
    variants = study.select(runs, finished=True)
    reached = max(len(run.metrics) for variant in variants for run in variant.finished)
    chosen = [epoch for epoch in epochs if epoch <= reached]
    rows = [
        (variant.label, [_cell(variant, metric, epoch, offset) for epoch in chosen]) for variant in variants
    ]
    columns = [Column(f"{metric}:{epoch}", f"epoch {epoch}", "", better) for epoch in chosen]
    title = SERIES.get(metric, metric) + (f", minus {offset:g}" if offset else "")
    return [
        comparison_table(
            columns, rows, [f"{title[:1].upper()}{title[1:]}.", *filter(None, [note]), *seed_notes(variants)]
        )
    ]


@register("study_block")
def samples_by_epoch(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    epochs: list[int] = [1, 2, 3, 4, 5, 6],  # noqa: B006
    n: int = COLUMNS,
    title: str = "Samples during training",
    caption: str = "Decoded samples of the prior after each epoch, from the same latents.",
) -> list[Element]:
    """Samples after given epochs, from the same latents: one row per epoch, one figure per run.

    The samples are those that the run saved during training, see `training.sample_every`.

    Args:
        runs: name patterns or groups.
        epochs: the rows; epochs without saved samples are left out.
        n: number of samples, at most 10.
        title, caption: of the figures.

    Raises:
        InvalidError: the run saved no samples.

    >>> from vaekit.studies.example import example_results
    >>> samples_by_epoch(example_results(), "vae-2")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: runs: d = 2: no samples were saved during training; ...
    """
    return [
        FigureElement(plotting.image_rows(_samples(variant, epochs, n), f"{title}: {variant.label}"), caption)
        for variant in study.select(runs, finished=True)
    ]


def _cell(variant: VariantResult, metric: str, epoch: int, offset: float) -> Cell:
    """Mean and standard deviation over the seeds that reached an epoch."""
    found = [dict(run.series(metric)).get(epoch) for run in variant.finished]
    values = [value - offset for value in found if value is not None]
    if not values:
        return Cell(None)
    return Cell(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def _samples(variant: VariantResult, epochs: Sequence[int], n: int) -> dict[str, np.ndarray]:
    """Samples (n, C, H, W) for each epoch, read from the image grids that the run saved."""
    frames = progress_frames(variant.first.path / "figures", "samples")
    found = {epoch: frames[epoch] for epoch in epochs if epoch in frames}
    if not found:
        raise InvalidError(
            f"runs: {variant.label}: no samples were saved during training; add training.sample_every=1 to "
            "its overrides"
        )
    shape = variant.first.trained.shape
    return {f"epoch {epoch}": read_grid(file, shape, min(n, COLUMNS)) for epoch, file in found.items()}
