"""The loop: batch, evidence, loss, gradient, step; a line of metrics an epoch; a checkpoint now and then.

It knows the objective and the device, and of the model only that it gives `ELBOTerms`. Everything random is a
function of the seed and the position, or is in the checkpoint, so a training killed at any moment and
continued ends, bit for bit on the CPU, as one that was never interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import DivergedError, InterruptedRun
from vaekit.models.elbo import ELBOTerms
from vaekit.models.masking import fill_missing
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.training import divergence
from vaekit.training.batches import ImageSource, iterate_batches, observed_mask
from vaekit.training.compile import CompiledStep
from vaekit.training.display import SilentLogger, TrainingLogger
from vaekit.training.locking import catch_signals, lock_directory
from vaekit.training.metrics import validate
from vaekit.training.optimizer import learning_rate
from vaekit.training.position import Position
from vaekit.training.recorder import RunRecorder
from vaekit.training.settings import TrainingSettings
from vaekit.training.train_state import TrainState
from vaekit.utils.random import derive_seed, epoch_order, seeded

CHECK_EVERY = 50  # steps between two looks at numbers that another device computes

Record = dict[str, Any]


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        epochs, steps: that were done.
        best_epoch: whose weights the model has now.
        best: its loss on the validation images, in nats; None without any, or where warm-up never ended.
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
    train: ImageSource,
    validation: ImageSource | None,
    settings: TrainingSettings,
    directory: Path,
    *,
    resume: bool = False,
    after_epoch: Callable[[Record], None] | None = None,
    log: TrainingLogger | None = None,
    bound: bool = True,
) -> FitResult:
    """Train a model, and leave it in evaluation mode with the best weights.

    Args:
        model: on the device of the images, with its first weights.
        objective: what is minimized.
        train, validation: the images.
        settings: all else.
        directory: of the run; what is written there, `ledger.py` says.
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
    log = log or SilentLogger()
    running = TrainState(model, settings)
    ledger = RunRecorder(directory, running, settings, log.note)
    with (
        lock_directory(directory),
        seeded(derive_seed(settings.seed, "noise")),
        catch_signals() as interrupted,
    ):
        ledger.begin(resume)
        loop = _Loop(
            running, objective, train, validation, settings, ledger, log, interrupted, bound, after_epoch
        )
        log.start(settings.epochs, loop.batches, running.state)
        try:
            loop.run()
        finally:
            log.stop()
    running.use_best()
    state = running.state
    return FitResult(state.epoch - 1, state.step, state.best_epoch, state.best, state.impatient(settings))


@dataclass
class _Loop:
    running: TrainState
    objective: Objective
    train: ImageSource
    validation: ImageSource | None
    settings: TrainingSettings
    ledger: RunRecorder
    log: TrainingLogger
    interrupted: Callable[[], bool]
    bound: bool
    after_epoch: Callable[[Record], None] | None

    def run(self) -> None:
        while not self.state.finished(self.settings):
            try:
                self.train_epoch()
                self.close_epoch()
            except DivergedError as error:
                self.ledger.roll_back(error)
        self.pause()

    def train_epoch(self) -> None:
        """Take the steps that are left of the epoch in progress."""
        state, settings, mark = self.state, self.settings, time.perf_counter()
        images = epoch_order(settings.seed, state.epoch, len(self.train))
        for x, y in iterate_batches(self.train, images, settings.batch_size, first=state.batch):
            pausing = self.interrupted() or self.ledger.due()
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
        elbo_terms_, loss = self.forward(x, y)
        loss.backward()
        norm = running.norm()
        running.meter.add(loss, elbo_terms_, norm)
        if watched and not running.meter.finite():
            known, again = (
                fill_missing(x) if self.train.has_missing else x,
                lambda: self.terms(x, y, state.beta),
            )
            self.diverge(divergence.find_cause(running.model, known, elbo_terms_, loss, again))
        running.update(self.learning_rate(), norm)

    def close_epoch(self) -> None:
        """Validate, judge, report, and stand at the start of the next epoch."""
        running, state = self.running, self.state
        self.check()
        with running.evaluating():
            record = self.measure()
            loss = record["loss" if self.validation is None else "validation_loss"]
            if not math.isfinite(loss):
                self.diverge(divergence.Cause("validation_loss", ""))
            kept = state.judge(loss, self.comparable())
            if kept:
                running.keep()
            self.report({**record, "is_best": kept})
        running.next_epoch()
        if self.settings.on_nan == "rollback":
            self.ledger.save()

    def pause(self) -> None:
        """Save, and stop here if a signal came."""
        self.check()
        self.ledger.save()
        if self.interrupted():
            epoch = min(self.state.epoch, self.settings.epochs)
            raise InterruptedRun(
                f"interrupted at epoch {epoch}, step {self.state.step}; "
                f"continue with: vaekit train --resume {self.ledger.directory}"
            )

    # ------------------------------------------------------------------------------------- its parts

    @property
    def state(self) -> Position:
        return self.running.state

    @property
    def batches(self) -> int:
        return math.ceil(len(self.train) / self.settings.batch_size)

    @property
    def on_cpu(self) -> bool:
        return self.running.device.type == "cpu"

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[ELBOTerms, Tensor]:
        if self.compiled is None:
            return self.terms(x, y, self.state.beta)
        return self.compiled(
            x, y, torch.tensor(self.state.beta, device=x.device)
        )  # a number would be built in

    @cached_property
    def compiled(self) -> CompiledStep | None:
        return CompiledStep(self.terms, self.running.device, self.log.note) if self.settings.compile else None

    def terms(self, x: Tensor, y: Tensor | None, beta: float | Tensor) -> tuple[ELBOTerms, Tensor]:
        low = self.settings.precision == "bfloat16"
        with torch.autocast(self.running.device.type, torch.bfloat16, enabled=low):
            elbo_terms_ = self.running.model.elbo_terms(
                x, y, self.objective.samples, mask=observed_mask(self.train, x)
            )
            return elbo_terms_, self.objective.loss(elbo_terms_, beta)

    def learning_rate(self) -> float:
        state, steps = self.state, self.settings.epochs * self.batches
        return learning_rate(self.settings, state.epoch, state.step + 1, steps) * 0.5**state.rollbacks

    def comparable(self) -> bool:
        """Whether epochs can be told better or worse: by held-out images at the final beta, after warm-up.

        The loss of training is at the beta of its epoch, which a schedule changes; there the latest counts.
        """
        return self.validation is not None and self.objective.is_warmed_up(self.state.epoch, self.state.step)

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
        size, seed = self.settings.batch_size, derive_seed(self.settings.seed, "validation")
        held_out = validate(self.running.model, self.objective, self.validation, size, seed, self.bound)
        return {**record, "seconds": record["seconds"] + time.perf_counter() - began, **held_out}

    def report(self, record: Record) -> None:
        self.ledger.close_epoch(record)
        self.log.epoch(record)
        if self.after_epoch is not None:
            with seeded(derive_seed(self.settings.seed, "after epoch", self.state.epoch)):
                self.after_epoch(record)

    def check(self) -> None:
        """Nothing that is not finite is ever saved."""
        if not self.running.finite():
            self.diverge(divergence.Cause("gradient", divergence.nonfinite_weight(self.running.model)))

    def diverge(self, cause: divergence.Cause) -> None:
        """Raise what there is to say.

        Raises:
            DivergedError: always.
        """
        raise DivergedError(divergence.divergence_message(cause, self.state, self.settings, self.ledger.last))
