"""A training that was killed and resumed ends like one that was never killed."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from toy_runs import STEPS, At, Killed, die, events, metrics, model, same, train, train_wildly
from vaekit.training.checkpoint import Checkpoints, load_weights


def everything(directory: Path) -> dict[str, torch.Tensor]:
    """All tensors of the newest checkpoint: weights, moments, average, best, sums and random states."""
    checkpoint = Checkpoints(directory, pytest.fail).load_newest()
    assert checkpoint is not None
    return checkpoint.tensors


def assert_same_run(a: Path, b: Path) -> None:
    assert metrics(a) == metrics(b)
    assert events(a) == events(b)
    assert same(everything(a), everything(b))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    train(directory)
    return directory


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_death_after_any_step(whole, tmp_path, step):
    with pytest.raises(Killed):
        train(tmp_path, log=At(step, die))
    vae = model(seed=1)
    outcome = train(tmp_path, resume=True, vae=vae)
    assert (outcome.epochs, outcome.steps) == (4, STEPS)
    assert_same_run(tmp_path, whole)
    assert same(vae.state_dict(), load_weights(whole, "best"))


def test_death_again_and_again(whole, tmp_path):
    for step in (2, 4, 9, 10, 16, 20):
        with pytest.raises(Killed):
            train(tmp_path, resume=True, log=At(step, die))
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)


def test_death_in_the_callback_of_an_epoch(whole, tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, callbacks=[lambda epoch: die() if epoch.number == 2 else None])
    assert [record["epoch"] for record in metrics(tmp_path)] == [1, 2]
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)


def test_a_finished_run_is_unchanged(whole, tmp_path):
    first, second = model(), model(seed=1)
    assert train(tmp_path, vae=first) == train(tmp_path, resume=True, vae=second)
    assert_same_run(tmp_path, whole)
    assert same(first.state_dict(), second.state_dict())


def test_more_epochs_continue_identically(tmp_path):
    train(tmp_path / "long", epochs=6, schedule="constant")
    train(tmp_path / "short", epochs=4, schedule="constant")
    train(tmp_path / "short", resume=True, epochs=6, schedule="constant")
    assert_same_run(tmp_path / "short", tmp_path / "long")


def test_a_directory_without_checkpoint_starts_afresh(whole, tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "step": 5, "lo')
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)


def kill_at(function: str, call: int) -> None:
    """Have the process die by SIGKILL at one call of a function of `os`."""
    left = [call]
    original = getattr(os, function)

    def deadly(*arguments):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(os, function, deadly)


def in_child(work) -> int:
    """The exit code of a process of its own that does some work."""
    child = get_context("fork").Process(target=work)
    child.start()
    child.join()
    return child.exitcode


@pytest.mark.parametrize(
    ("function", "call"),
    [*(("fsync", n) for n in (1, 2, 3, 4, 7, 8, 9, 10)), *(("replace", n) for n in (1, 2, 4, 8))],
)
def test_sigkill_while_files_are_written(whole, tmp_path, function, call):
    def work() -> None:
        kill_at(function, call)
        train(tmp_path)

    assert in_child(work) == -signal.SIGKILL
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)
    assert not list((tmp_path / "checkpoint").glob(".*"))


@pytest.mark.parametrize("call", [3, 4, 5, 6])
def test_sigkill_during_a_rollback(tmp_path, call):
    """The third sync is of the event's line, then come those of the checkpoint with the halved rate."""
    train_wildly(tmp_path / "whole", on_nan="rollback")

    def work() -> None:
        kill_at("fsync", call)
        train_wildly(tmp_path / "cut", on_nan="rollback")

    assert in_child(work) == -signal.SIGKILL
    train_wildly(tmp_path / "cut", resume=True, on_nan="rollback")
    assert len(events(tmp_path / "cut")) == 3
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.parametrize(
    "setting", [{"ema": None}, {"patience": 1}, {"weight_decay": 0.1, "precision": "bfloat16"}]
)
def test_other_settings(tmp_path, setting):
    train(tmp_path / "whole", **setting)
    with pytest.raises(Killed):
        train(tmp_path / "cut", log=At(8, die), **setting)
    train(tmp_path / "cut", resume=True, **setting)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


def test_a_run_is_not_overwritten(tmp_path):
    train(tmp_path)
    with pytest.raises(Exception, match="already holds a training; continue it with: vaekit train --resume"):
        train(tmp_path)
