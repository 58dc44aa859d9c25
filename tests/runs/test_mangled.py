"""Each file of a run is mangled, and commands use the run: no traceback, no wrong number without a word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vaekit.runs.run import Run

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from mangle_runs import FILES, Mangler


@pytest.fixture
def mangler(tmp_path, monkeypatch) -> Mangler:
    monkeypatch.setattr(Run, "plot", lambda self, only_missing=False, figures=(): self.figures)
    monkeypatch.chdir(tmp_path)
    return Mangler(tmp_path, seed=0)


def test_mangled_files_are_noticed(mangler):
    for name in FILES:
        mangler.mangle(name)
    assert mangler.problems == []
    assert mangler.count["refused"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_each_file_mangled_a_hundred_times(mangler, name):
    for _ in range(100):
        mangler.mangle(name)
    for _ in range(3):
        mangler.mangle(name, own_process=True)
    assert mangler.problems == []
