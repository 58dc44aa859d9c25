"""The loop: batch, evidence, loss, gradient, step; a line of metrics an epoch; a checkpoint now and then.

It knows the objective and the device, and of the model only that it gives `Evidence`. Everything random is a
function of the seed and the position, or is in the checkpoint, so a training killed at any moment and
continued ends, bit for bit on the CPU, as one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import DivergedError, InterruptedRun, VaekitError
from vaekit.objectives import Objective
from vaekit.randomness import seeded
from vaekit.recipe import Training
from vaekit.training import divergence, lines
from vaekit.training.batches import Images, batches
from vaekit.training.checkpoint import Checkpoint, Checkpoints
from vaekit.training.guards import interruption, locked
from vaekit.training.log import Log, Quiet
from vaekit.training.metrics import validate
from vaekit.training.rates import learning_rate
from vaekit.training.running import Running
from vaekit.training.seeds import order, stream
from vaekit.training.state import State
from vaekit.vae import VAE, Evidence

METRICS, EVENTS = "metrics.jsonl", "events.jsonl"
CHECK_EVERY = 50  # steps between two looks at numbers that another device computes
ROLLBACKS = 8

Record = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        epochs, steps: that were done.
        best_epoch: whose weights the model has now.
        best: its loss on the validation images (on the training images, without any), in nats; None where
            warm-up never ended.
        stopped_early: whether early stopping ended it.
    """

    epochs: int
    steps: int
    best_epoch: int
    best: float | None
    stopped_early: bool


def fit(
    model: VAE,
    objective: Objective,
    train: Images,
    validation: Images | None,
    settings: Training,
    directory: Path,
    *,
    resume: bool = False,
    after_epoch: Callable[[Record], None] | None = None,
    log: Log | None = None,
    bound: bool = True,
) -> Outcome:
    """Train a model, and leave it in evaluation mode with the best weights.

    Args:
        model: on the device of the images, with its first weights.
        objective: what is minimised.
        train, validation: the images.
        settings: all else.
        directory: of the run; `metrics.jsonl`, `events.jsonl` and `checkpoint/` are written there.
        resume: go on from the newest checkpoint; from the start where there is none.
        after_epoch: called with each line of metrics, while the model has the weights that were validated.
        log: is told of every step.
        bound: whether the posterior has a density; an autoencoder's has none, and its metrics no kl.

    Raises:
        DivergedError: the loss or the gradient is not finite.
        InterruptedRun: a signal came; the state was saved.
        InvalidError: a checkpoint is of another model, or none is whole.
        VaekitError: another process trains in the directory, or it cannot be written.
    """
    log = log or Quiet()
    running, checkpoints = Running(model, settings), Checkpoints(directory, log.note)
    with locked(directory), seeded(stream(settings.seed, "noise")), interruption() as interrupted:
        loop = _Loop(
            running,
            objective,
            train,
            validation,
            settings,
            directory,
            checkpoints,
            log,
            after_epoch,
            bound,
            interrupted,
        )
        loop.begin(resume)
        try:
            loop.run()
        finally:
            log.stop()
    running.use_best()
    state = running.state
    return Outcome(state.epoch - 1, state.step, state.best_epoch, state.best, state.impatient(settings))


@dataclass
class _Loop:
    running: Running
    objective: Objective
    train: Images
    validation: Images | None
    settings: Training
    directory: Path
    checkpoints: Checkpoints
    log: Log
    after_epoch: Callable[[Record], None] | None
    bound: bool
    interrupted: Callable[[], bool]
    saved: float = 0.0

    @property
    def state(self) -> State:
        return self.running.state

    @property
    def per_epoch(self) -> int:
        return math.ceil(len(self.train) / self.settings.batch_size)

    # ------------------------------------------------------------------------------------- the loop

    def begin(self, resume: bool) -> None:
        """Stand where the newest checkpoint was written, or at the start."""
        if not resume and self.checkpoints.last():
            raise VaekitError(
                f"{self.directory} already holds a training; continue it with: vaekit train --resume "
                f"{self.directory}, or name another directory"
            )
        self.return_to(self.checkpoints.newest())
        self.log.start(self.settings.epochs, self.per_epoch, self.state)

    def run(self) -> None:
        while not self.state.finished(self.settings):
            try:
                self.train_epoch()
                self.close_epoch()
            except DivergedError as error:
                self.roll_back(error)
        self.pause()

    def train_epoch(self) -> None:
        """Take the steps that are left of the epoch in progress."""
        state, settings = self.state, self.settings
        images = order(settings.seed, state.epoch, len(self.train))
        mark = time.perf_counter()
        for x, y in batches(self.train, images, settings.batch_size, first=state.batch):
            pausing = self.interrupted() or self.due()
            self.step(x, y, watched=pausing or self.on_cpu or state.step % CHECK_EVERY == 0)
            state.seconds += time.perf_counter() - mark
            self.log.step(state, self.so_far)
            if pausing:
                self.pause()
            mark = time.perf_counter()

    def step(self, x: Tensor, y: Tensor | None, watched: bool) -> None:
        """One batch: evidence, loss, gradient, and the step it points to."""
        running, state = self.running, self.state
        state.beta = self.objective.beta_at(state.epoch, state.step + 1)
        evidence, loss = self.forward(x, y)
        loss.backward()
        running.meter.add(loss, evidence, running.clip())
        if watched and not running.meter.finite():
            self.diverge(divergence.find(running.model, x, evidence, loss, lambda: self.forward(x, y)))
        running.update(self.learning_rate())

    def close_epoch(self) -> None:
        """Validate, judge, report, and stand at the start of the next epoch."""
        running, state = self.running, self.state
        self.check()
        with running.evaluating():
            record = self.measure()
            loss = record["loss" if self.validation is None else "validation_loss"]
            if not math.isfinite(loss):
                self.diverge(divergence.Cause("validation_loss", ""))
            if state.judge(loss, self.objective.settled(state.epoch, state.step)):
                running.keep()
            self.report(record)
        running.next_epoch()
        if self.settings.on_divergence == "rollback":
            self.save()

    # ------------------------------------------------------------------------------------- its parts

    @property
    def on_cpu(self) -> bool:
        return self.running.device.type == "cpu"

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Evidence, Tensor]:
        low = self.settings.precision == "bfloat16"
        with torch.autocast(self.running.device.type, torch.bfloat16, enabled=low):
            evidence = self.running.model.evidence(x, y, self.objective.samples)
            return evidence, self.objective.loss(evidence, self.state.beta)

    def learning_rate(self) -> float:
        state, steps = self.state, self.settings.epochs * self.per_epoch
        return learning_rate(self.settings, state.epoch, state.step + 1, steps) * 0.5**state.rollbacks

    def so_far(self) -> Record:
        """The line of metrics of the epoch in progress, as yet without validation."""
        state, meter = self.state, self.running.meter
        return {
            "epoch": state.epoch,
            "step": state.step,
            **meter.means(self.bound),
            "beta": state.beta,
            "learning_rate": state.learning_rate,
            "images_per_second": meter.images / max(state.seconds, 1e-9),
            "seconds": state.seconds,
        }

    def measure(self) -> Record:
        """The whole line of metrics."""
        record, began = self.so_far(), time.perf_counter()
        if self.validation is None:
            return record
        size, seed = self.settings.batch_size, stream(self.settings.seed, "validation", self.state.epoch)
        held_out = validate(self.running.model, self.objective, self.validation, size, seed, self.bound)
        return {**record, "seconds": record["seconds"] + time.perf_counter() - began, **held_out}

    def report(self, record: Record) -> None:
        lines.append(self.directory / METRICS, record)
        self.log.epoch(record)
        if self.after_epoch is not None:
            with seeded(stream(self.settings.seed, "after epoch", self.state.epoch)):
                self.after_epoch(record)

    # --------------------------------------------------------------------------- saving and going back

    def due(self) -> bool:
        """Whether the step about to be taken is one to save after."""
        steps = self.settings.checkpoint_steps
        late = time.monotonic() - self.saved >= self.settings.checkpoint_seconds
        return late or (steps is not None and (self.state.step + 1) % steps == 0)

    def save(self) -> None:
        self.checkpoints.save(self.state, self.running.tensors())
        self.saved = time.monotonic()

    def pause(self) -> None:
        """Save, and stop here if a signal came."""
        self.check()
        self.save()
        if self.interrupted():
            raise InterruptedRun(
                f"interrupted at epoch {self.state.epoch}, step {self.state.step}; "
                f"continue with: vaekit train --resume {self.directory}"
            )

    def return_to(self, checkpoint: Checkpoint | None) -> None:
        """Stand where a checkpoint was written, or at the start; what was written down later is forgotten."""
        if checkpoint is not None:
            self.running.restore(checkpoint)
        state = self.state
        lines.trim(self.directory / METRICS, lambda record: record["epoch"] < state.epoch)
        lines.trim(self.directory / EVENTS, lambda record: record["rollbacks"] <= state.rollbacks)
        if checkpoint is None:
            self.save()
        self.saved = time.monotonic()

    def roll_back(self, error: DivergedError) -> None:
        """Go on from the start of the epoch with half the learning rate, if the settings want it."""
        good = self.checkpoints.newest(starts_epoch=True)
        if self.settings.on_divergence != "rollback" or good is None:
            raise error
        if good.state.rollbacks >= ROLLBACKS:
            raise DivergedError(
                f"{error}; gave up after halving the learning rate {ROLLBACKS} times"
            ) from error
        event = {
            "event": "rollback",
            "epoch": self.state.epoch,
            "step": self.state.step + 1,
            "reason": str(error),
        }
        self.return_to(good)
        self.state.rollbacks += 1
        lines.append(self.directory / EVENTS, {**event, "rollbacks": self.state.rollbacks})
        self.save()
        self.log.note(f"{error}; back to the start of epoch {self.state.epoch} with half the learning rate")

    def check(self) -> None:
        """Nothing that is not finite is ever saved."""
        if not self.running.finite():
            self.diverge(divergence.Cause("gradient", divergence.weight(self.running.model)))

    def diverge(self, cause: divergence.Cause) -> None:
        """Raise what there is to say.

        Raises:
            DivergedError: always.
        """
        raise DivergedError(divergence.message(cause, self.state, self.settings, self.checkpoints.last()))
