"""What counts as best, and when training ends."""

from __future__ import annotations

import pytest

from toy_runs import settings
from vaekit.training.position import Position, parse_position
from vaekit.utils.random import derive_seed


def judged(losses, settled):
    state = Position()
    for loss, done in zip(losses, settled, strict=True):
        state.record_loss(loss, done)
        state.next_epoch()
    return state


def test_only_epochs_after_warm_up_are_compared():
    state = judged([1.0, 2.0, 5.0, 4.0, 6.0, 4.0], [False, False, True, True, True, True])
    assert (state.best, state.best_epoch, state.waited) == (4.0, 4, 2)


def test_patience_starts_after_warm_up():
    state = judged([1.0, 2.0, 3.0], [False] * 3)
    assert (state.best, state.best_epoch, state.waited) == (None, 3, 0)


def test_training_is_finished_after_all_epochs_or_patience():
    patient = settings(epochs=5, patience=2)
    assert not Position(epoch=5, waited=1).is_finished(patient)
    assert Position(epoch=6).is_finished(patient)
    assert Position(epoch=3, waited=2).is_finished(patient)
    assert not Position(epoch=3, waited=2).is_finished(settings(epochs=5, patience=None))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"epoch": 0}', '{"step": -1}', '{"best": NaN}', '{"seconds": "x"}']
)
def test_an_invalid_position_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_position(text)


def test_random_streams_are_independent():
    seeds = {
        derive_seed(seed, *purpose) for seed in (0, 1) for purpose in (("order", 1), ("order", 2), ("noise",))
    }
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(3, "order", 7) == derive_seed(3, "order", 7)
