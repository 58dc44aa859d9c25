"""Run the tasks of a study, several at a time, each in a worker process.

A small model trains more efficiently on one core than on two. So the workers share the cores, and each runs
one job after the other. A run that fails or diverges does not stop the others. A worker that is killed, for
example because memory ran out, is replaced, and its job is tried again from its checkpoint. On the first
Ctrl-C or SIGTERM, every worker saves its checkpoint and stops.

`vaekit.studies.dispatch` runs the tasks on other machines.
"""

from __future__ import annotations

import os
import queue
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from vaekit.errors import InterruptedRun
from vaekit.runs.run import Run
from vaekit.studies.dispatch import dispatch
from vaekit.studies.display import StudyDisplay
from vaekit.studies.execution import Execution
from vaekit.studies.halving import begin_halving
from vaekit.studies.pending import JobResults, pending_jobs
from vaekit.studies.plan import Task
from vaekit.studies.worker import INTERNAL, Job, try_job
from vaekit.studies.worker_process import Answer, WorkerProcess
from vaekit.training.locking import catch_signals

MAX_JOBS = 4


def run_tasks(
    tasks: Sequence[Task], display: StudyDisplay, how: Execution | None = None, folder: Path = Path()
) -> JobResults:
    """Do what is left of all tasks, and return how each ended.

    Args:
        tasks: of a study.
        display: receives the progress.
        how: where they run, and how many at once; default: on this machine.
        folder: of the study.

    Returns:
        The exit code and the reason of failure of each task, by its number; (0, "") if it finished.

    Raises:
        InterruptedRun: a signal arrived; checkpoints are saved.

    >>> from vaekit.studies.display import SilentDisplay
    >>> run_tasks([], SilentDisplay())
    {}
    """
    how = how or Execution()
    how.check()
    results, pending = pending_jobs(tasks, display.note, how.resume)
    if how.halving is not None and pending:
        pending = _with_rungs(pending, tasks, results, folder, how.halving)
    names = [tasks[job.number].name for job in pending]
    display.begin(names)
    try:
        if how.executor != "local":
            return results | dispatch(pending, names, folder, how, display)
        count = min(how.jobs or min(os.cpu_count() or 1, MAX_JOBS), len(pending))
        if count <= 1:
            return results | _run_in_process(pending, display)
        return results | WorkerPool(pending, count, display, how.retries).run()
    finally:
        display.close()


def _with_rungs(
    jobs: Sequence[Job], tasks: Sequence[Task], results: JobResults, folder: Path, factor: int
) -> list[Job]:
    """The jobs, each with its place in a sweep with successive halving."""
    finished = [Run(tasks[number].directory).metrics for number, (code, _) in results.items() if code == 0]
    rungs = begin_halving(folder, finished, len(jobs), factor)
    return [
        job._replace(rung=(rung.journal, rung.trial, rung.factor))
        for job, rung in zip(jobs, rungs, strict=True)
    ]


def _run_in_process(jobs: Sequence[Job], display: StudyDisplay) -> JobResults:
    """Run jobs one after the other in this process."""
    results: JobResults = {}
    for place, job in enumerate(jobs):
        results[job.number] = try_job(job, partial(display.progress, place))
        display.end(place, results[job.number][1])
    return results


class WorkerPool:
    """Worker processes that share the jobs and the cores.

    Args:
        jobs: jobs to run.
        count: number of processes.
        display: receives the progress.
        retries: how often a job is tried again whose process died.

    >>> from vaekit.studies.display import SilentDisplay
    >>> WorkerPool([], 2, SilentDisplay()).run()
    {}
    """

    def __init__(self, jobs: Sequence[Job], count: int, display: StudyDisplay, retries: int = 0):
        self.jobs = [job._replace(token=uuid.uuid4().hex) for job in jobs]
        self.count, self.display, self.retries = count, display, retries
        self.lost: Counter[int] = Counter()  # how often each was lost
        self.waiting = deque(range(len(jobs)))
        self.answers: queue.Queue[tuple[WorkerProcess, Answer | None]] = queue.Queue()
        self.workers: list[WorkerProcess] = []
        self.results: JobResults = {}

    def run(self) -> JobResults:
        """Run all jobs.

        Raises:
            InterruptedRun: a signal arrived.
        """
        with catch_signals() as interrupted:
            try:
                self._start_workers()
                while len(self.results) < len(self.jobs):
                    self._handle_answer(interrupted)
            finally:
                self._stop_workers()
        return self.results

    def _start_workers(self) -> None:
        """Start workers until there are enough for the waiting jobs."""
        while self.waiting and len(self.workers) < self.count:
            worker = WorkerProcess(max(1, (os.cpu_count() or 1) // self.count), self.answers)
            self.workers.append(worker)
            self._assign(worker)

    def _assign(self, worker: WorkerProcess) -> None:
        if self.waiting:
            place = self.waiting.popleft()
            worker.start(place, self.jobs[place])

    def _handle_answer(self, interrupted: Callable[[], bool]) -> None:
        """Wait for one answer and handle it."""
        if interrupted():
            raise InterruptedRun("interrupted")
        try:
            worker, answer = self.answers.get(timeout=0.2)
        except queue.Empty:
            return
        if answer is None:
            self._replace(worker)
        elif "code" in answer:
            self._finish(worker, answer["code"], answer["failure"])
            self._assign(worker)
        elif worker.place is not None:
            self.display.progress(worker.place, answer["share"], answer["text"])

    def _finish(self, worker: WorkerProcess, code: int, failure: str) -> None:
        assert worker.place is not None
        self.results[self.jobs[worker.place].number] = (code, failure)
        self.display.end(worker.place, failure)
        worker.place = None

    def _replace(self, worker: WorkerProcess) -> None:
        """Start another worker in place of one that was killed."""
        self.workers.remove(worker)
        place = worker.place
        if place is not None:
            failure = f"its process died (exit code {worker.process.wait()}), possibly because memory ran out"
            if self.lost[place] < self.retries:
                self.lost[place] += 1
                self.waiting.appendleft(place)
                self.display.note(f"{self.jobs[place].directory}: {failure}; it is tried again")
            else:
                self._finish(worker, INTERNAL, f"{failure}; use --jobs 1")
        self._start_workers()

    def _stop_workers(self) -> None:
        """Stop all workers; those in training save a checkpoint first."""
        if len(self.results) < len(self.jobs):
            self.display.note("stopping")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.wait()
