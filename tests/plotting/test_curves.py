import math

import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import training_curves
from vaekit.utils.io import best_epoch


def record(epoch, **changes):
    known = {
        "epoch": epoch,
        "loss": 100.0 / epoch + 20,
        "reconstruction": 100.0 / epoch,
        "kl": 20.0,
        "kl_layers": [20.0],
        "beta": 1.0,
        "validation_elbo": -100.0 / epoch - 21 - (epoch > 3) * 30,
        "validation_loss": 100.0 / epoch + 21,
        "is_best": epoch <= 3,
    }
    return known | changes


def panels(records):
    return {axes.get_title(loc="left"): axes for axes in training_curves(records, "Training").axes}


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_elbo_reconstruction_and_kl_are_drawn():
    drawn = panels([record(epoch) for epoch in range(1, 6)])
    assert list(drawn) == ["ELBO (nats)", "Reconstruction, −log p(x|z) (nats)", "KL (nats)"]
    bound = lines(drawn["ELBO (nats)"])
    assert bound["training"][1].tolist() == [2, -70]
    assert bound["validation"][1].tolist() == [2, -71]
    assert bound["best: epoch 3"] == pytest.approx(np.array([[3, -100 / 3 - 21]]))


def test_layers_and_a_beta_that_changes_have_their_panels():
    drawn = panels([record(epoch, kl_layers=[15.0, 5.0], beta=epoch / 4) for epoch in range(1, 5)])
    assert list(lines(drawn["KL by layer (nats)"])) == ["total", "1", "2"]
    assert lines(drawn["KL weight β"])["beta"][:, 1].tolist() == [0.25, 0.5, 0.75, 1]


def test_an_autoencoder_shows_its_loss_and_no_kl():
    drawn = panels([record(e, kl=None, kl_layers=None, validation_elbo=None, beta=0.0) for e in (1, 2)])
    assert list(drawn) == ["Loss (nats)", "Reconstruction, −log p(x|z) (nats)"]
    assert list(lines(drawn["Loss (nats)"]))[:2] == ["training", "validation"]


def test_one_epoch_is_a_dot():
    line = panels([record(1)])["KL (nats)"].lines[0]
    assert line.get_marker() == "o"


def test_missing_and_infinite_values_are_skipped():
    drawn = panels([{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": math.nan}, {"epoch": 3, "loss": 2.0}, {}])
    assert list(drawn) == ["Loss (nats)"]
    assert lines(drawn["Loss (nats)"])["training"].tolist() == [[1, 3], [3, 2]]


def test_the_frame_of_a_long_run_excludes_a_steep_start():
    bottom, top = panels([record(epoch) for epoch in range(1, 41)])[
        "Reconstruction, −log p(x|z) (nats)"
    ].get_ylim()
    assert top < 40
    assert bottom < 100 / 40


def test_best_epoch_needs_a_validation():
    assert best_epoch([record(epoch) for epoch in range(1, 6)]) == 3
    assert best_epoch([{"epoch": 1, "loss": 2.0, "is_best": True}]) is None


def test_best_is_the_saved_epoch_not_the_one_with_the_highest_elbo():
    records = [record(1, validation_elbo=-50.0), record(2, validation_elbo=-60.0), record(3, is_best=False)]
    assert best_epoch(records) == 2
    bound = lines(panels(records)["ELBO (nats)"])
    assert bound["best: epoch 2"].tolist() == [[2, -60]]


@pytest.mark.parametrize("records", [[], [{"epoch": 1}]])
def test_records_without_values_are_refused(records):
    with pytest.raises(InvalidError, match=f"found none in {len(records)} epochs"):
        training_curves(records, "Training")
