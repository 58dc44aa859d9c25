"""The files that a training writes, and how it continues from them.

    metrics.jsonl     one line per epoch
    events.jsonl      one line per rollback after a divergence
    checkpoint/       the states to continue from

When training continues from a checkpoint, the lines that were written after it are removed, because the same
lines will be written again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from vaekit.errors import DivergedError, InvalidError, VaekitError
from vaekit.models.vae import VAE
from vaekit.parallel.processes import Processes
from vaekit.training.callbacks import Callbacks
from vaekit.training.checkpoint import Checkpoint, Checkpoints, Weights
from vaekit.training.freezing import frozen
from vaekit.training.settings import TrainingSettings
from vaekit.training.train_state import TrainState
from vaekit.utils.io import (
    Record,
    append_record,
    lines_digest,
    read_records,
    record_epoch,
    trim_records,
)
from vaekit.utils.random import seeded

ROLLBACKS = 8


class RunRecorder:
    """Writes the files of one training.

    Args:
        directory: the run directory.
        state: the state that is saved and restored.
        settings: how often to save, and what to do on divergence.
        note: called with messages for the user, in one line each.
        facts: what the training belongs to, such as digests of its recipe and its data; each checkpoint has
            them, and is refused by a training with others.
        callbacks: whose states are saved and restored, too.
        processes: those of the training. Rank 0 reads and writes; the others get what it read.

    >>> import tempfile
    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> settings, folder = TrainingSettings(), Path(tempfile.mkdtemp())
    >>> state = TrainState(build_model(load_recipe("digits").model, (1, 8, 8)), settings)
    >>> recorder = RunRecorder(folder, state, settings, print)
    >>> recorder.start(resume=False)
    >>> recorder.newest_checkpoint.name[:14]
    '000001-epoch-1'
    """

    def __init__(
        self,
        directory: Path,
        state: TrainState,
        settings: TrainingSettings,
        note: Callable[[str], None],
        facts: Mapping[str, str] | None = None,
        callbacks: Callbacks | None = None,
        processes: Processes | None = None,
    ):
        self.directory = directory
        self.metrics, self.events = directory / "metrics.jsonl", directory / "events.jsonl"
        self._state, self._settings, self._note, self._facts = state, settings, note, dict(facts or {})
        self._callbacks, self._processes = callbacks, processes or Processes()
        self._checkpoints = Checkpoints(directory, note)
        self._saved = time.monotonic()

    @property
    def newest_checkpoint(self) -> Path | None:
        """The path of the newest checkpoint; None if there is none."""
        return self._checkpoints.newest_path()

    def start(self, resume: bool) -> None:
        """Continue from the newest checkpoint; without one, save the state at the start.

        Args:
            resume: whether to continue if there is a checkpoint.

        Raises:
            VaekitError: there is a checkpoint, but `resume` is false.
        """
        checkpoint = self._processes.on_first(lambda: self._find(resume))
        self._seek(checkpoint)
        if checkpoint is None:
            self.save()

    def _find(self, resume: bool) -> Checkpoint | None:
        """The checkpoint to start from."""
        if self.newest_checkpoint and not resume:
            raise VaekitError(
                f"{self.directory} already holds a training; continue it with: vaekit train --resume "
                f"{self.directory}, or choose another directory"
            )
        checkpoint = self._checkpoints.load_newest()
        self._check(checkpoint)
        return checkpoint

    def check(self) -> None:
        """Restore the newest checkpoint as `start` does, and change no file.

        Raises:
            InvalidError: it belongs to another training, or all are damaged.
        """
        checkpoint = self._checkpoints.load_newest()
        self._check(checkpoint)
        if checkpoint is not None:
            self._state.restore(checkpoint)

    def checkpoint_due(self) -> bool:
        """Whether to save a checkpoint after the next step, by the clock of rank 0."""
        steps = self._settings.checkpoint_steps
        late = time.monotonic() - self._saved >= self._settings.checkpoint_seconds
        late = self._processes.any(late and self._processes.is_first)
        return late or (steps is not None and (self._state.position.step + 1) % steps == 0)

    def save(self) -> None:
        """Write a checkpoint."""
        own = self._state.tensors()
        self._processes.on_first(lambda: self._write_checkpoint(own))
        self._saved = time.monotonic()

    def _write_checkpoint(self, own: Weights) -> None:
        states, tensors = self._callbacks.state() if self._callbacks else ([], {})
        digest = lines_digest(read_records(self.metrics))
        facts = {**self._facts, "metrics": digest, **({"callbacks": states} if states else {})}
        self._checkpoints.save(self._state.position, own | tensors, facts)

    def write_metrics(self, record: Record) -> None:
        """Append the record of an epoch to metrics.jsonl."""
        self._processes.on_first(lambda: append_record(self.metrics, record))

    def roll_back(self, error: DivergedError) -> None:
        """Return to the start of the epoch with half the learning rate, or raise the error.

        It is always the start of an epoch, because the other checkpoints depend on the clock.

        Raises:
            DivergedError: the settings say stop, or there were too many rollbacks.
        """
        good = self._processes.on_first(lambda: self._checkpoints.load_newest(starts_epoch=True))
        if self._settings.on_nan != "rollback" or good is None:
            raise error
        if good.position.rollbacks >= ROLLBACKS:
            raise DivergedError(
                f"{error}; gave up after {ROLLBACKS} halvings of the learning rate"
            ) from error
        at, reason = self._state.position, str(error).partition(";")[0]
        self._seek(good)
        position = self._state.position
        position.rollbacks += 1
        event = {"event": "rollback", "epoch": at.epoch, "step": at.step + 1, "rollbacks": position.rollbacks}
        self._processes.on_first(lambda: append_record(self.events, {**event, "reason": reason}))
        self.save()
        self._note(f"{reason}; back to the start of epoch {position.epoch} with half the learning rate")

    def _check(self, checkpoint: Checkpoint | None) -> None:
        """Refuse a checkpoint of another recipe or other data, or beside other metrics.

        Raises:
            InvalidError: it is one of those.
        """
        if checkpoint is None:
            return
        for name, value in self._facts.items():
            if checkpoint.facts.get(name, value) != value:
                raise InvalidError(
                    f"checkpoint {checkpoint.path}: of another training: its {name} differs; restore the "
                    "files of one run, or start a new run"
                )
        done = [r for r in read_records(self.metrics) if record_epoch(r) < checkpoint.position.epoch]
        if checkpoint.facts.get("metrics", "") not in ("", lines_digest(done)):
            raise InvalidError(
                f"{self.metrics}: not the lines that were written up to epoch "
                f"{checkpoint.position.epoch - 1}: one is missing or was changed; restore the file, or "
                "start a new run"
            )

    def _seek(self, checkpoint: Checkpoint | None) -> None:
        """Restore a checkpoint, if there is one, and remove the lines that were written after it."""
        if checkpoint is not None:
            self._state.restore(checkpoint)
            if self._callbacks is not None:
                self._callbacks.load_state(checkpoint.facts.get("callbacks", ()), checkpoint.tensors)
        self._processes.on_first(self._trim)
        self._saved = time.monotonic()

    def _trim(self) -> None:
        position = self._state.position
        trim_records(self.metrics, lambda record: record_epoch(record) < position.epoch)
        trim_records(self.events, lambda record: record.get("rollbacks", 0) <= position.rollbacks)


def check_checkpoint(
    model: VAE, settings: TrainingSettings, directory: Path, facts: Mapping[str, str] | None = None
) -> None:
    """Check that `fit(..., resume=True)` can continue from what is in a directory, and change no file.

    Args:
        model, settings, directory, facts: as for `vaekit.training.loop.fit`. The model may get the weights
            of the checkpoint.

    Raises:
        InvalidError: the checkpoint belongs to another training, or all are damaged.

    >>> import tempfile
    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> model = build_model(load_recipe("digits").model, (1, 8, 8))
    >>> check_checkpoint(model, TrainingSettings(), Path(tempfile.mkdtemp()))
    """
    with seeded(0), frozen(model, settings.freeze):
        RunRecorder(directory, TrainState(model, settings), settings, lambda text: None, facts).check()
