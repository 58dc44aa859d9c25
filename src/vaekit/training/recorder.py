"""What a training writes into its directory, when it does, and how it goes back to it.

    metrics.jsonl     one line an epoch
    events.jsonl      one line each time training diverged and went back
    checkpoint/       moments to go on from

A checkpoint is the truth: lines that were written after it are dropped when training goes on from it, since
the same ones will be written again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from vaekit.errors import DivergedError, VaekitError
from vaekit.training.checkpoint import Checkpoint, Checkpoints
from vaekit.training.settings import TrainingSettings
from vaekit.training.train_state import TrainState
from vaekit.utils.io import Record, append_record, trim_records

ROLLBACKS = 8


class RunRecorder:
    """The files of one training.

    Args:
        directory: of the run.
        running: what is saved and restored.
        settings: say when.
        note: is told, in one line, what a person should know.
    """

    def __init__(
        self, directory: Path, running: TrainState, settings: TrainingSettings, note: Callable[[str], None]
    ):
        self.directory, self.metrics, self.events = (
            directory,
            directory / "metrics.jsonl",
            directory / "events.jsonl",
        )
        self._running, self._settings, self._note = running, settings, note
        self._checkpoints = Checkpoints(directory, note)
        self._saved = time.monotonic()

    @property
    def last(self) -> Path | None:
        """The newest checkpoint."""
        return self._checkpoints.last()

    def begin(self, resume: bool) -> None:
        """Stand where the newest checkpoint was written; where there is none, at the start, and write one.

        Raises:
            VaekitError: there is one, and nobody asked to resume.
        """
        if self.last and not resume:
            raise VaekitError(
                f"{self.directory} already holds a training; continue it with: vaekit train --resume "
                f"{self.directory}, or name another directory"
            )
        checkpoint = self._checkpoints.newest()
        self._stand(checkpoint)
        if checkpoint is None:
            self.save()

    def due(self) -> bool:
        """Whether the step about to be taken is one to save after."""
        steps = self._settings.checkpoint_steps
        late = time.monotonic() - self._saved >= self._settings.checkpoint_seconds
        return late or (steps is not None and (self._running.state.step + 1) % steps == 0)

    def save(self) -> None:
        """Write a checkpoint."""
        self._checkpoints.save(self._running.state, self._running.tensors())
        self._saved = time.monotonic()

    def close_epoch(self, record: Record) -> None:
        """Write the line of metrics of an epoch."""
        append_record(self.metrics, record)

    def roll_back(self, error: DivergedError) -> None:
        """Stand at the start of the epoch with half the learning rate, or raise the error.

        Always to the start of the epoch, so that where a training goes on does not depend on the clock.

        Raises:
            DivergedError: the settings do not want it, or it was done too often.
        """
        good = self._checkpoints.newest(starts_epoch=True)
        if self._settings.on_nan != "rollback" or good is None:
            raise error
        if good.state.rollbacks >= ROLLBACKS:
            raise DivergedError(
                f"{error}; gave up after {ROLLBACKS} halvings of the learning rate"
            ) from error
        at, reason = self._running.state, str(error).partition(";")[0]
        self._stand(good)
        state = self._running.state
        state.rollbacks += 1
        event = {"event": "rollback", "epoch": at.epoch, "step": at.step + 1, "rollbacks": state.rollbacks}
        append_record(self.events, {**event, "reason": reason})
        self.save()
        self._note(f"{reason}; back to the start of epoch {state.epoch} with half the learning rate")

    def _stand(self, checkpoint: Checkpoint | None) -> None:
        """Stand where a checkpoint was written, or at the start, and drop the lines written after it."""
        if checkpoint is not None:
            self._running.restore(checkpoint)
        state = self._running.state
        trim_records(self.metrics, lambda record: record.get("epoch", 0) < state.epoch)
        trim_records(self.events, lambda record: record.get("rollbacks", 0) <= state.rollbacks)
        self._saved = time.monotonic()
