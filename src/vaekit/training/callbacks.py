"""Callbacks: objects or functions that are called while a model trains.

    class Mine:                                     def mine(epoch: FinishedEpoch): ...
        def on_train_start(self, training): ...
        def on_step(self, training): ...
        def on_epoch_end(self, record, model): ...
        def on_train_end(self, training): ...

An object has one or more of the four methods; a function is called after each epoch. `training` is a
`Training`. Any of them may `raise StopTraining("why")`: the other callbacks are still called, then training
ends as after its last epoch. After a stop in `on_step`, the epoch ends with that step.

A callback may read everything, draw samples, and write files into the run directory. It does not change the
numbers of the training by accident: random states, gradients and the mode of the model are as before when it
returns. It changes them if it changes the weights in place. With `training.ema` the model has the averaged
weights after an epoch, and such a change is undone.

When a run is resumed, an object starts anew, unless it has `state_dict` and `load_state_dict`: what the first
returns is in each checkpoint, and the second gets it before `on_train_start`. An epoch whose callback was
interrupted is called again. `on_train_end` is called however training ends; `training.error` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vaekit.errors import InvalidError, VaekitError, did_you_mean, first_line, printable
from vaekit.models.vae import VAE
from vaekit.parallel.processes import Processes
from vaekit.training.callback_state import join_state, split_state
from vaekit.training.checkpoint import Weights
from vaekit.training.settings import TrainingSettings
from vaekit.training.train_state import TrainState
from vaekit.utils.io import Record
from vaekit.utils.random import all_seeded, derive_seed

METHODS = ("on_train_start", "on_step", "on_epoch_end", "on_train_end")


class StopTraining(Exception):
    """Raised by a callback to end the training; the message says why.

    >>> str(StopTraining("the loss is good enough"))
    'the loss is good enough'
    """


class Callback:
    """The base class of callbacks, whose methods do nothing. A callback need not inherit from it.

    >>> class UpTo(Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...
    ...     def on_epoch_end(self, record, model):
    ...         if record["loss"] < self.loss:
    ...             raise StopTraining(f"the loss is below {self.loss}")
    >>> UpTo(90).on_epoch_end({"epoch": 3, "loss": 88.1}, None)
    Traceback (most recent call last):
    vaekit.training.callbacks.StopTraining: the loss is below 90
    """

    def on_train_start(self, training: Training) -> None:
        """Training starts or continues; the state of a checkpoint is restored."""

    def on_step(self, training: Training) -> None:
        """The optimizer took a step."""

    def on_epoch_end(self, record: Record, model: VAE) -> None:
        """An epoch is complete.

        Args:
            record: its line in metrics.jsonl, such as {"epoch": 3, "loss": 101.2}, with `is_best`.
            model: in evaluation mode, with the weights that were validated.
        """

    def on_train_end(self, training: Training) -> None:
        """Training ended, by its last epoch, a stop or an error; without an error with the best weights."""


@dataclass
class Training:
    """What a callback sees of a training.

    Attributes:
        model: the model, in training mode in `on_step`.
        directory: the run directory; of `vaekit.fit` without one, a folder that is deleted at the end.
        log_directory: where loggers write; the run directory, if there is one.
        recipe: the resolved recipe, as a dict; empty for a training without one.
        settings: its section `training`.
        means: a function that returns the record of the current epoch so far, which takes time on a GPU.
        error: the exception that ended the training; None before `on_train_end`, and if there is none.

    >>> import vaekit
    >>> state = TrainState(vaekit.demo().model, TrainingSettings(epochs=5))
    >>> training = Training(state, Path("runs/demo/1"))
    >>> training.epoch, training.epochs, training.step, training.stopped
    (1, 5, 0, '')
    """

    _state: TrainState = field(repr=False)
    directory: Path
    recipe: Mapping[str, Any] = field(default_factory=dict, repr=False)
    means: Callable[[], Record] = field(default=dict, repr=False)
    error: BaseException | None = None
    logs: Path | None = field(default=None, repr=False)

    @property
    def log_directory(self) -> Path:
        """Where loggers write."""
        return self.logs or self.directory

    @property
    def model(self) -> VAE:
        """The model."""
        return self._state.model

    @property
    def settings(self) -> TrainingSettings:
        """The settings of training."""
        return self._state.settings

    @property
    def epoch(self) -> int:
        """The current epoch, counted from 1; at the end, one more than were done."""
        return self._state.position.epoch

    @property
    def epochs(self) -> int:
        """The number of epochs of the whole training."""
        return self.settings.epochs

    @property
    def step(self) -> int:
        """The number of steps since the start."""
        return self._state.position.step

    @property
    def best_epoch(self) -> int:
        """The epoch of the best weights so far."""
        return self._state.position.best_epoch

    @property
    def best(self) -> float | None:
        """The validation loss of that epoch in nats; None without validation data or during warm-up."""
        return self._state.position.best

    @property
    def stopped(self) -> str:
        """Why a callback stopped the training; empty if none did."""
        return self._state.position.stopped


@dataclass(frozen=True)
class FinishedEpoch:
    """What a function that is a callback gets after an epoch.

    Attributes:
        record: the line of the epoch in metrics.jsonl, such as {"epoch": 3, "loss": 101.2}, with `is_best`.
        model: the model in evaluation mode, with the weights that were validated.
        directory: the run directory.

    >>> import vaekit
    >>> FinishedEpoch({"epoch": 3, "loss": 101.2}, vaekit.demo().model, Path("runs/demo/1")).number
    3
    """

    record: Record
    model: VAE
    directory: Path

    @property
    def number(self) -> int:
        """The number of the epoch; the first is 1."""
        return int(self.record["epoch"])


class Callbacks:
    """The callbacks of a training, called in their order.

    Args:
        callbacks: as `check_callbacks` returns them.
        training: what they see.
        processes: those of the training; the callbacks of rank 0 are called.

    >>> import vaekit
    >>> training = Training(TrainState(vaekit.demo().model, TrainingSettings()), Path("runs/demo/1"))
    >>> callbacks = Callbacks([lambda epoch: print(epoch.record["loss"])], training)
    >>> callbacks.end_epoch({"epoch": 3, "loss": 101.2})
    101.2
    """

    def __init__(self, callbacks: Iterable[Any], training: Training, processes: Processes | None = None):
        self._processes = processes or Processes()
        self._callbacks = list(callbacks) if self._processes.is_first else []
        self._training = training
        self._methods = {
            name: [(each, found) for each in self._callbacks if (found := self._method(each, name))]
            for name in METHODS
        }
        self._called = self._processes.share({name: bool(found) for name, found in self._methods.items()})

    def start(self) -> None:
        """Call `on_train_start`.

        Raises:
            VaekitError: a callback raised an error; it is named. So for the other methods.
        """
        self._call_all("on_train_start", "before training", ("before training",), self._training)
        self._training.model.train()

    def step(self) -> None:
        """Call `on_step`."""
        if self._called["on_step"]:
            step = self._training.step
            self._call_all("on_step", f"step {step}", ("after step", step), self._training)
            self._training.model.train()

    def end_epoch(self, record: Record) -> None:
        """Call `on_epoch_end`."""
        number, model = int(record["epoch"]), self._training.model
        self._call_all(
            "on_epoch_end", f"epoch {number}", ("after epoch", number), record, model, evaluating=True
        )

    def end(self, error: BaseException | None) -> None:
        """Call `on_train_end`."""
        self._training.error = error
        purpose = ("after training",)
        self._call_all("on_train_end", purpose[0], purpose, self._training, evaluating=error is None)

    def _method(self, callback: Any, name: str) -> Any:
        """A method of a callback; None if it has none, or that of the base class, which does nothing."""
        if getattr(type(callback), name, None) is getattr(Callback, name):
            return None
        found = getattr(callback, name, None)
        if found is None and name == "on_epoch_end" and callable(callback):
            folder = self._training.directory
            return lambda record, model: callback(FinishedEpoch(record, model, folder))
        return found

    def _call_all(
        self, name: str, where: str, purpose: tuple[str | int, ...], *args: Any, evaluating: bool = False
    ) -> None:
        """Call a method of all callbacks in rank 0; all processes learn of an error, and of a stop."""
        call = partial(self._call_here, name, where, purpose, *args, evaluating=evaluating)
        if not self._called[name]:
            return
        if self._training.error is not None:  # maybe in this process only
            call()
            return
        self._processes.on_first(call)
        position = self._training._state.position
        position.stopped = self._processes.share(position.stopped)

    def _call_here(
        self, name: str, where: str, purpose: tuple[str | int, ...], *args: Any, evaluating: bool = False
    ) -> None:
        training, state = self._training, self._training._state
        for callback, method in self._methods[name]:
            if evaluating:
                training.model.eval()
            try:
                with all_seeded(derive_seed(training.settings.seed, *purpose)):
                    method(*args)
            except StopTraining as stop:
                reason = f"callback {callback_name(callback)}" + (f": {stop}" if str(stop) else "")
                state.position.stopped = state.position.stopped or printable(reason, 200)
            except Exception as error:
                raise _explained(error, f"callback {callback_name(callback)}, {where}") from error
            state.optimizer.zero_grad()

    # ----------------------------------------------------------------------------------------------- state

    def state(self) -> tuple[list[Any], Weights]:
        """The states of the callbacks that have one: plain values, and the tensors in them by name.

        Raises:
            VaekitError: a state has other values than numbers, words, lists, dicts and tensors.
        """
        plain: list[Any] = []
        tensors: Weights = {}
        for callback in self._callbacks:
            if not hasattr(callback, "state_dict"):
                continue
            name = callback_name(callback)
            try:
                values, found = split_state(callback.state_dict(), f"callback/{len(plain)}")
            except Exception as error:
                raise _explained(error, f"callback {name}, state_dict") from error
            plain.append([name, values])
            tensors |= found
        return plain, tensors

    def load_state(self, plain: Iterable[Any], tensors: Weights) -> None:
        """Give each callback the state that one of its name had; others keep theirs.

        Args:
            plain, tensors: what `state` returned.

        Raises:
            VaekitError: a callback does not accept its state.
        """
        left = list(plain)
        for callback in self._callbacks:
            name = callback_name(callback)
            place = next((i for i, (saved, _) in enumerate(left) if saved == name), None)
            if place is None or not hasattr(callback, "load_state_dict"):
                continue
            try:
                callback.load_state_dict(join_state(left.pop(place)[1], tensors))
            except Exception as error:
                raise _explained(error, f"callback {name}, load_state_dict") from error


def callback_name(callback: Any) -> str:
    """The name of a function, or the class of an object.

    >>> callback_name(print)
    'print'
    """
    return getattr(callback, "__name__", type(callback).__name__)


def check_callbacks(callbacks: Iterable[Any], where: str = "callbacks") -> list[Any]:
    """The callbacks as a list.

    Args:
        callbacks: functions of a `FinishedEpoch`, and objects with methods of a callback.
        where: the start of error messages.

    Raises:
        InvalidError: one of them is neither, or has a method `on_...` that no callback has.

    >>> check_callbacks([3])
    Traceback (most recent call last):
    vaekit.errors.InvalidError: callbacks: expected functions of a FinishedEpoch, or objects with \
on_train_start, on_step, on_epoch_end or on_train_end; got 3
    """
    if not isinstance(callbacks, Iterable) or isinstance(callbacks, str | Mapping):
        callbacks = [callbacks]
    found = list(callbacks)
    for callback in found:
        own = [name for name in dir(callback) if name.startswith("on_") and callable(getattr(callback, name))]
        unknown = [name for name in own if name not in METHODS]
        if isinstance(callback, type) or not (callable(callback) or set(own) & set(METHODS) or unknown):
            hint = "; a name belongs to training.callbacks of the recipe" if isinstance(callback, str) else ""
            hint = f"; give an object: {callback.__name__}()" if isinstance(callback, type) else hint
            raise InvalidError(
                f"{where}: expected functions of a FinishedEpoch, or objects with {', '.join(METHODS[:-1])} "
                f"or {METHODS[-1]}; got {callback!r}{hint}"
            )
        if unknown:
            raise InvalidError(
                f"{where}: {callback_name(callback)}.{unknown[0]}: no method of a callback"
                f"{did_you_mean(unknown[0], METHODS) or '; they are ' + ', '.join(METHODS)}"
            )
    return found


def _explained(error: Exception, where: str) -> VaekitError:
    """An error of a callback as one line that names it."""
    of_vaekit = isinstance(error, VaekitError)
    reason = str(error) if of_vaekit else f"{type(error).__name__}: {first_line(error)}"
    return VaekitError(f"{where}: {reason}")
