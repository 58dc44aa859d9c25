from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idx_files import FILES, write_quartet
from vaekit.data import catalog
from vaekit.data.locate import find_source, load_entry
from vaekit.errors import DataError


@pytest.mark.parametrize("inner", ["toy", "."])
@pytest.mark.parametrize("packed", [True, False])
def test_folders_of_the_user_come_first(
    fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str, packed: bool
) -> None:
    entry = write_quartet(tmp_path / "mine" / inner, packed=packed)
    monkeypatch.setenv("VAEKIT_DATA", os.pathsep.join([str(tmp_path / "nothing"), str(tmp_path / "mine")]))
    assert find_source(entry) == "VAEKIT_DATA"
    data = load_entry(entry)
    assert data.images.shape == (10, 1, 3, 2)
    assert data.published == {"train": (0, 6), "test": (6, 10)}
    assert data.label_names == ("a", "b", "c")
    assert data.source == str(tmp_path / "mine" / inner)


def test_changed_files_are_decoded_again(
    fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path))
    entry = replace(write_quartet(tmp_path / "toy", seed=0), sha256=None)
    before = load_entry(entry)
    write_quartet(tmp_path / "toy", seed=1)
    after = load_entry(entry)
    assert not np.array_equal(before.images, after.images)


def test_the_cache_serves_after_the_files_are_gone(
    fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write_quartet(tmp_path / "toy")
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path))
    first = load_entry(entry)
    monkeypatch.delenv("VAEKIT_DATA")
    assert find_source(entry) == "cache"
    np.testing.assert_array_equal(load_entry(entry).images, first.images)


def test_the_system_folder_comes_before_download(fresh_cache: Path, tmp_path: Path) -> None:
    entry = replace(write_quartet(tmp_path / "system"), system=str(tmp_path / "system"))
    assert find_source(entry) == "system"
    assert len(load_entry(entry)) == 10
    assert find_source(entry) == "cache"


def test_without_any_file_it_is_packaged_or_to_be_downloaded(fresh_cache: Path) -> None:
    assert find_source(catalog.find_entry("digits")) == "packaged"
    assert find_source(catalog.find_entry("frey-faces")) == "download"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sha256": "0" * 64}, "toy: expected content with SHA-256 0{64}, got [0-9a-f]{64}"),
        ({"count": 11}, r"images of shape \(11, 1, 3, 2\), got \(10, 1, 3, 2\)"),
    ],
)
def test_other_content_is_refused_and_not_cached(
    fresh_cache: Path, tmp_path: Path, change: dict[str, object], says: str
) -> None:
    entry = replace(write_quartet(tmp_path / "system"), system=str(tmp_path / "system"), **change)
    with pytest.raises(DataError, match=says):
        load_entry(entry)
    assert find_source(entry) == "system"


def test_an_incomplete_set_of_files_does_not_count(
    fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write_quartet(tmp_path / "toy")
    (tmp_path / "toy" / FILES[2]).unlink()
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path))
    assert find_source(entry) == "download"


def test_a_damaged_file_is_named(fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = write_quartet(tmp_path / "toy")
    path = tmp_path / "toy" / FILES[0]
    path.write_bytes(path.read_bytes()[:-12])
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"{path}: cannot be read as an IDX file"):
        load_entry(entry)
