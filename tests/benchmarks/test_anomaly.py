"""The table of anomaly scores: any folder of files, any seeds, the protocol's split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.quality import anomaly


def test_a_folder_gives_a_table_of_means_over_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    rng = np.random.default_rng(0)
    y = np.arange(200) < 20
    for name in ("first", "second"):
        np.savez(tmp_path / f"{name}.npz", X=rng.normal(size=(200, 3)) + 6.0 * y[:, None], y=y.astype(int))
    seen: list[tuple[int, int]] = []

    def distance(training: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
        seen.append((len(training), len(test)))
        return {anomaly.OURS: np.abs(test - np.median(training, 0)).sum(1)}

    monkeypatch.setattr(anomaly, "DETECTORS", (distance, anomaly.scikit_learn_scores))
    anomaly.main([str(tmp_path), "--seeds", "0", "5", "--output", str(tmp_path / "table.md")])
    assert set(seen) == {(140, 60)}
    assert len(seen) == 4
    text = (tmp_path / "table.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    lines = text.splitlines()
    assert lines[0] == "| table | vaekit | IsolationForest | KNN | PCA |"
    assert lines[2].startswith("| first | **1.000** |")
    assert lines[-1].startswith("| mean |")
    numbers = json.loads((tmp_path / "table.json").read_text())
    assert len(numbers["second"]["KNN"]) == 2


def test_a_folder_without_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        anomaly.main([str(tmp_path)])
    assert "expected .npz files with X and y" in capsys.readouterr().err
