from __future__ import annotations

import json
import math
from pathlib import Path

from vaekit.cli.output import emit, table


def test_json_has_no_nan_and_no_infinity(capsys):
    emit({"a": math.nan, "b": [math.inf, 1.5], "c": Path("x"), "d": ("é", None)}, "unused", True)
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": "x", "d": ["é", None]}


def test_a_text_is_printed_as_it_is(capsys):
    emit({}, "in [0, 1] :smile:", False)
    assert capsys.readouterr().out == "in [0, 1] :smile:\n"


def test_a_table_without_a_terminal_is_printed_literally_on_long_lines(capsys):
    rows = table("name", "values")
    rows.add_row("x", "in [0, 1] " * 12)
    emit({}, rows, False)
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["name", "values"]
    assert line.count("[0, 1]") == 12
