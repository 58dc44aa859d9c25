"""Give the jobs of a study to an executor, follow them, and try lost ones again.

What comes back is a run directory: on a shared file system it is there already, else it comes packed with the
outcome of the job. Progress is read from the metrics of the runs.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from vaekit.errors import InterruptedRun, VaekitError, first_line
from vaekit.studies.display import StudyDisplay
from vaekit.studies.execution import Execution
from vaekit.studies.executors import OpenExecutor, open_executor
from vaekit.studies.pending import JobResults
from vaekit.studies.remote import Order, Outcome, pack, run_remotely, unpack
from vaekit.studies.worker import INTERNAL, Job
from vaekit.studies.worker_process import STOP_SECONDS
from vaekit.training.locking import catch_signals

POLL_SECONDS = 1.0
LOST = (INTERNAL, InterruptedRun.exit_code)  # exit codes of jobs that may succeed when they are tried again


def dispatch(
    jobs: Sequence[Job], names: Sequence[str], folder: Path, how: Execution, display: StudyDisplay
) -> JobResults:
    """Run jobs by an executor.

    Args:
        jobs: what to run.
        names: of the jobs, for messages.
        folder: of the study, in which the run directories are.
        how: the executor.
        display: receives the progress.

    Returns:
        The exit code and the reason of failure of each job, by its number.

    Raises:
        InterruptedRun: a signal arrived; checkpoints are saved.
        VaekitError: the executor cannot be used.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from vaekit.studies.display import SilentDisplay
    >>> dispatch([], [], Path("x"), Execution(executor=ThreadPoolExecutor(1)), SilentDisplay())
    {}
    """
    if not jobs:
        return {}
    with open_executor(how, folder, display.note) as opened, Witness(folder) as witness:
        return Dispatcher(jobs, names, witness, how, opened, display).run()


class Witness:
    """A file in the folder of a study. A machine that sees it shares the folder; when it is gone, jobs stop.

    Args:
        folder: of the study.

    >>> import tempfile
    >>> with Witness(Path(tempfile.mkdtemp())) as witness:
    ...     witness.file.read_text() == witness.token
    True
    """

    def __init__(self, folder: Path):
        self.token = uuid.uuid4().hex
        self.file = folder.absolute() / f".{self.token}"

    def __enter__(self) -> Witness:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.token)
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Delete the file, which stops jobs that share the folder."""
        self.file.unlink(missing_ok=True)


class Dispatcher:
    """Jobs on their way: waiting, running, and ended.

    Args:
        jobs, names, how, display: as for `dispatch`.
        witness: of the folder.
        opened: the executor.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        names: Sequence[str],
        witness: Witness,
        how: Execution,
        opened: OpenExecutor,
        display: StudyDisplay,
    ):
        executor = how.executor if isinstance(how.executor, str) else type(how.executor).__name__
        self.jobs = [
            job._replace(
                directory=str(Path(job.directory).absolute()), token=uuid.uuid4().hex, executor=executor
            )
            for job in jobs
        ]
        self.names, self.witness, self.how, self.opened = names, witness, how, opened
        self.display = display
        self.waiting = deque(range(len(jobs)))
        self.running: dict[Future, int] = {}
        self.lost = [0] * len(jobs)  # how often each was lost
        self.packed: dict[int, bytes] = {}  # run directories that must be sent along
        self.results: JobResults = {}

    def run(self) -> JobResults:
        """Run all jobs.

        Raises:
            InterruptedRun: a signal arrived.
        """
        with catch_signals() as interrupted:
            try:
                while len(self.results) < len(self.jobs):
                    self._step(interrupted)
            except BaseException:
                self._stop()
                raise
        return self.results

    def _step(self, interrupted: Callable[[], bool]) -> None:
        """Submit what may run, and wait a moment for the end of a job."""
        if interrupted():
            raise InterruptedRun("interrupted")
        while self.waiting and len(self.running) < (self.how.jobs or len(self.jobs)):
            self._submit(self.waiting.popleft())
        for future in wait(self.running, POLL_SECONDS, FIRST_COMPLETED).done:
            self._end(self.running.pop(future), _outcome(future))
        for place in self.running.values():
            self._show_progress(place)

    def _submit(self, place: int) -> None:
        order = Order(
            self.jobs[place],
            str(self.witness.file),
            self.witness.token,
            self.packed.get(place),
            tuple(sys.argv),
        )
        try:
            self.running[self.opened.executor.submit(run_remotely, order)] = place
        except RuntimeError as error:  # the executor was closed
            raise VaekitError(f"the executor takes no more jobs: {first_line(error)}") from error

    def _end(self, place: int, outcome: Outcome) -> None:
        """Take what came back from a job, and try it again if it was lost."""
        job = self.jobs[place]
        if outcome.lacks_files:
            self.packed[place] = pack(Path(job.directory))
            self.waiting.append(place)
            return
        if outcome.packed is not None:
            unpack(outcome.packed, Path(job.directory))
        if outcome.code in LOST and self.lost[place] < self.how.retries:
            self.lost[place] += 1
            self.waiting.append(place)
            self.display.note(f"{self.names[place]}: {outcome.failure}; it is tried again")
            return
        self.results[job.number] = (outcome.code, outcome.failure)
        self.display.end(place, outcome.failure)

    def _show_progress(self, place: int) -> None:
        """Show how many epochs a job has done, where its run directory can be read."""
        job = self.jobs[place]
        try:
            done = (Path(job.directory) / "metrics.jsonl").read_bytes().count(b"\n")
        except OSError:
            return
        epochs = job.recipe["training"]["epochs"]
        self.display.progress(place, min(done / epochs, 1.0), f"epoch {min(done, epochs)}/{epochs}")

    def _stop(self) -> None:
        """Stop all jobs; those in training save a checkpoint first."""
        self.display.note("stopping")
        self.witness.remove()
        self.opened.stop(self.witness.token)
        end = time.monotonic() + STOP_SECONDS
        while self.running and time.monotonic() < end:
            for future in wait(self.running, POLL_SECONDS, FIRST_COMPLETED).done:
                place, outcome = self.running.pop(future), _outcome(future)
                if outcome.packed is not None:
                    unpack(outcome.packed, Path(self.jobs[place].directory))


def _outcome(future: Future) -> Outcome:
    """What came of a job; one that raised an error was lost, since jobs catch their own."""
    try:
        return future.result()
    except BaseException as error:
        reason = f"it was lost ({type(error).__name__}: {first_line(error)})"
        return Outcome(INTERNAL, reason, "")
