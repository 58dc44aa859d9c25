"""One task of a study, trained and measured; and a process that does one after the other.

A worker reads a line of JSON for each task and answers with lines of JSON: how far it is, and how it ended.
It is used for many tasks, since to import torch takes as long as a small training. Its standard output
belongs to these lines; whatever else is printed goes to stderr.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from vaekit.errors import InterruptedRun, VaekitError
from vaekit.training.display import Record, RunningMeans, SilentLogger
from vaekit.training.position import Position
from vaekit.utils.cpu import keep_freed_memory

EVERY = 0.5  # seconds between two words on progress
INTERNAL = 1

Tell = Callable[[float, str], None]


class Job(NamedTuple):
    """What a worker is told to do, in plain values.

    Attributes:
        number: by which its answers are known.
        step: "train", "resume" or "measure".
        recipe: resolved.
        directory: of the run.
        evaluate: options of `Run.evaluate`.
    """

    number: int
    step: str
    recipe: dict[str, Any]
    directory: str
    evaluate: dict[str, Any]


class Reporting(SilentLogger):
    """A training log that says how far a training is, a share of 1 and in words.

    Args:
        tell: is told so, not more often than twice a second.
    """

    def __init__(self, tell: Tell):
        self._tell, self._last = tell, 0.0
        self._epochs = self._batches = 1
        self._loss = ""

    def start(self, epochs: int, batches: int, state: Position) -> None:
        self._epochs, self._batches = epochs, batches

    def step(self, state: Position, so_far: RunningMeans) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            done = (state.epoch - 1 + state.batch / self._batches) / self._epochs
            self._tell(done, f"epoch {min(state.epoch, self._epochs)}/{self._epochs}{self._loss}")

    def epoch(self, record: Record) -> None:
        loss = record.get("validation_loss", record["loss"])
        self._loss = f" loss {loss:.2f}"
        self._tell(record["epoch"] / self._epochs, f"epoch {record['epoch']}/{self._epochs}{self._loss}")


def carry_out(job: Job, tell: Tell) -> None:
    """Train what a job says, from the start or where it was left, and measure it.

    Raises:
        VaekitError: as `launch.train`, `launch.resume` and `Run.evaluate` do.
    """
    from vaekit.runs.run import Run

    if job.step != "measure":
        _train(job, Reporting(tell))
    done = 0

    def measured(images: int, of: int) -> None:
        nonlocal done
        done += images
        tell(1.0, f"measuring {done}/{of} images")

    Run(job.directory).evaluate(**job.evaluate, progress=measured)


def ended(job: Job, tell: Tell) -> tuple[int, str]:
    """The exit code and the words with which a job ended: 0 and none if all is well."""
    try:
        carry_out(job, tell)
    except InterruptedRun:
        raise
    except VaekitError as error:
        return error.exit_code, str(error)
    except Exception as error:
        return INTERNAL, f"internal error: {type(error).__name__}: {error}"
    return 0, ""


def serve(threads: int, orders: IO[str], answers: IO[str]) -> None:
    """Do the jobs that come, a line each, until there are no more."""
    import torch

    torch.set_num_threads(threads)

    def say(number: int, **words: Any) -> None:
        print(json.dumps({"number": number, **words}), file=answers, flush=True)

    def progress(number: int, share: float, text: str) -> None:
        say(number, share=share, text=text)

    for order in orders:
        job = Job(*json.loads(order))
        code, fault = ended(job, partial(progress, job.number))
        say(job.number, code=code, error=fault)


def main() -> None:
    """The entry point of a process; its arguments: threads, and the command line that it is part of."""
    threads, sys.argv = int(sys.argv[1]), sys.argv[2:]
    answers, sys.stdout = sys.stdout, sys.stderr
    keep_freed_memory()
    try:
        serve(threads, sys.stdin, answers)
    except (InterruptedRun, KeyboardInterrupt, BrokenPipeError):
        sys.exit(InterruptedRun.exit_code)


def _train(job: Job, log: Reporting) -> None:
    from vaekit.config.loading import parse_recipe
    from vaekit.runs import train

    if job.step == "resume":
        train.resume(job.directory, figures=False, log=log)
        return
    if Path(job.directory).exists():
        shutil.rmtree(job.directory)
    train.train(parse_recipe(job.recipe), run_dir=job.directory, figures=False, log=log)


if __name__ == "__main__":
    main()
