"""Tasks become finished runs: what is finished already is kept, the rest is done, several at a time.

A small model fills one core better than two, so each worker process has its share of the cores and trains
one run after the other. A run that fails or diverges does not stop the others.

Worker processes that share jobs and cores.

A worker that is killed, as the system does when memory runs out, is replaced, and its job counts as failed.
A first Ctrl-C, or SIGTERM, lets every worker save and stop.

What of a study is left to do: nothing for what is finished, as it was asked for, from the same data.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import vaekit
from vaekit.config.build import build_data
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.trained_model import fingerprint
from vaekit.errors import InterruptedRun, VaekitError
from vaekit.runs.run import Run
from vaekit.runs.train import with_absolute_paths
from vaekit.studies.display import StudyDisplay
from vaekit.studies.plan import Task
from vaekit.studies.worker import Job, Tell, ended
from vaekit.training.locking import catch_signals, lock_directory

MOST_JOBS = 4


def execute(
    tasks: Sequence[Task], display: StudyDisplay, jobs: int | None = None, resume: bool = False
) -> Ends:
    """Bring all tasks to their end.

    Args:
        jobs: how many at once; as many as there are cores, four at most, if not given.
        resume: go on with what was interrupted instead of training it anew.

    Returns:
        For each task by its place, the exit code and words of its fault; 0 and none where it is finished.

    Raises:
        InterruptedRun: a signal came; what was trained is saved.
    """
    ends, open_jobs = sort_tasks(tasks, display.note, resume)
    jobs = min(jobs or min(os.cpu_count() or 1, MOST_JOBS), len(open_jobs))
    display.begin([tasks[job.number].name for job in open_jobs])
    try:
        done = _here(open_jobs, display) if jobs <= 1 else WorkerPool(open_jobs, jobs, display).run()
    finally:
        display.close()
    return ends | done


def _here(jobs: Sequence[Job], display: StudyDisplay) -> Ends:
    """Do jobs one after the other, in this process."""
    ends: Ends = {}
    for place, job in enumerate(jobs):
        ends[job.number] = ended(job, _teller(display, place))
        display.end(place, ends[job.number][1])
    return ends


def _teller(display: StudyDisplay, place: int) -> Tell:
    return lambda share, text: display.progress(place, share, text)


PATIENCE = 60.0  # seconds that a worker has to save and stop


class WorkerProcess:
    """A process that does jobs; what it says comes into a queue.

    Args:
        threads: it computes with.
        said: where its answers go, each with itself; None for its end.
    """

    def __init__(self, threads: int, said: queue.Queue[tuple[WorkerProcess, dict[str, Any] | None]]):
        self.place: int | None = None  # of the job it is busy with
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vaekit.studies.worker", str(threads), *sys.argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(), **_apart(),
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()

    def do(self, place: int, job: Job) -> None:
        """Begin a job."""
        assert self.process.stdin is not None
        self.place = place
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # it died; `said` tells
            pass

    def stop(self) -> None:
        """Let it save what it trains, and end."""
        if self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Until it has ended; not for ever."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _listen(self, said: queue.Queue[tuple[WorkerProcess, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.put((self, json.loads(line)))
        said.put((self, None))


class WorkerPool:
    """Worker processes that share the jobs and the cores.

    Args:
        jobs: to be done.
        count: of processes.
        display: is told.
    """

    def __init__(self, jobs: Sequence[Job], count: int, display: StudyDisplay):
        self.jobs, self.count, self.display = jobs, count, display
        self.waiting = deque(range(len(jobs)))
        self.said: queue.Queue[tuple[WorkerProcess, dict[str, Any] | None]] = queue.Queue()
        self.workers: list[WorkerProcess] = []
        self.ends: Ends = {}

    def run(self) -> Ends:
        """Do all jobs.

        Raises:
            InterruptedRun: a signal came.
        """
        with catch_signals() as interrupted:
            try:
                self._employ()
                while len(self.ends) < len(self.jobs):
                    self._hear(interrupted)
            finally:
                self._dismiss()
        return self.ends

    def _employ(self) -> None:
        """As many workers as there is work for."""
        while self.waiting and len(self.workers) < self.count:
            worker = WorkerProcess(max(1, (os.cpu_count() or 1) // self.count), self.said)
            self.workers.append(worker)
            self._give(worker)

    def _give(self, worker: WorkerProcess) -> None:
        if self.waiting:
            place = self.waiting.popleft()
            worker.do(place, self.jobs[place])

    def _hear(self, interrupted: Callable[[], bool]) -> None:
        """Take in one answer."""
        if interrupted():
            raise InterruptedRun("interrupted")
        try:
            worker, answer = self.said.get(timeout=0.2)
        except queue.Empty:
            return
        if answer is None:
            self._died(worker)
        elif "code" in answer:
            self._end(worker, answer["code"], answer["error"])
            self._give(worker)
        elif worker.place is not None:
            self.display.progress(worker.place, answer["share"], answer["text"])

    def _end(self, worker: WorkerProcess, code: int, fault: str) -> None:
        assert worker.place is not None
        self.ends[self.jobs[worker.place].number] = (code, fault)
        self.display.end(worker.place, fault)
        worker.place = None

    def _died(self, worker: WorkerProcess) -> None:
        """Another worker takes the place of one that was killed, as the system does when memory runs out."""
        self.workers.remove(worker)
        if worker.place is not None:
            code = worker.process.wait()
            self._end(
                worker, 1, f"its process died (exit code {code}), perhaps for want of memory; use --jobs 1"
            )
        self._employ()

    def _dismiss(self) -> None:
        """End all workers; those that train save first."""
        if len(self.ends) < len(self.jobs):
            self.display.note("stopping")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.wait()


def _environment() -> dict[str, str]:
    """That of this process, with this very package found first."""
    home = str(Path(vaekit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def _apart() -> dict[str, Any]:
    """A group of its own, so that Ctrl-C comes to a worker once, and from us."""
    return {"process_group": 0} if os.name == "posix" else {}


Ends = dict[int, tuple[int, str]]
Note = Callable[[str], None]

_WITHOUT_EFFECT = {"device", "threads", "pictures", "checkpoint_seconds", "checkpoint_steps", "tensorboard"}


def sort_tasks(tasks: Sequence[Task], note: Note, resume: bool) -> tuple[Ends, list[Job]]:
    """The ends of those tasks that are finished or cannot begin, and jobs for the others."""
    ends: Ends = {}
    open_jobs: list[Job] = []
    _looked_up.cache_clear()
    for number, task in enumerate(tasks):
        try:
            step = _step(task, note, resume)
        except VaekitError as error:
            ends[number] = (error.exit_code, str(error))
            continue
        if step is None:
            ends[number] = (0, "")
        else:
            recipe, evaluate = (
                with_absolute_paths(task.recipe).model_dump(mode="json"),
                task.evaluate.options(),
            )
            open_jobs.append(Job(number, step, recipe, str(task.directory), evaluate))
    return ends, open_jobs


def _step(task: Task, note: Note, resume: bool) -> str | None:
    """Where a task has to begin; None where nothing is left to do.

    Raises:
        VaekitError: its data cannot be had, or another process trains there.
    """
    data = _data(with_absolute_paths(task.recipe).data.model_dump_json())
    if not (task.directory / "recipe.yaml").is_file():
        return "train"
    with lock_directory(task.directory):
        run = Run(task.directory)
    if (reason := _changed(run, task, data[0])) is not None:
        note(f"{task.name}: {reason}, so it is trained anew")
        return "train"
    if not run.finished:
        note(f"{task.name}: was interrupted, and {'goes on' if resume else 'is trained anew'}")
        return "resume" if resume else "train"
    return None if _is_measured(run, task, data[1]) else "measure"


def _changed(run: Run, task: Task, data: str) -> str | None:
    """What differs between what is in a run's directory and what is wanted; None where nothing does."""
    try:
        same = essence(run.recipe) == essence(with_absolute_paths(task.recipe))
    except VaekitError:
        same = False
    if not same:
        return "its recipe changed"
    return None if run.environment.get("data") == data else "its data changed"


def essence(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe has a say in the numbers."""
    tree = recipe.model_dump(exclude={"name", "title", "reference"})
    tree["training"] = {key: value for key, value in tree["training"].items() if key not in _WITHOUT_EFFECT}
    return tree


def _is_measured(run: Run, task: Task, sizes: dict[str, int]) -> bool:
    """Whether the run was evaluated as is wanted."""
    wanted, size = task.evaluate, sizes[task.evaluate.split]
    protocol = {
        "samples": wanted.samples,
        "split": wanted.split,
        "images": min(wanted.images or size, size),
    }
    try:
        found = json.loads((run.path / "evaluation.json").read_text(encoding="utf-8"))
        scored = not wanted.quality or found["quality"]["images"] == _scored(wanted.quality, sizes)
        return scored and all(found[key] == value for key, value in protocol.items())
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _scored(wanted: int, sizes: dict[str, int]) -> int:
    """How many samples are compared with as many training and held-out images."""
    return min(wanted, sizes["train"], sizes["test"] or sizes["validation"])


def _data(spec: str) -> tuple[str, dict[str, int]]:
    """The fingerprint of data, and how many images each part has.

    Raises:
        VaekitError: they cannot be had.
    """
    found = _looked_up(spec)
    if isinstance(found, VaekitError):
        raise found
    return found


@cache
def _looked_up(spec: str) -> tuple[str, dict[str, int]] | VaekitError:
    """The same, or why not: to find that there is no network takes seconds, and many runs may ask."""
    try:
        dataset, splits = build_data(DataSettings.model_validate_json(spec))
    except VaekitError as error:
        return error
    return fingerprint(dataset), {name: len(part) for name, part in vars(splits).items()}
