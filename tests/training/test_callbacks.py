"""Callbacks: what is called when, how they stop a training, and their state in checkpoints."""

from __future__ import annotations

import random

import pytest
import torch

from toy_runs import BATCHES, STEPS, At, Killed, die, metrics, same, train
from vaekit.errors import InvalidError, VaekitError
from vaekit.training.callback_state import join_state, split_state
from vaekit.training.callbacks import Callback, StopTraining, check_callbacks
from vaekit.training.checkpoint import load_weights


class Diary(Callback):
    """Writes down what it is called with."""

    def __init__(self):
        self.calls = []

    def on_train_start(self, training):
        self.calls.append(("start", training.epoch, training.step, training.model.training))

    def on_step(self, training):
        self.calls.append(("step", training.epoch, training.step, training.model.training))

    def on_epoch_end(self, record, model):
        self.calls.append(("epoch", record["epoch"], record["step"], model.training))

    def on_train_end(self, training):
        self.calls.append(("end", training.epoch, training.step, training.model.training))
        self.training = training


class StopAt:
    """Stops after an epoch or a step, and counts steps in its state."""

    def __init__(self, epoch=0, step=0):
        self.epoch, self.step, self.steps, self.sum = epoch, step, 0, torch.zeros(2)

    def on_step(self, training):
        self.steps += 1
        self.sum += torch.tensor([1.0, training.step])
        if training.step == self.step:
            raise StopTraining("enough steps")

    def on_epoch_end(self, record, model):
        if record["epoch"] == self.epoch:
            raise StopTraining

    def state_dict(self):
        return {"steps": self.steps, "sums": [self.sum]}

    def load_state_dict(self, state):
        self.steps, self.sum = state["steps"], state["sums"][0]


class Meddler:
    """Uses random numbers, gradients and modes at every call."""

    def __getattr__(self, name):
        if name not in ("on_train_start", "on_step", "on_epoch_end", "on_train_end"):
            raise AttributeError(name)
        return lambda first, model=None: self.meddle(model or first.model)

    def __dir__(self):
        return ["on_train_start", "on_step", "on_epoch_end", "on_train_end"]

    def meddle(self, model):
        torch.rand(3), random.random()
        model.train(not model.training)
        model.elbo_terms(torch.rand(4, 1, 4, 4)).kl.sum().backward()


def test_each_method_is_called_when_its_name_says(tmp_path):
    diary = Diary()
    train(tmp_path, callbacks=[diary])
    assert diary.calls[0] == ("start", 1, 0, True)
    assert diary.calls[1 : BATCHES + 1] == [("step", 1, step, True) for step in range(1, BATCHES + 1)]
    assert diary.calls[BATCHES + 1] == ("epoch", 1, BATCHES, False)
    assert diary.calls[-1] == ("end", 5, STEPS, False)
    assert len(diary.calls) == 2 + STEPS + 4
    assert diary.training.error is None
    assert same(diary.training.model.state_dict(), load_weights(tmp_path, "best"))


def test_no_callback_changes_training_by_accident(tmp_path):
    train(tmp_path / "with", callbacks=[Meddler()])
    train(tmp_path / "without")
    assert metrics(tmp_path / "with") == metrics(tmp_path / "without")
    assert same(load_weights(tmp_path / "with", "last"), load_weights(tmp_path / "without", "last"))


def test_a_stop_after_an_epoch_ends_training_as_its_last_epoch_does(tmp_path):
    diary = Diary()
    stopped = train(tmp_path / "stopped", callbacks=[StopAt(epoch=2), diary], schedule="constant")
    short = train(tmp_path / "short", epochs=2, schedule="constant")
    assert (stopped.epochs, stopped.steps, stopped.stopped) == (2, 2 * BATCHES, "callback StopAt")
    assert (stopped.best, stopped.best_epoch) == (short.best, short.best_epoch)
    assert metrics(tmp_path / "stopped") == metrics(tmp_path / "short")
    assert [call[0] for call in diary.calls[-2:]] == ["epoch", "end"]  # the others are still called
    assert diary.training.stopped == "callback StopAt"


def test_a_stop_after_a_step_ends_the_epoch_with_that_step(tmp_path):
    result = train(tmp_path, callbacks=[StopAt(step=7)])
    assert (result.epochs, result.steps, result.stopped) == (2, 7, "callback StopAt: enough steps")
    assert [record["step"] for record in metrics(tmp_path)] == [5, 7]
    assert "validation_loss" in metrics(tmp_path)[-1]


def test_a_stopped_training_is_complete_until_more_is_asked_for(tmp_path):
    train(tmp_path / "cut", callbacks=[StopAt(epoch=2)], schedule="constant")
    assert train(tmp_path / "cut", resume=True, schedule="constant").epochs == 2
    train(tmp_path / "cut", resume=True, past_stop=True, schedule="constant")
    train(tmp_path / "whole", schedule="constant")
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


@pytest.mark.parametrize("step", [1, 3, 4, 7, 8, 11])
def test_the_state_of_a_callback_survives_a_death_at_any_step(tmp_path, step):
    whole = StopAt(step=12)
    train(tmp_path / "whole", callbacks=[whole])
    with pytest.raises(Killed):
        train(tmp_path / "cut", callbacks=[StopAt(step=12)], log=At(step, die))
    resumed = StopAt(step=12)
    assert train(tmp_path / "cut", resume=True, callbacks=[resumed]).stopped
    assert (resumed.steps, resumed.sum.tolist()) == (12, [12.0, 78.0]) == (whole.steps, whole.sum.tolist())
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


def test_a_callback_without_its_state_starts_anew_and_one_that_is_gone_is_forgotten(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, callbacks=[StopAt()], log=At(8, die))
    train(tmp_path, resume=True)
    fresh = StopAt()
    train(tmp_path, resume=True, epochs=5, callbacks=[fresh])
    assert fresh.steps == BATCHES


@pytest.mark.parametrize("method", ["on_train_start", "on_step", "on_epoch_end", "on_train_end"])
def test_an_error_in_any_method_is_one_line_and_training_continues_from_there(tmp_path, method):
    broken = type("Broken", (), {method: lambda self, *args: 1 / 0})()
    where = {"on_train_start": "before training", "on_step": "step 1", "on_epoch_end": "epoch 1"}
    with pytest.raises(
        VaekitError, match=rf"callback Broken, {where.get(method, 'after training')}: Zero"
    ) as e:
        train(tmp_path / "run", callbacks=[broken])
    assert "\n" not in str(e.value)
    train(tmp_path / "run", resume=True)
    train(tmp_path / "whole")
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")


def test_the_end_is_said_also_after_an_error(tmp_path):
    diary = Diary()
    with pytest.raises(Killed):
        train(tmp_path, callbacks=[diary], log=At(3, die))
    assert diary.calls[-1][0] == "end"
    assert isinstance(diary.training.error, Killed)


def test_a_state_that_cannot_be_saved_is_named(tmp_path):
    odd = type("Odd", (), {"on_step": lambda self, t: None, "state_dict": lambda self: {"seen": {1, 2}}})()
    with pytest.raises(VaekitError, match="callback Odd, state_dict: TypeError: seen: expected numbers"):
        train(tmp_path, callbacks=[odd])


def test_a_state_comes_back_as_it_was():
    state = {"best": float("inf"), "seen": {"a": [1, None, "x"]}, "mean": torch.rand(3)}
    again = join_state(*split_state(state, "callback/0"))
    assert torch.equal(again.pop("mean"), state.pop("mean"))
    assert again == state


def test_what_is_no_callback_is_refused():
    class Late:
        def on_epoch_ends(self, record, model): ...

    with pytest.raises(InvalidError, match=r"Late.on_epoch_ends: no method .*did you mean 'on_epoch_end'\?"):
        check_callbacks([Late()])
    with pytest.raises(InvalidError, match=r"give an object: Diary\(\)"):
        check_callbacks([Diary])
    assert len(check_callbacks(print)) == 1
