"""Curves: metrics by epoch, or against a setting that differs between the runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.registry import register
from vaekit.studies.blocks.images import dataset_title, group_by_dataset
from vaekit.studies.elements import Element, FigureElement
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

SERIES = {
    "validation_elbo": "ELBO of validation images (nats)",
    "validation_loss": "loss of validation images (nats)",
    "validation_reconstruction": "−log p(x|z) of validation images (nats)",
    "validation_kl": "KL of validation images (nats)",
    "loss": "training loss (nats)",
    "reconstruction": "−log p(x|z) in training (nats)",
    "kl": "KL in training (nats)",
    "beta": "beta",
    "learning_rate": "learning rate",
    "seconds": "seconds per epoch",
}


@register("study_block")
def curves(
    study: StudyResults,
    metric: str = "validation_elbo",
    runs: Patterns = ["*"],  # noqa: B006
    title: str = "",
    caption: str = "",
    ordered: bool | None = None,
) -> list[Element]:
    """A training metric by epoch: one curve per run, the mean over seeds in a band of one standard deviation.

    Runs of other data have a chart of their own.

    Args:
        metric: a key of metrics.jsonl.
        runs: name patterns or groups; runs without the metric are left out.
        title: by default the name of the metric.
        caption: of the figure.
        ordered: use a sequential color scale; by default if the runs differ in one number.

    Raises:
        InvalidError: no run has the metric.

    >>> from vaekit.studies.example import example_results
    >>> curves(example_results(), "loss", caption="Two runs.")[0].caption
    'Two runs.'
    """
    variants = [v for v in study.select(runs, finished=True) if _series(v, metric)[0].size]
    if not variants:
        raise InvalidError(f"metric: these runs have no {metric!r} by epoch; usual are {', '.join(SERIES)}")
    named, by_data = SERIES.get(metric, metric), dict(group_by_dataset(variants))
    band = "Bands: one standard deviation over the seeds."
    elements: list[Element] = []
    for data, group in by_data.items():
        seeds = max(len(variant.finished) for variant in group)
        figure = plotting.curves_by_run(
            {variant.label: _series(variant, metric) for variant in group},
            (title or f"{_headline(named)} by epoch")
            + (f": {dataset_title(data)}" if len(by_data) > 1 else ""),
            named,
            ordered=_ordered(group) if ordered is None else ordered,
        )
        elements.append(FigureElement(figure, " ".join(filter(None, [caption, band if seeds > 1 else ""]))))
    return elements


@register("study_block")
def metric_vs_param(
    study: StudyResults,
    x: str,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    log: bool = False,
    title: str = "",
    caption: str = "",
) -> list[Element]:
    """A metric against a setting: one line per group of runs.

    Args:
        x: a variable of the grid, or a recipe key such as `training.learning_rate`.
        metric: a name of `studies.metrics.METRICS`.
        runs: name patterns or groups; runs without the metric or the setting are left out.
        log: use a logarithmic axis for the setting.
        title: by default the metric and the setting.
        caption: of the figure.

    Raises:
        InvalidError: no run has both.

    >>> from vaekit.studies.example import example_results
    >>> metric_vs_param(example_results(), x="d", metric="elbo")[0].figure.axes[0].get_xlabel()
    'd'
    """
    points = [
        (variant, at, values)
        for variant in study.select(runs, finished=True)
        if (at := setting_value(variant, x)) is not None and (values := metric_values(metric, variant))
    ]
    if not points:
        raise InvalidError(f"x: no run has both a number {x} and {metric}")
    groups = {group: [p for p in points if p[0].plan.group == group] for group in _groups(points)}
    named = metric_title(metric)
    figure = plotting.metric_vs_param(
        {group: _line(chosen) for group, chosen in groups.items()},
        title or f"{_headline(named)} against {x.rpartition('.')[2]}",
        x.rpartition(".")[2],
        named,
        log=log,
    )
    return [FigureElement(figure, caption)]


def metric_title(name: str) -> str:
    """The title of a metric with its unit.

    >>> metric_title("elbo")
    'ELBO (nats)'
    """
    found = find_metric(name)
    return f"{found.title} ({found.unit})" if found.unit else found.title


def setting_value(variant: VariantResult, x: str) -> float | None:
    """The value of a grid variable or recipe key; None if it is not a number.

    >>> from vaekit.studies.example import example_results
    >>> setting_value(example_results().variants[0], "d")
    2.0
    """
    value = variant.plan.values.get(x)
    value = find_metric(f"recipe:{x}").value(variant.first) if value is None else value
    return float(value) if isinstance(value, int | float) else None


def _series(variant: VariantResult, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs (E,) and the values (S, E) of S seeds; NaN for missing values."""
    seeds = [dict(run.series(key)) for run in variant.finished]
    epochs = sorted({epoch for seed in seeds for epoch in seed})
    return np.array(epochs), np.array([[seed.get(epoch, np.nan) for epoch in epochs] for seed in seeds])


def _ordered(variants: Sequence[VariantResult]) -> bool:
    """Whether the runs differ in one number."""
    values = [variant.plan.values for variant in variants]
    return all(len(v) == 1 and all(isinstance(x, int | float) for x in v.values()) for v in values)


def _headline(named: str) -> str:
    """A name as the beginning of a title, without its unit."""
    return f"{named[:1].upper()}{named[1:]}".partition(" (")[0]


def _groups(points: Sequence[tuple[VariantResult, float, list[float]]]) -> list[str]:
    return list(dict.fromkeys(variant.plan.group for variant, _, _ in points))


def _line(
    points: Sequence[tuple[VariantResult, float, list[float]]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Settings, means and standard deviations."""
    means = [statistics.fmean(found) for _, _, found in points]
    deviations = [statistics.stdev(found) if len(found) > 1 else 0.0 for _, _, found in points]
    return np.array([at for _, at, _ in points]), np.array(means), np.array(deviations)
