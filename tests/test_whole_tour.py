"""The example that uses most of vaekit on one table runs, and its ONNX file agrees with the model."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "whole_tour.py"


def test_it_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.slow
def test_it_runs(tmp_path, monkeypatch):
    for package in ("optuna", "onnx", "onnxscript", "onnxruntime", "pandas"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("whole_tour", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    machines = example.machines
    model, scores, filled, mean = example.tour(n_trials=2, epochs=20)

    broken = np.flatnonzero((machines.index >= 590) & machines["heat"].notna())
    assert len(broken) > 5
    assert set(broken) <= set(np.argsort(scores)[-20:])
    assert not filled.isna().any(axis=None)
    known = machines.notna()
    assert (filled.where(known) == machines.where(known)).where(known, True).all(axis=None)
    np.testing.assert_allclose(mean, model.encode(machines), atol=1e-4)
    with next(tmp_path.glob("logs/*/1/metrics.csv")).open(newline="") as file:
        assert len(list(csv.reader(file))) == 21  # a title and 20 epochs
