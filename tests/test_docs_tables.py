"""Every command of docs/tables.md, in its order, on the tables that docs/examples/make_machines.py writes."""

from __future__ import annotations

import csv
import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from vaekit.cli import program

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
BLOCKS = [content for language, content in FENCES if not language]
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("vaekit ")]


def rows(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder after all commands of the page."""
    place = tmp_path_factory.mktemp("machines")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr("sys.argv", ["make_machines.py", "."])
        runpy.run_path(str(ROOT / "docs" / "examples" / "make_machines.py"), run_name="__main__")
        for command in COMMANDS:
            result = CliRunner().invoke(program, shlex.split(command)[1:])
            assert result.exit_code == 0, f"{command}: {result.output}"
    return place


def test_the_page_has_the_commands_of_a_whole_walk():
    named = {shlex.split(command)[1] for command in COMMANDS}
    assert named >= {"data", "train", "evaluate", "report", "encode", "score", "impute", "sample"}


def test_the_shown_rows_are_those_of_the_file(folder):
    [shown] = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert (folder / "machines.csv").read_text().startswith(shown)


def test_all_new_rows_are_encoded_and_scored_in_order(folder):
    for name in ("latents.csv", "scores.csv"):
        header, *found = rows(folder / name)
        assert header[0] == "row"
        assert [int(row[0]) for row in found] == list(range(60))


def test_the_hot_machine_has_the_highest_scores(folder):
    header, *found = rows(folder / "scores.csv")
    place = header.index("anomaly_score")
    highest = sorted(range(60), key=lambda i: -float(found[i][place]))[:5]
    assert len(set(highest) & {55, 56, 57, 58, 59}) >= 4


def test_filled_tables_keep_every_other_cell(folder):
    source = rows(folder / "machines.csv")
    for name in ("filled.csv", "several-1.csv", "several-2.csv", "several-3.csv"):
        filled = rows(folder / name)
        assert len(filled) == len(source)
        for before, after in zip(source, filled, strict=True):
            assert all(a == b or b in ("", "NA") for a, b in zip(after, before, strict=True))
            assert "" not in after
            assert "NA" not in after


def test_synthetic_rows_have_the_columns_and_words_of_the_source(folder):
    header, *found = rows(folder / "synthetic.csv")
    assert header == ["machine", "shift", "maintained", "load", "temperature", "vibration", "parts"]
    assert len(found) == 1000
    assert {row[0] for row in found} == {"lathe", "mill", "press"}
    assert {row[2] for row in found} == {"yes", "no"}
    assert all(row[6].isdigit() for row in found)


def test_the_report_shows_the_columns(folder):
    assert {"columns.png", "correlations.png", "column-errors.png"} <= {
        file.name for file in (folder / "machines" / "figures").iterdir()
    }
