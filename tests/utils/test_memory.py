"""The memory of the machine, and the pages of mapped files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vaekit.utils.memory import DEFAULT_BYTES, available_memory, release_pages, total_memory


def from_files() -> int:
    """kB of files in this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))


def test_total_and_available_memory_are_positive(monkeypatch):
    assert total_memory() >= available_memory() > 0

    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert total_memory() == available_memory() == DEFAULT_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("view", [(20, 1, 1000, 1000), (20, -1)])
def test_released_pages_of_a_mapped_file_are_read_again(tmp_path, view):
    values = np.random.default_rng(0).integers(0, 256, (20, 1, 1000, 1000), dtype=np.uint8)
    np.save(tmp_path / "images.npy", values)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r").reshape(view)
    before = from_files()
    total = mapped.sum()
    assert from_files() - before > 10_000
    release_pages(mapped)
    assert from_files() - before < 10_000
    assert mapped.sum() == total


def test_changes_to_a_copy_on_write_map_stay(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros(10_000))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="c")
    mapped[:] = 1
    shown = mapped[::2]
    shown.flags.writeable = False
    release_pages(mapped)
    release_pages(shown)
    assert mapped.sum() == 10_000


def test_other_arrays_stay():
    array = np.arange(6.0)
    release_pages(array)
    release_pages(array[1:])
    assert array.tolist() == [0, 1, 2, 3, 4, 5]
