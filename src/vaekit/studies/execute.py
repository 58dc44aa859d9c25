"""Tasks become finished runs: what is finished already is kept, the rest is done, several at a time.

A small model fills one core better than two, so each worker process has its share of the cores and trains
one run after the other. A run that fails or diverges does not stop the others.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from vaekit.studies.display import Display
from vaekit.studies.plan import Task
from vaekit.studies.pool import Pool
from vaekit.studies.todo import Ends, sort
from vaekit.studies.worker import Job, Tell, ended

MOST_JOBS = 4


def execute(tasks: Sequence[Task], display: Display, jobs: int | None = None, resume: bool = False) -> Ends:
    """Bring all tasks to their end.

    Args:
        jobs: how many at once; as many as there are cores, four at most, if not given.
        resume: go on with what was interrupted instead of training it anew.

    Returns:
        For each task by its place, the exit code and words of its fault; 0 and none where it is finished.

    Raises:
        InterruptedRun: a signal came; what was trained is saved.
    """
    ends, open_jobs = sort(tasks, display.note, resume)
    jobs = min(jobs or min(os.cpu_count() or 1, MOST_JOBS), len(open_jobs))
    display.begin([tasks[job.number].name for job in open_jobs])
    try:
        done = _here(open_jobs, display) if jobs <= 1 else Pool(open_jobs, jobs, display).run()
    finally:
        display.close()
    return ends | done


def _here(jobs: Sequence[Job], display: Display) -> Ends:
    """Do jobs one after the other, in this process."""
    ends: Ends = {}
    for place, job in enumerate(jobs):
        ends[job.number] = ended(job, _teller(display, place))
        display.end(place, ends[job.number][1])
    return ends


def _teller(display: Display, place: int) -> Tell:
    return lambda share, text: display.progress(place, share, text)
