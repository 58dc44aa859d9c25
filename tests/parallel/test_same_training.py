"""One training, whatever the number of processes."""

from __future__ import annotations

import pytest

from process_cases import CASES, train_cases
from process_group import run_group

NOT_COMPARED = ("images_per_second", "seconds", "kl_layers")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train_cases(list(CASES), tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("size", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_losses_and_weights_are_those_of_one_process(alone, tmp_path, size):
    check(alone, run_group(size, train_cases, list(CASES), tmp_path))


@pytest.mark.slow
def test_the_state_of_the_optimizer_may_be_divided(alone, tmp_path):
    check({"elbo": alone["elbo"]}, run_group(2, train_cases, ["elbo"], tmp_path, "zero"))


def check(alone, together):
    """All processes have the weights and the losses of one process."""
    for name, (records, weights) in alone.items():
        for rank, (_, others) in enumerate(each[name] for each in together):
            assert others.keys() == weights.keys()
            for key, value in weights.items():
                difference = (others[key] - value).abs().max()
                assert difference <= 1e-9, (name, rank, key, difference)
        for before, after in zip(records, together[0][name][0], strict=True):
            same = {key: value for key, value in before.items() if key not in NOT_COMPARED}
            assert {key: after[key] for key in same} == pytest.approx(same, rel=1e-9), name
