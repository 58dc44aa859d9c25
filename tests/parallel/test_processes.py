"""What one of several processes does alone waits for no other, and the command trains to its end."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from vaekit.parallel.processes import Processes, current
from vaekit.parallel.turns import in_turns


@pytest.fixture
def rank_0_of_2(monkeypatch) -> Processes:
    """A group of two in name only: an exchange would fail."""
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(Processes, "share", lambda self, value: value)
    return current()


def test_what_rank_0_does_alone_exchanges_nothing(rank_0_of_2):
    assert rank_0_of_2 == Processes(0, 2)
    assert rank_0_of_2.on_first(lambda: list(in_turns([1, 2, 3], lambda n: n * n))) == [1, 4, 9]
    assert current() == Processes(0, 2)


def test_the_group_is_there_again_after_an_error(rank_0_of_2):
    def fail() -> None:
        raise ValueError("alone")

    with pytest.raises(ValueError, match="alone"):
        rank_0_of_2.on_first(fail)
    assert current() == Processes(0, 2)


@pytest.mark.slow
def test_two_processes_train_draw_and_report_as_one(tmp_path):
    words = ("train", "digits", "training.epochs=2", "data.train=200", "--run-dir")
    for name, more in (("one", ()), ("two", ("--processes", "2"))):
        command = [sys.executable, "-m", "vaekit", *words, name, *more]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr
    one, two = (tmp_path / name for name in ("one", "two"))
    assert {file.name for file in (one / "figures").iterdir()} == {
        file.name for file in (two / "figures").iterdir()
    }
    assert (two / "finished.json").is_file()
    lines = [(run / "metrics.jsonl").read_text().splitlines() for run in (one, two)]
    for alone, shared in zip(*lines, strict=True):
        assert json.loads(alone)["loss"] == pytest.approx(json.loads(shared)["loss"], rel=1e-5)
