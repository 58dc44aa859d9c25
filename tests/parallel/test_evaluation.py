"""Evaluations by several processes have the numbers of one, to the last digit."""

from __future__ import annotations

import pytest

from process_evaluations import evaluate_all, same
from process_group import run_group


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_the_numbers_of_one_process(size):
    alone = evaluate_all()
    for together in run_group(size, evaluate_all):
        assert [name for name in alone if not same(alone[name], together[name])] == []
