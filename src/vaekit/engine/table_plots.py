"""Figures of a model of a table: its columns in data and samples, correlations, and errors per column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure

from vaekit import plotting
from vaekit.data.dataset import Dataset
from vaekit.engine.loaded_model import LoadedModel, split_indices
from vaekit.engine.plot import Plot, held_out_split
from vaekit.engine.sample import sample
from vaekit.evaluation.label_inference import labels_or_prediction

MAX_ROWS = 5000


def table_samples(trained: LoadedModel, n: int = 1000, seed: int = 0, temperature: float = 1.0) -> Plot:
    """Show the columns of n sampled rows beside those of held-out rows.

    Args:
        trained: a model of a table.
        n: how many rows to sample.
        seed: random seed.
        temperature: factor on the standard deviation of the prior.
    """
    rows, drawn = _held_out_rows(trained), sample(trained, n, temperature, seed=seed)
    names, words = [column.name for column in trained.columns], _words(trained)
    figure = plotting.marginals(
        {"held-out rows": rows, "samples": drawn}, names, words, f"Columns: {trained.title}",
        f"{len(rows)} held-out rows and {n} samples, seed {seed}",
    )  # fmt: skip
    return Plot({"images": drawn}, figure)


def table_correlations(trained: LoadedModel, n: int = 1000, seed: int = 0) -> Plot:
    """Show the correlations of the numbers in held-out rows and in n samples."""
    numbers = [j for j, column in enumerate(trained.columns) if column.is_numeric]
    names = [trained.columns[j].name for j in numbers]
    rows, drawn = _held_out_rows(trained)[:, numbers], sample(trained, n, seed=seed)[:, numbers]
    title = f"Correlations: {trained.title}"
    return Plot(
        {"images": drawn}, plotting.correlations({"held-out rows": rows, "samples": drawn}, names, title)
    )


def table_errors(
    trained: LoadedModel, dataset: Dataset | None = None, indices: np.ndarray | None = None
) -> Plot:
    """Show the error of reconstructed rows per column, relative to the error of a constant.

    Args:
        trained: a model of a table.
        dataset, indices: rows of a table like it; None for the held-out rows of its own.
    """
    if dataset is None or indices is None:
        dataset, splits = trained.load_data()
        indices = split_indices(splits, held_out_split(trained))
    indices = indices[:MAX_ROWS]
    images = trained.subset(dataset, indices)
    x, y = images.all(), images.labels
    y = labels_or_prediction(trained.model, x, y)
    with torch.no_grad():
        found = trained.model.reconstruct(x, y)
    truth = dataset.in_units(indices)
    again = trained.to_data(found.float().cpu().numpy())
    errors = {}
    for j, column in enumerate(trained.columns):
        known = ~np.isnan(truth[:, j])
        a, b = again[known, j], truth[known, j]
        if not known.any():
            continue
        if column.is_numeric:
            spread = b.std()
            errors[column.name] = float(np.sqrt(np.square(a - b).mean()) / spread) if spread else 0.0
        else:
            most = np.bincount(b.astype(int)).max() / len(b)
            errors[column.name] = float((a != b).mean() / (1 - most)) if most < 1 else 0.0
    figure = plotting.column_errors(
        errors, f"Reconstruction error by column: {trained.title}", f"{len(indices):,} rows"
    )
    return Plot({"errors": np.array(list(errors.values()))}, figure)


def report_plots(trained: LoadedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of the report of a table by file name, as functions that draw them."""
    n = min(MAX_ROWS, max(1000, len(_held_out_rows(trained))))
    drawings: dict[str, Callable[[], Figure]] = {
        "columns": lambda: table_samples(trained, n).figure,
        "column-errors": lambda: table_errors(trained).figure,
    }
    if sum(column.is_numeric for column in trained.columns) > 1:
        drawings["correlations"] = lambda: table_correlations(trained, n).figure
    return drawings


def _held_out_rows(trained: LoadedModel) -> np.ndarray:
    """Held-out rows (N, D) in units of the data."""
    dataset, splits = trained.load_data()
    return dataset.in_units(split_indices(splits, held_out_split(trained))[:MAX_ROWS])


def _words(trained: LoadedModel) -> dict[str, tuple[str, ...]]:
    return {column.name: column.categories for column in trained.columns if not column.is_numeric}
