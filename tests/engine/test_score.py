"""Scores of a table: every row in order, in the data's units, with the responsible column and p-values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit.engine.score import score
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.training.display import SilentLogger

SCALES = np.array([0.01, 5.0, 2000.0])


def rows(n: int, seed: int) -> np.ndarray:
    """(n, 3) of independent Gaussians with the standard deviations of `SCALES`, about 1."""
    return 1 + SCALES * np.random.default_rng(seed).normal(size=(n, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.csv, and new.csv: 40 rows like it, of which row 7 has a wrong b and row 20 a wrong c."""
    folder = tmp_path_factory.mktemp("data")
    new = rows(40, 1)
    new[7, 1] = 1 + 12 * SCALES[1]
    new[20, 2] = 1 - 9 * SCALES[2]
    for name, values in (("train", rows(600, 0)), ("new", new), ("more", rows(400, 2))):
        np.savetxt(folder / f"{name}.csv", values, delimiter=",", header="a,b,c", comments="", fmt="%.9g")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(vaekit.Run, "plot", lambda self, only_missing=False: [])
        run = vaekit.train(
            data=folder / "train.csv",
            run_dir=tmp_path_factory.mktemp("runs") / "t",
            log=SilentLogger(),
            epochs=8,
        )
    return run.trained


def test_every_row_is_scored_in_order_and_the_odd_ones_stand_out(trained: TrainedModel, folder: Path):
    found = score(trained, str(folder / "new.csv"), threshold=0.05, samples=16)
    assert len(found) == 40
    assert set(found.highest(2)) == {7, 20} == set(np.flatnonzero(found.is_anomaly))
    reasons = found.responsible()
    assert (reasons[7][0][0], reasons[20][0][0]) == ("b", "c")
    assert reasons[7][0][1] > 20
    held_out = len(found.held_out)
    assert found.p_value[7] == found.p_value[20] == 1 / (held_out + 1)
    table = found.table()
    assert table["row"].tolist() == list(range(40))
    assert table["oddest_column"][[7, 20]].tolist() == ["b", "c"]


def test_a_part_of_the_data_gets_the_same_scores(trained: TrainedModel, folder: Path):
    lines = (folder / "new.csv").read_text().splitlines()
    (folder / "part.csv").write_text("\n".join(lines[:6]) + "\n")
    whole, part = (
        score(trained, str(folder / name), method="neighbors", samples=2) for name in ("new.csv", "part.csv")
    )
    np.testing.assert_allclose(part.score, whole.score[:5])
    np.testing.assert_allclose(part.p_value, whole.p_value[:5])


def test_log_likelihoods_are_in_the_units_of_the_data_and_near_the_truth(trained: TrainedModel, folder: Path):
    found = score(trained, str(folder / "more.csv"), method="likelihood")
    z = (rows(400, 2) - 1) / SCALES
    truth = (-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - np.log(SCALES)).sum(1)
    assert abs(found.terms.log_likelihood.mean() - truth.mean()) < 0.3
    assert np.corrcoef(found.terms.log_likelihood, truth)[0, 1] > 0.8
    elbo = found.terms.reconstruction - found.terms.kl
    assert (found.terms.log_likelihood - elbo).mean() > -0.05
    np.testing.assert_allclose(found.score, -found.terms.log_likelihood)


def test_p_values_of_new_rows_like_the_training_rows_are_uniform(trained: TrainedModel, folder: Path):
    p = score(trained, str(folder / "more.csv"), samples=8).p_value
    assert abs(p.mean() - 0.5) < 0.1  # the held-out rows are 100 or so: their quantiles are uncertain, too
    assert abs((p <= 0.1).mean() - 0.1) < 0.09


def test_no_row_is_held_out_from_itself(trained: TrainedModel):
    _, splits = trained.load_data()
    for split, others in (("test", splits.validation), ("validation", splits.test)):
        found = score(trained, split=split, method="likelihood", samples=2)
        assert len(found.held_out) == len(others)
        assert not found.notes
    everything = score(trained, split="all", method="likelihood", samples=2)
    assert len(everything) == 600
    assert np.isnan(everything.p_value).all()
    assert "no p-values" in everything.notes[0]
    with pytest.raises(InvalidError, match="no held-out data"):
        score(trained, split="all", method="likelihood", samples=2, threshold="p:0.1")


def test_files_hold_one_row_per_row(trained: TrainedModel, folder: Path, tmp_path: Path):
    found = score(trained, str(folder / "new.csv"), threshold="p:0.02", samples=4)
    lines = found.save(tmp_path / "s.csv").read_text().splitlines()
    assert lines[0].startswith("row,anomaly_score,p_value,is_anomaly,log_likelihood,elbo,reconstruction,kl")
    assert lines[0].endswith("oddest_column,excess:a,excess:b,excess:c")
    assert len(lines) == 41
    loaded = json.loads(found.save(tmp_path / "s.json").read_text())
    assert [row["row"] for row in loaded] == list(range(40))
    assert loaded[7]["is_anomaly"] is True
    with np.load(found.save(tmp_path / "s.npz")) as arrays:
        np.testing.assert_array_equal(arrays["excess"], found.excess)
    with pytest.raises(InvalidError, match=r"ends in \.csv, \.npz or \.json"):
        found.save(tmp_path / "s.png")


def test_without_training_data_the_score_is_the_likelihood_and_says_so(
    trained: TrainedModel, folder: Path, tmp_path: Path
):
    hidden = folder / "train.csv"
    moved = hidden.rename(tmp_path / "elsewhere.csv")
    try:
        found = score(trained, str(folder / "new.csv"), samples=2)
    finally:
        moved.rename(hidden)
    assert found.method == "likelihood"
    assert np.isnan(found.p_value).all()
    assert "no p-values" in found.notes[0]
    assert "likelihood" in found.notes[1]


def test_methods_that_do_not_fit_are_refused(trained: TrainedModel):
    with pytest.raises(InvalidError, match="method: expected one of auto, views"):
        score(trained, method="magic")  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="for images, signals and volumes only"):
        score(trained, method="complexity")
    with pytest.raises(InvalidError, match="between 0 and 1"):
        score(trained, method="kl", samples=2, threshold="2")
    with pytest.raises(InvalidError, match="for tables and vectors only"):
        score(vaekit.demo(), method="ellipsoid")
