from __future__ import annotations

import logging
import multiprocessing
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from vaekit.data import Dataset, cache
from vaekit.errors import DataError


def dataset(name: str = "toy", value: int = 0) -> Dataset:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2) + np.uint8(value)
    return Dataset(
        name,
        "Toy",
        images,
        np.array([1, 0]),
        ("cat", "dog"),
        {"train": (0, 2)},
        "memory",
        ("a note",),
        -1.0,
        2.0,
    )


def same(found: Dataset, expected: Dataset) -> None:
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    for fact in ("name", "title", "label_names", "published", "source", "notes", "offset", "scale"):
        assert getattr(found, fact) == getattr(expected, fact), fact


def test_stored_datasets_are_memory_mapped(tmp_path: Path) -> None:
    stored = cache.store_dataset(tmp_path / "shelf", dataset())
    recalled = cache.load_cached(tmp_path / "shelf", "toy")
    assert recalled
    assert isinstance(recalled.images, np.memmap)
    same(stored, dataset())
    same(recalled, dataset())


def test_labels_may_be_absent(tmp_path: Path) -> None:
    plain = Dataset("plain", "Plain", dataset().images, None, ())
    recalled = cache.store_dataset(tmp_path, plain)
    assert recalled.labels is None


def test_storing_again_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    first = cache.store_dataset(tmp_path, dataset())
    second = cache.store_dataset(tmp_path, dataset(value=9))
    same(second, dataset(value=9))
    same(first, dataset())  # what was mapped before stays readable
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["toy"]
    assert cache.dataset_names(tmp_path) == ("toy",)


def test_another_fingerprint_is_not_used(fresh_cache: Path) -> None:
    cache.load_or_make("toy", "old", dataset)
    shelf = cache.catalog_folder()
    assert cache.load_cached(shelf, "toy", "old")
    assert cache.load_cached(shelf, "toy")
    assert cache.load_cached(shelf, "toy", "new") is None


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "dataset.json"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_a_damaged_cache_entry_is_made_again(fresh_cache: Path, file: str, damage: str) -> None:
    cache.load_or_make("toy", None, dataset)
    path = cache.catalog_folder() / "toy" / file
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[:-7] if damage == "cut" else b"")
    assert cache.load_cached(cache.catalog_folder(), "toy") is None
    same(cache.load_or_make("toy", None, dataset), dataset())


def test_a_dataset_is_made_once(fresh_cache: Path) -> None:
    made = []
    for _ in range(3):
        cache.load_or_make("toy", "now", lambda: made.append(1) or dataset())
    assert len(made) == 1
    cache.load_or_make("toy", "later", lambda: made.append(1) or dataset())
    assert len(made) == 2


def _make_slowly(folder: str, started: object) -> None:
    import os
    import time

    os.environ["VAEKIT_CACHE"] = folder

    def make() -> Dataset:
        with open(f"{folder}-made", "a") as log:
            log.write("made\n")
        time.sleep(0.3)
        return dataset()

    same(cache.load_or_make("toy", None, make), dataset())


def test_two_processes_at_once_make_it_once(fresh_cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_make_slowly, args=(str(fresh_cache), None)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
        assert worker.exitcode == 0
    assert Path(f"{fresh_cache}-made").read_text() == "made\n"


def test_without_a_writable_cache_the_dataset_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        same(cache.load_or_make("toy", None, dataset), dataset())
    assert "cannot be written" in caplog.text
    assert "VAEKIT_CACHE" in caplog.text


def test_a_full_disk_is_a_one_line_error_and_leaves_nothing(
    fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000))
    with pytest.raises(DataError, match=r"cannot keep toy there \(no space left .*set VAEKIT_CACHE"):
        cache.load_or_make("toy", None, dataset)
    assert cache.dataset_names(cache.catalog_folder()) == ()


def test_failing_halfway_leaves_nothing(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, values: np.ndarray) -> None:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_save", fail)
    with pytest.raises(DataError, match="No space left on device"):
        cache.load_or_make("toy", None, dataset)
    assert [path.name for path in cache.catalog_folder().iterdir() if path.is_dir()] == []


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    for left in (".toy.new", ".toy.old"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "images.npy").write_bytes(b"half of it")
    same(cache.store_dataset(tmp_path, dataset()), dataset())
    assert cache.dataset_names(tmp_path) == ("toy",)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["toy"]


def test_importing_needs_a_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written; set VAEKIT_CACHE"):
        cache.store_dataset(tmp_path / "file", dataset())


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEKIT_CACHE", "/somewhere")
    assert cache.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("VAEKIT_CACHE")
    assert cache.cache_folder().name == "vaekit"
