"""Callbacks: functions that are called after each epoch of a training.

    def log(epoch: FinishedEpoch) -> None: ...

A callback may read everything of a `FinishedEpoch`, draw samples, and write files into the run directory. It
does not change the numbers of the training by accident: random states, gradients and the mode of the model
are as before when it returns. It changes them if it changes the weights in place. With `training.ema` the
model has the averaged weights, and such a change is undone.

A callback object starts anew when a run is resumed. An epoch whose callback was interrupted is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.errors import InvalidError, VaekitError, first_line
from vaekit.models.vae import VAE
from vaekit.utils.io import Record
from vaekit.utils.random import all_seeded


@dataclass(frozen=True)
class FinishedEpoch:
    """What a callback may use after an epoch.

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


Callback = Callable[[FinishedEpoch], Any]


def call_all(callbacks: Iterable[Callback], epoch: FinishedEpoch, seed: int) -> None:
    """Call each callback, with random numbers from a seed.

    Raises:
        VaekitError: a callback raised an error; it is named.

    >>> import vaekit
    >>> epoch = FinishedEpoch({"epoch": 3, "loss": 101.2}, vaekit.demo().model, Path("runs/demo/1"))
    >>> call_all([lambda epoch: print(epoch.record["loss"])], epoch, seed=0)
    101.2
    """
    for callback in callbacks:
        epoch.model.eval()
        try:
            with all_seeded(seed):
                callback(epoch)
        except Exception as error:
            reason = (
                str(error)
                if isinstance(error, VaekitError)
                else f"{type(error).__name__}: {first_line(error)}"
            )
            raise VaekitError(
                f"callback {callback_name(callback)}, epoch {epoch.number}: {reason}"
            ) from error


def callback_name(callback: Callback) -> str:
    """The name of a function, or the class of an object.

    >>> callback_name(print)
    'print'
    """
    return getattr(callback, "__name__", type(callback).__name__)


def check_callbacks(callbacks: Iterable[Any]) -> list[Callback]:
    """The callbacks as a list.

    Raises:
        InvalidError: one of them cannot be called.

    >>> check_callbacks([3])
    Traceback (most recent call last):
    vaekit.errors.InvalidError: callbacks: expected functions of a FinishedEpoch, got 3
    """
    found = list(callbacks)
    for callback in found:
        if not callable(callback) or isinstance(callback, type):
            named = (
                "; a name belongs to training.callbacks of the recipe" if isinstance(callback, str) else ""
            )
            raise InvalidError(f"callbacks: expected functions of a FinishedEpoch, got {callback!r}{named}")
    return found
