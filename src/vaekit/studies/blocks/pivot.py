"""Runs that differ in two settings, such as model and dataset: a metric as a table of rows x columns.

Runs with the same label share a row. The values of one recipe key are the columns. Numbers are compared
within a column only, and results from different protocols go in separate columns.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from vaekit.errors import InvalidError
from vaekit.registry import register
from vaekit.studies.blocks.curves import metric_title
from vaekit.studies.blocks.images import dataset_title
from vaekit.studies.blocks.tables import Notes, find_protocols, metric_columns, protocol_notes, seed_notes
from vaekit.studies.elements import Cell, Column, Element, Table, Text
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number, format_significant

DATA = "data.dataset"


@register("study_block")
def pivot_table(
    study: StudyResults,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    by: str = DATA,
    heading: str = "",
    note: str = "",
) -> list[Element]:
    """A metric as a table: one row per label, one column per value of a recipe key and protocol.

    Args:
        metric: a name of `studies.metrics.METRICS`.
        runs: name patterns or groups.
        by: the recipe key whose values are the columns.
        heading: title of the column of labels; default: the metric.
        note: a line below the table.

    >>> from vaekit.studies.example import example_results
    >>> table = pivot_table(example_results(), "elbo", by="model.latent_dim")[0]
    >>> [column.title for column in table.columns], table.rows[0][0], table.rows[0][1][0].value
    (['2', '3'], 'd = 2', -31.0)
    """
    notes, variants = Notes(), study.select(runs)
    groups = group_by_key(variants, by)
    found = [
        (value, column, cells)
        for value, group in groups.items()
        for column, cells in metric_columns(metric, group, notes)
    ]
    columns = [_pivot_column(column, metric, by, value) for value, column, _ in found]
    by_label = [_cells_by_label(groups[value], cells) for value, _, cells in found]
    labels = dict.fromkeys(variant.label for variant in variants)
    rows = [(label, [cells.get(label, Cell(None)) for cells in by_label]) for label in labels]
    protocols = [line for group in groups.values() for line in protocol_notes([metric], group)]
    lines = [
        *filter(None, [note]),
        *protocols,
        *seed_notes(variants),
        *notes.lettered,
        *_unfinished_columns(groups, by),
    ]
    return [Table(columns, rows, lines, heading or metric_title(metric))]


@register("study_block")
def pivot_differences(
    study: StudyResults,
    pairs: list[tuple[str, str]],
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    by: str = DATA,
) -> list[Element]:
    """The difference of a metric between two labels, in each column of `pivot_table`, in words.

    Args:
        pairs: two labels each; the second is subtracted from the first.
        metric: a name of `studies.metrics.METRICS`.
        runs: name patterns or groups.
        by: the recipe key; runs are compared if they have the same value.

    Raises:
        InvalidError: no pair has two finished runs with the same protocol.

    >>> from vaekit.studies.example import example_results
    >>> pivot_differences(example_results(), [("d = 2", "d = 3")], "elbo")[0].text
    '- d = 2 against d = 3: +1.00 nats on Digits 8x8'
    """
    groups = group_by_key(study.select(runs), by)
    lines = [
        f"- {line}" for first, second in pairs if (line := _describe_pair(metric, groups, by, first, second))
    ]
    if not lines:
        raise InvalidError(
            "pairs: no two of these runs are finished and have the same evaluation protocol; measure them "
            "with `vaekit evaluate RUN`"
        )
    return [Text("\n".join(lines))]


def group_by_key(variants: Sequence[VariantResult], key: str) -> dict[str, list[VariantResult]]:
    """Group variants by the value of a recipe key, finished or not.

    Args:
        variants: in the order of the study.
        key: a path such as `data.dataset`; a part of several keys counts by its kind.

    >>> from vaekit.studies.example import example_results
    >>> {value: len(group) for value, group in group_by_key(example_results().variants, DATA).items()}
    {'digits': 2}
    """
    groups: dict[str, list[VariantResult]] = {}
    for variant in variants:
        groups.setdefault(str(_recipe_value(variant, key)), []).append(variant)
    return groups


def _value_title(key: str, value: str) -> str:
    """A value as it is shown: the title of a dataset, any other value unchanged."""
    return dataset_title(value) if key == DATA else value


def _cells_by_label(variants: Sequence[VariantResult], cells: Sequence[Cell]) -> dict[str, Cell]:
    """The cell of each label; the last one that has a value if variants share the label."""
    found: dict[str, Cell] = {}
    for variant, cell in zip(variants, cells, strict=True):
        if cell.value is not None or variant.label not in found:
            found[variant.label] = cell
    return found


def _pivot_column(column: Column, name: str, by: str, value: str) -> Column:
    """A column of a metric, with the value of the recipe key as its title and the letter of its protocol."""
    letter = column.title.removeprefix(find_metric(name).title)
    return replace(column, name=f"{name}:{value}", title=f"{_value_title(by, value)}{letter}", unit="")


def _unfinished_columns(groups: dict[str, list[VariantResult]], by: str) -> list[str]:
    """A note for each column that is missing because none of its runs finished."""
    missing = [value for value, variants in groups.items() if not any(v.finished for v in variants)]
    return [f"{_value_title(by, value)}: no run finished; see the top of the page." for value in missing]


def _recipe_value(variant: VariantResult, key: str) -> object:
    """The value of a key in the planned recipe of a variant."""
    value: object = variant.plan.recipe
    for name in key.split("."):
        value = getattr(value, name, None)
    return getattr(value, "kind", value)


def _describe_pair(
    name: str, groups: dict[str, list[VariantResult]], by: str, first: str, second: str
) -> str:
    """The differences of a pair in all groups that have both with one protocol; empty if there is none."""
    parts = []
    for value, variants in groups.items():
        found = {variant.label: metric_values(name, variant) for variant in variants}
        compared = [variant for variant in variants if variant.label in (first, second)]
        protocols = find_protocols(find_metric(name), compared)
        comparable = len(protocols) < 2 and all(protocol.comparable for protocol in protocols)
        if found.get(first) and found.get(second) and comparable:
            parts.append(
                f"{_format_difference(name, found[first], found[second])} on {_value_title(by, value)}"
            )
    return f"{first} against {second}: {', '.join(parts)}" if parts else ""


def _format_difference(name: str, first: Sequence[float], second: Sequence[float]) -> str:
    """The difference of the means with its sign and unit, ± its standard deviation over several seeds."""
    found, gain = find_metric(name), statistics.fmean(first) - statistics.fmean(second)
    to_text = format_significant if found.digits is None else partial(format_number, digits=found.digits)
    by_seed = [a - b for a, b in zip(first, second, strict=False)]
    spread = f" ± {to_text(statistics.stdev(by_seed))}" if len(by_seed) > 1 else ""
    return f"{'+' if gain > 0 else ''}{to_text(gain)}{spread} {found.unit}".strip()
