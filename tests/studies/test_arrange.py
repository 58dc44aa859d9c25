"""Tables that fit a width."""

from __future__ import annotations

import io

from rich.console import Console

from vaekit.cli.study_output import _TableView
from vaekit.studies.arrange import arrange
from vaekit.studies.elements import Cell, Column, Table

COLUMNS = [Column(f"metric{i}", f"number {i}", "nats") for i in range(12)]
TABLE = Table(COLUMNS, [(name, [Cell(100.0 + i, best=name == "a") for i in range(12)]) for name in "ab"])


def test_a_table_that_fits_has_runs_as_rows():
    grid = arrange(TABLE, 200)
    assert [name for (name, _), _ in grid.rows] == ["a", "b"]
    assert not grid.turned


def test_a_table_that_does_not_fit_has_runs_as_columns_with_the_same_values():
    wide, narrow = arrange(TABLE, 200), arrange(TABLE, 60)
    assert narrow.turned
    assert narrow.width <= 60 < wide.width
    assert [name for name, _ in narrow.heads] == ["a", "b"]
    for place, (head, entries) in enumerate(narrow.rows):
        assert head == ("number " + str(place), "nats")
        assert entries == tuple(row[place] for _, row in wide.rows)


def test_a_table_in_a_terminal_of_80_columns_is_not_wider():
    stream = io.StringIO()
    Console(file=stream, width=80, markup=False, emoji=False, highlight=False).print(_TableView(TABLE))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "100.00*" in stream.getvalue()
    assert "…" not in stream.getvalue()
