"""The learning rate at given steps."""

from __future__ import annotations

import pytest

from toy_runs import settings
from vaekit.training.optimizer import learning_rate

STEPS = 100


def rates(schedule, at, epochs=None):
    training = settings(learning_rate=0.5, schedule=schedule)
    return [
        learning_rate(training, epoch, step, STEPS)
        for epoch, step in zip(epochs or [1] * len(at), at, strict=True)
    ]


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        ("constant", [1, 50, 100], [0.5, 0.5, 0.5]),
        ({"kind": "constant", "warmup": 4}, [1, 2, 4, 5], [0.125, 0.25, 0.5, 0.5]),
        ({"kind": "cosine", "min_lr_ratio": 0.0}, [0, 25, 50, 100, 120], [0.5, 0.4267767, 0.25, 0.0, 0.0]),
        ({"kind": "cosine", "min_lr_ratio": 0.2}, [50, 100], [0.3, 0.1]),
        ({"kind": "cosine", "min_lr_ratio": 0.0, "warmup": 20}, [10, 20, 60, 100], [0.25, 0.5, 0.25, 0.0]),
    ],
)
def test_by_step(schedule, at, expected):
    assert rates(schedule, at) == pytest.approx(expected, abs=1e-7)


def test_by_epoch():
    assert rates({"kind": "exponential", "factor": 0.9}, [5, 15, 25], [1, 2, 3]) == pytest.approx(
        [0.5, 0.45, 0.405]
    )


def test_a_warm_up_longer_than_training():
    assert rates({"kind": "cosine", "warmup": 200}, [100]) == pytest.approx([0.25])
