"""The state of each epoch that a run keeps."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.errors import InvalidError, NotFoundError
from vaekit.runs import history
from vaekit.runs.history import EpochHistory, kept_epochs, read_labels, read_state
from vaekit.runs.train import train
from vaekit.training.callbacks import FinishedEpoch
from vaekit.training.display import SilentLogger

SMALL = ["data.train=100", "data.validation=20", "model.latent_dim=3"]


def trained(directory, **options):
    return train("digits", SMALL, run_dir=directory, figures=False, log=SilentLogger(), **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "a", epochs=3, callbacks=[EpochHistory()])


def test_each_epoch_has_the_posterior_means_in_a_plane_and_samples(run):
    assert kept_epochs(run.path) == [1, 2, 3]
    images = run.trained.load_split("validation")
    labels, classes = read_labels(run.path)
    assert labels == images.classes.tolist()
    assert classes == list("0123456789")
    state = read_state(run.path, 3)
    picture = Image.open(io.BytesIO(state.samples))
    assert picture.size == (8 * 8 + 7 * 2, 3 * 8 + 2 * 2)


def test_the_plane_is_a_rotation_of_the_principal_components(run):
    """Of the last epoch, whose weights the run has: distances between points are those of PCA."""
    best = run.summary()["best_epoch"]
    images = run.trained.load_split("validation")
    means = run.trained.model.encode(images.all(), None).mean.detach().numpy()
    centered = means - means.mean(0)
    _, scales, axes = np.linalg.svd(centered, full_matrices=False)
    components = centered @ axes[:2].T
    state = read_state(run.path, best)
    distances = lambda plane: np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.testing.assert_allclose(distances(state.plane), distances(components), atol=0.01)
    assert state.explained == pytest.approx((scales[:2] ** 2).sum() / (scales**2).sum(), abs=1e-4)


def test_a_plane_is_turned_to_the_one_before(run):
    """Between neighboring epochs no rotation or reflection brings the points nearer."""
    one, two = (read_state(run.path, epoch).plane.astype(float) for epoch in (2, 3))
    apart = np.linalg.norm(one - two)
    for angle in np.linspace(0, 2 * np.pi, 60):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for flip in (np.eye(2), np.diag([1.0, -1.0])):
            assert np.linalg.norm(one - two @ turn @ flip) >= apart - 0.02


def test_a_history_changes_no_number_of_the_training(run, tmp_path):
    plain = trained(tmp_path / "b", epochs=3)
    assert [r["loss"] for r in plain.metrics] == [r["loss"] for r in run.metrics]
    for one, two in zip(plain.model.parameters(), run.model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_number_of_states_is_bounded_and_the_last_one_is_kept(run, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "MAX_EPOCHS", 5)
    recorder = EpochHistory()
    recorder.observe(run.trained, run.trained.load_split("validation"))
    for epoch in range(1, 30):
        recorder(FinishedEpoch({"epoch": epoch}, run.model, tmp_path))
        kept = kept_epochs(tmp_path)
        assert len(kept) <= 5
        assert (kept[0], kept[-1]) == (1, epoch)
    assert kept == [1, 9, 17, 25, 29]
    size = sum(file.stat().st_size for file in (tmp_path / "history").iterdir())
    assert size < 40_000


def test_a_damaged_or_missing_state_is_named(run, tmp_path):
    with pytest.raises(NotFoundError, match="the state of epoch 9 is not kept"):
        read_state(run.path, 9)
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "000001.npz").write_bytes(b"no arrays")
    with pytest.raises(InvalidError, match=r"000001.npz: expected arrays of a training"):
        read_state(tmp_path, 1)
