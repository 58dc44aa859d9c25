"""Numbers as curves: by epoch, or against a setting that differs between the runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from vaekit import plotting
from vaekit.errors import InvalidError
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
    "seconds": "seconds an epoch",
}


def curves(
    study: StudyResults,
    metric: str = "validation_elbo",
    runs: Patterns = ["*"],  # noqa: B006
    title: str = "",
    caption: str = "",
    ordered: bool | None = None,
) -> list[Element]:
    """A number by epoch, a curve a run; over several seeds its mean, in a band of a standard deviation.

    Args:
        metric: a key of the lines of metrics.jsonl.
        runs: whose; those that do not know it are left out.
        ordered: whether the colors follow the order of the runs; they do where a number tells them apart.
    """
    variants = [o for o in study.select(runs, finished=True) if _series(o, metric)[0].size]
    if not variants:
        raise InvalidError(f"metric: no epoch of these runs knows {metric!r}; there are {', '.join(SERIES)}")
    named = SERIES.get(metric, metric)
    figure = plotting.curves_by_run(
        {variant.label: _series(variant, metric) for variant in variants},
        title or f"{_headline(named)} by epoch",
        named,
        ordered=_ordered(variants) if ordered is None else ordered,
    )
    return [FigureElement(figure, caption)]


def metric_vs_param(
    study: StudyResults,
    x: str,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    log: bool = False,
    title: str = "",
    caption: str = "",
) -> list[Element]:
    """A number that was measured, against a setting; a line for each group of runs.

    Args:
        x: a variable of the grid, or a path of the recipe such as `training.learning_rate`.
        metric: a name of `studies.metrics`.
        runs: whose; those without the number, or without the setting, are left out.
        log: whether the axis of the setting is logarithmic.
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
    """A metric's title with its unit."""
    found = find_metric(name)
    return f"{found.title} ({found.unit})" if found.unit else found.title


def setting_value(variant: VariantResult, x: str) -> float | None:
    """A variable of the grid, or a key of the recipe, where it is a number."""
    value = variant.plan.values.get(x)
    value = find_metric(f"recipe:{x}").value(variant.first) if value is None else value
    return float(value) if isinstance(value, int | float) else None


def _series(variant: VariantResult, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs (E,) and the values (S, E) of the seeds; NaN where a seed has none."""
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
