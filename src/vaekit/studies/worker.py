"""A worker process: run jobs of a study, one after the other.

A worker reads one line of JSON per job and answers with lines of JSON: its progress, and how the job ended.
One worker runs many jobs, because importing torch takes as long as training a small model. Its stdout carries
only these lines; everything else that is printed goes to stderr.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from vaekit.errors import InterruptedRun, VaekitError
from vaekit.training.display import Record, RunningMeans, SilentLogger
from vaekit.training.position import Position
from vaekit.utils.cpu import keep_freed_memory
from vaekit.utils.interrupt import stop_on_signals

if TYPE_CHECKING:
    from vaekit.config.schema.recipe import Recipe

REPORT_SECONDS = 0.5  # least time between two reports of progress
INTERNAL = 1  # exit code of an error that is not a VaekitError

ReportProgress = Callable[[float, str], None]  # share of the work done (0..1), and a text


class Job(NamedTuple):
    """A job of a worker, in plain values.

    Attributes:
        number: identifies the job in the answers of the worker.
        step: "train", "resume" or "measure".
        recipe: the resolved recipe.
        directory: the run directory.
        evaluate: keyword arguments of `Run.evaluate`.
        token: the same for all attempts of a job; empty if there is one only.
        executor: where it runs, for the record.
        rung: the run's place in a sweep with successive halving, as in `vaekit.studies.halving.Rung`.

    >>> Job(0, "measure", {}, "runs/x", {"samples": 5}).step
    'measure'
    """

    number: int
    step: str
    recipe: dict[str, Any]
    directory: str
    evaluate: dict[str, Any]
    token: str = ""
    executor: str = "local"
    rung: tuple[str, int, int] | None = None


class ProgressLogger(SilentLogger):
    """Report the progress of training, at most twice per second.

    Args:
        report: called with the share of epochs done (0..1) and a text.

    >>> ProgressLogger(print).epoch({"epoch": 1, "loss": 2.0})
    1.0 epoch 1/1 loss 2.00
    """

    def __init__(self, report: ReportProgress):
        self._report, self._last = report, 0.0
        self._epochs = self._batches = 1
        self._loss = ""

    def start(self, epochs: int, batches: int, state: Position) -> None:
        self._epochs, self._batches = epochs, batches

    def step(self, state: Position, so_far: RunningMeans) -> None:
        if time.monotonic() - self._last >= REPORT_SECONDS:
            self._last = time.monotonic()
            done = (state.epoch - 1 + state.batch / self._batches) / self._epochs
            self._report(done, f"epoch {min(state.epoch, self._epochs)}/{self._epochs}{self._loss}")

    def epoch(self, record: Record) -> None:
        loss = record.get("validation_loss", record["loss"])
        self._loss = f" loss {loss:.2f}"
        self._report(record["epoch"] / self._epochs, f"epoch {record['epoch']}/{self._epochs}{self._loss}")


def run_job(job: Job, report: ReportProgress) -> None:
    """Train the run of a job, from the start or from its checkpoint, and measure it.

    Raises:
        VaekitError: from `train`, `resume` or `Run.evaluate`.

    >>> run_job(Job(0, "measure", {}, "nowhere", {}), print)
    Traceback (most recent call last):
    vaekit.errors.NotFoundError: ...
    """
    from vaekit.config.loading import parse_recipe
    from vaekit.runs.run import Run

    recipe = parse_recipe(job.recipe, trust=True)  # the study names it, so its code is trusted from here on
    if job.step != "measure":
        _train(job, recipe, ProgressLogger(report))
    done = 0

    def report_images(images: int, total: int) -> None:
        nonlocal done
        done += images
        report(1.0, f"measuring {done}/{total} images")

    Run(job.directory).evaluate(**job.evaluate, progress=report_images)


def try_job(job: Job, report: ReportProgress) -> tuple[int, str]:
    """Run a job; return its exit code and the reason of its failure, (0, "") if it finished.

    >>> try_job(Job(0, "measure", {}, "nowhere", {}), print)[0]
    4
    """
    try:
        run_job(job, report)
    except InterruptedRun:
        raise
    except VaekitError as error:
        return error.exit_code, str(error)
    except Exception as error:
        return INTERNAL, f"internal error: {type(error).__name__}: {error}"
    return 0, ""


def serve(threads: int, orders: Iterable[str], answers: IO[str]) -> None:
    """Run the jobs that arrive, one line each, until the input ends.

    Args:
        threads: number of threads of torch.
        orders: lines of JSON, one `Job` each.
        answers: receives lines of JSON.

    >>> import io
    >>> serve(1, io.StringIO('[0, "measure", {}, "nowhere", {}]'), sys.stdout)
    {"number": 0, "code": 4, "failure": ...}
    """
    import torch

    torch.set_num_threads(threads)

    def answer(number: int, **content: Any) -> None:
        print(json.dumps({"number": number, **content}), file=answers, flush=True)

    def progress(number: int, share: float, text: str) -> None:
        answer(number, share=share, text=text)

    for order in orders:
        job = Job(*json.loads(order))
        code, failure = try_job(job, partial(progress, job.number))
        answer(job.number, code=code, failure=failure)


def main(orders: Iterable[str] | None = None) -> None:
    """Run jobs; the arguments of the process are the number of threads and the command line of the study.

    Args:
        orders: the jobs; default: those on stdin.

    >>> import io
    >>> from unittest.mock import patch
    >>> job = io.StringIO('[0, "measure", {}, "nowhere", {}]')
    >>> with patch.multiple(sys, argv=["worker", "1", "vaekit"], stdin=job, stdout=sys.stdout):
    ...     main()
    {"number": 0, "code": 4, "failure": ...}
    """
    threads, sys.argv = int(sys.argv[1]), sys.argv[2:]
    answers, sys.stdout = sys.stdout, sys.stderr
    keep_freed_memory()
    try:
        serve(threads, orders or sys.stdin, answers)
    except (InterruptedRun, KeyboardInterrupt, BrokenPipeError):
        sys.exit(InterruptedRun.exit_code)


def _train(job: Job, recipe: Recipe, log: ProgressLogger) -> None:
    from vaekit.runs import train
    from vaekit.runs.run import Run
    from vaekit.studies.attempts import begin_attempt
    from vaekit.studies.halving import Halving, Rung

    directory = Path(job.directory)
    called = [Halving(Rung(*job.rung))] if job.rung else []
    if not begin_attempt(directory, job.token, job.executor, job.step == "resume"):
        train.train(recipe, run_dir=directory, figures=False, callbacks=called, log=log)
    elif not (job.token and Run(directory, trust=True).finished):
        train.resume(directory, figures=False, callbacks=called, log=log, trust=True)


def _read_ahead(stream: IO[str]) -> Iterator[str]:
    """The lines of a stream; when it ends, the process ends, too, since nobody is left to work for.

    A job that runs saves its checkpoint first.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


if __name__ == "__main__":
    stop_on_signals()
    if hasattr(signal, "SIGUSR2"):  # by which Slurm says that the time is nearly up
        signal.signal(signal.SIGUSR2, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))
    main(_read_ahead(sys.stdin))
