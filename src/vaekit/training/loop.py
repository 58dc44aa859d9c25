"""The training loop: batch, terms of the bound, loss, gradient, step.

It knows the objective and the device, and of the model only that it returns `ELBOTerms`. Once per epoch it
validates and writes one line of metrics; every few seconds it saves a checkpoint.

Everything random is either a function of the seed and the position or part of the checkpoint. A training that
is killed at any moment and resumed therefore ends, bit for bit on the CPU, like one that was never
interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel

from vaekit.errors import DivergedError, InterruptedRun, VaekitError
from vaekit.models.masking import fill_missing
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.parallel.model import WholeBatch
from vaekit.parallel.processes import current
from vaekit.training import divergence
from vaekit.training.accumulation import Batches, check_accumulation, iterate_steps
from vaekit.training.batches import ImageSource, epoch_visits
from vaekit.training.callbacks import Callbacks, Training
from vaekit.training.display import SilentLogger, TrainingLogger
from vaekit.training.freezing import frozen
from vaekit.training.locking import catch_signals, shared_lock
from vaekit.training.metrics import validate
from vaekit.training.optimizer import learning_rate
from vaekit.training.recorder import RunRecorder
from vaekit.training.settings import TrainingSettings
from vaekit.training.step import TermsAndLoss, fast_step
from vaekit.training.train_state import TrainState
from vaekit.utils.random import derive_seed, seeded

START_MARGIN = 0.3  # nats, the deviation over rows of what training changes in the bound
CHECK_EVERY = 50  # steps between two checks for finite numbers on a GPU, because each check waits for it

Record = dict[str, Any]


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        epochs, steps: the numbers of epochs and steps that were done.
        best_epoch: the epoch of the weights that the model has now.
        best: its validation loss in nats; None without validation images, or if warm-up never ended.
        stopped_early: whether early stopping ended the training.
        stopped: why a callback ended it; empty if none did.

    >>> FitResult(epochs=10, steps=150, best_epoch=8, best=97.2, stopped_early=False).best_epoch
    8
    """

    epochs: int
    steps: int
    best_epoch: int
    best: float | None
    stopped_early: bool
    stopped: str = ""


def fit(
    model: VAE,
    objective: Objective,
    train: ImageSource,
    validation: ImageSource | None,
    settings: TrainingSettings,
    directory: Path,
    *,
    resume: bool = False,
    past_stop: bool = False,
    callbacks: Sequence[Any] = (),
    log: TrainingLogger | None = None,
    bound: bool = True,
    facts: Mapping[str, str] | None = None,
    recipe: Mapping[str, Any] | None = None,
    logs: Path | None = None,
) -> FitResult:
    """Train a model, and leave it in evaluation mode with its best weights.

    Args:
        model: the model with its initial weights, on the device of the images.
        objective: what is minimized.
        train, validation: the images; `validation` may be None.
        settings: all other settings.
        directory: the run directory; `vaekit.training.recorder` lists the files in it.
        resume: continue from the newest checkpoint, or start if there is none.
        past_stop: continue also where a callback stopped the training.
        callbacks: what is called during training; see `vaekit.training.callbacks`.
        log: reports the progress; silent by default.
        bound: whether the posterior has a density. That of an autoencoder has none, so its KL is undefined.
        facts: what the training belongs to, such as digests of its recipe and its data, for the checkpoints.
        recipe: the resolved recipe, for callbacks.
        logs: where loggers write; the run directory if None.

    Returns:
        How the training ended.

    Raises:
        DivergedError: the loss or the gradient is not finite.
        InterruptedRun: a signal came; the state was saved.
        InvalidError: the checkpoint belongs to another model, all checkpoints are damaged, or the settings do
            not suit the objective.
        VaekitError: another process trains in the directory, or it cannot be written. Or a callback raised
            an error; the state was saved.

    >>> import tempfile
    >>> import numpy as np
    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> from vaekit.data import load_dataset, observe
    >>> images = observe(load_dataset("digits"), np.arange(8), "dynamic", training=True)
    >>> model = build_model(load_recipe("digits").model, images.shape)
    >>> settings = TrainingSettings(epochs=1, batch_size=4)
    >>> fit(model, Objective(), images, None, settings, Path(tempfile.mkdtemp())).steps
    2
    """
    processes = current()
    log = (log or SilentLogger()) if processes.is_first else SilentLogger()
    if warning := check_accumulation(objective, settings, model):
        log.note(warning)
    with (
        frozen(model, settings.freeze),
        shared_lock(directory, processes),
        seeded(derive_seed(settings.seed, "noise")),
        catch_signals() as received,
    ):
        interrupted = lambda: processes.any(received())
        state = TrainState(model, settings)
        training = Training(state, directory, recipe or {}, logs=logs)
        called = Callbacks(callbacks, training, processes)
        recorder = RunRecorder(directory, state, settings, log.note, facts, called, processes)
        recorder.start(resume)
        if past_stop and state.position.stopped:
            state.position.stopped = ""
            recorder.save()
        parts = WholeBatch(model, processes)
        loop = _Loop(
            state, objective, train, validation, settings, recorder, log, interrupted, bound, called, parts
        )
        training.means = loop.running_means
        log.start(settings.epochs, loop.batches_per_epoch, state.position)
        try:
            loop.run()
        finally:
            log.stop()
        if interrupted():
            raise InterruptedRun(f"interrupted; continue with: vaekit train --resume {directory}")
    end = state.position
    if end.stopped:
        log.note(f"stopped after {end.epoch - 1} epochs by {end.stopped}")
    return FitResult(
        end.epoch - 1, end.step, end.best_epoch, end.best, end.stops_early(settings), end.stopped
    )


@dataclass
class _Loop:
    state: TrainState
    objective: Objective
    train: ImageSource
    validation: ImageSource | None
    settings: TrainingSettings
    recorder: RunRecorder
    log: TrainingLogger
    interrupted: Callable[[], bool]
    bound: bool
    callbacks: Callbacks
    parts: WholeBatch

    def run(self) -> None:
        """All that is left of the training, between the first and the last call of the callbacks."""
        try:
            self.callbacks.start()
            self.run_epochs()
            self.state.load_best()
        except BaseException as error:
            with suppress(VaekitError):  # the first error says more
                self.callbacks.end(error)
            raise
        self.callbacks.end(None)

    def run_epochs(self) -> None:
        if self.settings.keep_start and self.state.position.step == 0:
            self.record_start()
        while not self.state.position.is_finished(self.settings):
            try:
                self.train_epoch()
                self.end_epoch()
            except DivergedError as error:
                self.recorder.roll_back(error)
        self.save_checkpoint()

    def record_start(self) -> None:
        """Let the initial weights be the best so far, as those of epoch 0.

        An epoch must be better by more than chance: few validation rows would else prefer weights that
        overfit to the closed form that training starts from.
        """
        state = self.state
        if self.validation is None or not self.losses_are_comparable():
            return
        with state.eval_mode():
            loss = self.held_out(self.validation)["validation_loss"]
            if loss is not None and math.isfinite(loss):
                state.position.best = loss - START_MARGIN / math.sqrt(len(self.validation))
                state.save_best()

    def train_epoch(self) -> None:
        """Take the remaining steps of the current epoch."""
        state, settings, start = self.state, self.settings, time.perf_counter()
        position, on_cpu = state.position, state.device.type == "cpu"
        if position.stopped:  # in a step of this epoch, which its end follows
            return
        size, accumulate = settings.batch_size, settings.accumulate
        order = epoch_visits(self.train, settings.seed, position.epoch)
        rows_of = self.parts.rows_of
        for n, batches in iterate_steps(self.train, order, size, accumulate, position.batch, rows_of):
            saving = self.interrupted() or self.recorder.checkpoint_due()
            self.step(n, batches, check=saving or on_cpu or position.step % CHECK_EVERY == 0)
            position.seconds += time.perf_counter() - start
            self.log.step(position, self.running_means)
            self.call_step()
            if saving:
                self.save_checkpoint()
            if position.stopped:
                break
            start = time.perf_counter()

    def step(self, n: int, batches: Batches, check: bool) -> None:
        """One step of the optimizer: for each batch the terms of the bound, the loss and its gradient."""
        state, position, seen = self.state, self.state.position, 0
        position.beta = self.objective.beta_at(position.epoch, position.step + 1)
        norm = None
        size, compiled = self.settings.batch_size, self.settings.compile
        for x, y in batches:
            batch = self.parts.shard(min(size, n - seen))
            # beta as a tensor: a Python number would be compiled into the function
            beta = torch.tensor(position.beta, device=x.device) if compiled else position.beta
            with self.without_exchange(seen + batch.n < n):
                terms, loss = self.fast_step(x, y, beta, batch)
                (loss if batch.n == n else loss * (batch.n / n)).backward()
            seen += batch.n
            norm = state.grad_norm() if seen == n else None
            state.meter.update(loss, terms, norm)
            if check and not state.meter.is_finite():
                known = fill_missing(x) if self.train.has_missing else x
                again = partial(self.terms_and_loss, x, y, position.beta, batch)
                self.raise_diverged(divergence.find_cause(state.model, known, terms, loss, again))
        state.step(self.learning_rate(), norm)

    def end_epoch(self) -> None:
        """Validate, record the loss, report, and move to the next epoch."""
        state = self.state
        self.check_finite()
        with state.eval_mode():
            record = self.epoch_record()
            loss = record["loss" if self.validation is None else "validation_loss"]
            if not math.isfinite(loss):
                self.raise_diverged(divergence.Cause("validation_loss", ""))
            is_best = state.position.record_loss(loss, self.losses_are_comparable())
            if is_best:
                state.save_best()
            failure = self.report({**record, "is_best": is_best})
        state.next_epoch()
        if self.settings.on_nan == "rollback":
            self.recorder.save()
        if failure is not None:
            self.fail(failure)

    def call_step(self) -> None:
        """Call the callbacks after a step."""
        try:
            self.callbacks.step()
        except VaekitError as failure:
            self.fail(failure)

    def fail(self, failure: VaekitError) -> None:
        """Save the state, and raise the error of a callback.

        Raises:
            VaekitError: always.
        """
        self.save_checkpoint()
        raise VaekitError(
            f"{failure}; the state is saved; continue with: vaekit train --resume "
            f"{self.recorder.directory}, and with training.callbacks=FILE.py:NAME if you change them"
        ) from failure

    def save_checkpoint(self) -> None:
        """Save a checkpoint, and stop here if a signal came."""
        self.check_finite()
        self.recorder.save()
        if self.interrupted():
            epoch = min(self.state.position.epoch, self.settings.epochs)
            raise InterruptedRun(
                f"interrupted at epoch {epoch}, step {self.state.position.step}; "
                f"continue with: vaekit train --resume {self.recorder.directory}"
            )

    # ------------------------------------------------------------------------------- parts of a step

    @property
    def batches_per_epoch(self) -> int:
        return math.ceil(len(self.train) / (self.settings.batch_size * self.settings.accumulate))

    @cached_property
    def terms_and_loss(self) -> TermsAndLoss:
        return TermsAndLoss(self.objective, self.train, self.settings, self.parts)

    @cached_property
    def fast_step(self) -> Callable[..., Any]:
        return fast_step(self.terms_and_loss, self.settings, self.parts, self.log.note)

    def without_exchange(self, more: bool) -> AbstractContextManager[Any]:
        """Inside the block, gradients stay in their process, because more batches of the step follow."""
        step = self.fast_step
        return step.no_sync() if more and isinstance(step, DistributedDataParallel) else nullcontext()

    def learning_rate(self) -> float:
        position, steps = self.state.position, self.settings.epochs * self.batches_per_epoch
        rate = learning_rate(self.settings, position.epoch, position.step + 1, steps)
        return rate * 0.5**position.rollbacks

    # ------------------------------------------------------------------------------ parts of an epoch

    def losses_are_comparable(self) -> bool:
        """Whether losses of different epochs can be compared: on validation images at the final beta.

        The training loss uses the beta of its epoch, which a schedule changes.
        """
        position = self.state.position
        return self.validation is not None and self.objective.is_warmed_up(position.epoch, position.step)

    def running_means(self) -> Record:
        """The record of the current epoch so far, without validation."""
        position, meter = self.state.position, self.state.meter
        return {
            "epoch": position.epoch,
            "step": position.step,
            **meter.means(self.bound),
            "beta": position.beta,
            "learning_rate": position.learning_rate,
            "images_per_second": meter.images / max(position.seconds, 1e-9),
            "seconds": position.seconds,
        }

    def epoch_record(self) -> Record:
        """The complete record of the epoch, with validation."""
        record, start = self.running_means(), time.perf_counter()
        if self.validation is None:
            return record
        held_out = self.held_out(self.validation)
        return {**record, "seconds": record["seconds"] + time.perf_counter() - start, **held_out}

    def held_out(self, images: ImageSource) -> Record:
        """The record of the validation images, with the same random numbers in each epoch."""
        size, seed = self.settings.batch_size, derive_seed(self.settings.seed, "validation")
        return validate(self.state.model, self.objective, images, size, seed, self.bound, self.parts)

    def report(self, record: Record) -> VaekitError | None:
        """Write and show the record of the epoch, and call the callbacks; return the error of one."""
        self.recorder.write_metrics(record)
        self.log.epoch(record)
        try:
            self.callbacks.end_epoch(record)
        except VaekitError as error:
            return error
        return None

    def check_finite(self) -> None:
        """Raise if the state is not finite, so that it is never saved."""
        if not self.state.is_finite():
            weight = divergence.nonfinite_weight(self.state.model)
            self.raise_diverged(divergence.Cause("gradient", weight))

    def raise_diverged(self, cause: divergence.Cause) -> None:
        """Raise `DivergedError` with the cause, the last good checkpoint, and what to change."""
        good = self.recorder.newest_checkpoint
        raise DivergedError(divergence.divergence_message(cause, self.state.position, self.settings, good))
