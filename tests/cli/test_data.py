from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from vaekit.cli.data import command
from vaekit.errors import DataError, NotFoundError


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEKIT_DATA", raising=False)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """An array of twelve images with two classes."""
    path = tmp_path / "mine.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 5, 4), dtype=np.uint8)
    np.savez(path, x=images, y=np.arange(12) % 2)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_list_shows_the_catalog_and_imports(mine: Path) -> None:
    run("import", mine)
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)["datasets"]}
    assert rows["digits"] == {
        "name": "digits",
        "images": 1797,
        "shape": [1, 8, 8],
        "found": "packaged",
        "license": "CC BY 4.0",
    }
    assert rows["mine"]["found"] == "imported"
    assert rows["frey-faces"]["found"] == "download"
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["name", "images", "shape", "location", "license"]
    assert len(lines) == 1 + len(rows)


def test_show_a_dataset_of_the_catalog() -> None:
    facts = json.loads(run("show", "digits", "--json").stdout)
    assert facts["classes"] == list("0123456789")
    assert facts["splits"] == {}
    assert facts["suggestion"]["network"] == "dense"
    assert "CC BY 4.0" in run("show", "digits").stdout


def test_show_what_would_have_to_be_downloaded_without_downloading() -> None:
    facts = json.loads(run("show", "caltech-silhouettes", "--json").stdout)
    assert facts["found"] == "download"
    assert facts["splits"] == {"train": 4100, "validation": 2264, "test": 2307}


def test_show_data_at_a_path(mine: Path) -> None:
    text = run("show", mine).stdout
    assert "12 gray images of 5x4" in text
    assert "discretized_logistic" in text


def test_prepare_decodes_into_the_cache(tmp_path: Path) -> None:
    facts = json.loads(run("prepare", "digits", "--json").stdout)
    assert facts["images"] == 1797
    assert (tmp_path / "cache" / "datasets" / "digits" / "images.npy").exists()
    assert json.loads(run("list", "--json").stdout)["datasets"][1]["found"] == "cache"
    assert run("prepare", "digits").stdout.startswith("digits: 1797 images, ready in ")


def test_prepare_reports_an_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "file"))
    assert json.loads(run("prepare", "digits", "--json").stdout)["cache"] is None


def test_prepare_knows_only_the_catalog() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'mnist'"):
        run("prepare", "mnst")


def test_import_names_own_data(mine: Path) -> None:
    facts = json.loads(run("import", mine, "--name", "ours", "--json").stdout)
    assert facts["name"] == "ours"
    assert facts["classes"] == ["0", "1"]
    assert "12" in run("show", "ours").stdout


def test_import_options_reach_the_reader(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "pictures").mkdir()
    for index in range(3):
        Image.new("RGB", (9, 7), (index * 90, 10, 200)).save(tmp_path / "pictures" / f"{index}.png")
    arguments = ("--size", 4, 6, "--crop", "center", "--color", "gray", "--json")
    assert json.loads(run("import", tmp_path / "pictures", *arguments).stdout)["shape"] == [1, 4, 6]


def test_import_overwrites_only_by_force(mine: Path) -> None:
    run("import", mine)
    with pytest.raises(DataError, match="'mine' is taken"):
        run("import", mine)
    assert run("import", mine, "--force").exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("list",), ("show",), ("prepare",), ("import",)])
def test_every_help_has_an_example(arguments: tuple[str, ...]) -> None:
    assert "Example" in run(*arguments, "--help").stdout


@pytest.mark.parametrize("words", [["list"], ["show", "digits"], ["prepare", "digits"]])
def test_verbose_is_an_option_of_every_command(words: list[str]) -> None:
    assert run(*words, "-v").exit_code == 0


def test_a_table_is_shown_by_columns_with_the_keys_that_are_given(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("color,size\n" + "red,0.25\nblue,100\n" * 10)
    shown = run("show", path).stdout
    assert "color: category, blue 50%, red 50%" in shown
    assert "size: real, 50.12 ± 49.9, from 0.25 to 100" in shown
    labeled = run("show", path, "data.label=color").stdout
    assert "color: label" in labeled
    assert "blue; red" in labeled


def test_a_table_is_shown_in_rows_with_what_training_proposes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b,kind\n" + "".join(f"{i / 8},{i % 5 / 4},{'pq'[i % 2]}\n" for i in range(40)))
    lines = [line.split() for line in run("show", path).stdout.splitlines()]
    assert ["rows", "40"] in lines
    assert ["likelihood:", "columns"] in lines
    assert ["network:", "tabular"] in lines
