"""A training by several processes, interrupted in one of them and resumed."""

from __future__ import annotations

import pytest

from process_evaluations import train_and_resume
from process_group import run_group


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_a_signal_to_one_process_stops_all_and_the_resumed_training_has_the_same_bits(tmp_path, size):
    for (whole, cut), states, said in run_group(size, train_and_resume, tmp_path):
        assert said.startswith("interrupted at epoch 2, step 8; continue with: vaekit train --resume")
        assert whole == cut
        assert states["same"]
