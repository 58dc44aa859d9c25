"""Runs that differ in two things, such as model and dataset: one number as rows x columns, and differences.

Runs of the same label are the same row, whatever else they differ in; a key of the recipe tells the columns
apart. Numbers are compared within a column only; what was measured in two ways stands in two columns.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from vaekit.errors import InvalidError
from vaekit.studies.blocks.curves import metric_title
from vaekit.studies.blocks.images import dataset_title
from vaekit.studies.blocks.tables import Notes, find_protocols, metric_columns, protocol_notes, seed_notes
from vaekit.studies.elements import Cell, Column, Element, Table, Text
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number, format_significant

DATA = "data.dataset"


def pivot_table(
    study: StudyResults,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    by: str = DATA,
    heading: str = "",
    note: str = "",
) -> list[Element]:
    """One number: a row a label, a column a value of a key of the recipe, each with its own protocol.

    Args:
        metric: a name of `studies.metrics`.
        runs: whose.
        by: the recipe key whose values are the columns.
        heading: over the labels; the metric if not given.
        note: a line under the table.
    """
    notes, variants = Notes(), study.select(runs)
    groups = group_by_key(variants, by)
    made = [
        (value, *each) for value, chosen in groups.items() for each in metric_columns(metric, chosen, notes)
    ]
    columns = [_pivot_column(each, metric, by, value) for value, each, _ in made]
    known = [_by_label(groups[value], cells) for value, _, cells in made]
    rows = [
        (name, [cells.get(name, Cell(None)) for cells in known]) for name in dict.fromkeys(_labels(variants))
    ]
    ways = [way for chosen in groups.values() for way in protocol_notes([metric], chosen)]
    lines = [
        *filter(None, [note]),
        *ways,
        *seed_notes(variants),
        *notes.lettered,
        *_unfinished_columns(groups, by),
    ]
    return [Table(columns, rows, lines, heading or metric_title(metric))]


def pivot_differences(
    study: StudyResults,
    pairs: list[tuple[str, str]],
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    by: str = DATA,
) -> list[Element]:
    """How much one label is above another in a number, in each column of `crossed`, in words.

    Args:
        pairs: labels, the one that is asked about first.
        metric: a name of `studies.metrics`.
        runs: among which.
        by: the recipe key within whose values runs are compared.
    """
    groups = group_by_key(study.select(runs), by)
    lines = [f"- {line}" for first, second in pairs if (line := _line(metric, groups, by, first, second))]
    if not lines:
        raise InvalidError("pairs: no two of these runs are finished and were measured in the same way")
    return [Text("\n".join(lines))]


def group_by_key(variants: Sequence[VariantResult], key: str) -> dict[str, list[VariantResult]]:
    """The runs by what their recipe says at a path of keys, in order."""
    groups: dict[str, list[VariantResult]] = {}
    for variant in variants:
        groups.setdefault(str(_recipe_value(variant, key)), []).append(variant)
    return groups


def _value_title(key: str, value: str) -> str:
    """A value for people: of a dataset its title."""
    return dataset_title(value) if key == DATA else value


def _labels(variants: Sequence[VariantResult]) -> list[str]:
    return [variant.label for variant in variants]


def _by_label(variants: Sequence[VariantResult], cells: Sequence[Cell]) -> dict[str, Cell]:
    """The cell of each label; of several runs of one label, that which is known."""
    found: dict[str, Cell] = {}
    for label, cell in zip(_labels(variants), cells, strict=True):
        if cell.value is not None or label not in found:
            found[label] = cell
    return found


def _pivot_column(made: Column, name: str, by: str, value: str) -> Column:
    """A metric's column named after the value that it is of, with the letter of its way where it has one."""
    letter = made.title.removeprefix(find_metric(name).title)
    return replace(made, name=f"{name}:{value}", title=f"{_value_title(by, value)}{letter}", unit="")


def _unfinished_columns(groups: dict[str, list[VariantResult]], by: str) -> list[str]:
    """Which columns are missing because none of their runs was finished."""
    gone = [value for value, variants in groups.items() if not any(o.finished for o in variants)]
    return [f"{_value_title(by, value)}: not run; the reason stands at the top." for value in gone]


def _recipe_value(variant: VariantResult, key: str) -> object:
    """What the recipe of a variant says, whether or not it was run."""
    value: object = variant.plan.recipe
    for name in key.split("."):
        value = getattr(value, name, None)
    return getattr(value, "kind", value)


def _line(name: str, groups: dict[str, list[VariantResult]], by: str, first: str, second: str) -> str:
    """One pair in all groups where both are known, measured in the same way; empty where in none."""
    parts = []
    for value, variants in groups.items():
        found = {variant.label: metric_values(name, variant) for variant in variants}
        compared = [variant for variant in variants if variant.label in (first, second)]
        if found.get(first) and found.get(second) and len(find_protocols(find_metric(name), compared)) < 2:
            parts.append(
                f"{_format_difference(name, found[first], found[second])} on {_value_title(by, value)}"
            )
    return f"**{first}** against {second}: {', '.join(parts)}" if parts else ""


def _format_difference(name: str, first: Sequence[float], second: Sequence[float]) -> str:
    """The difference of the means with its sign and unit; its standard deviation where there are seeds."""
    found, gain = find_metric(name), statistics.fmean(first) - statistics.fmean(second)
    word = format_significant if found.digits is None else partial(format_number, digits=found.digits)
    each = [a - b for a, b in zip(first, second, strict=False)]
    spread = f" ± {word(statistics.stdev(each))}" if len(each) > 1 else ""
    return f"{'+' if gain > 0 else ''}{word(gain)}{spread} {found.unit}".strip()
