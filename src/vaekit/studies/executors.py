"""Executors: where the jobs of a study run, as `concurrent.futures` sees them.

    slurm    `submitit`: one job of Slurm per run; its folder must be on a shared file system
    dask     `dask.distributed`: a task per run on the workers of a scheduler

`vaekit.studies.dispatch` needs two things of an executor: `submit`, and a way to stop what runs.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.errors import InvalidError, VaekitError, first_line
from vaekit.studies.execution import Execution, require
from vaekit.studies.remote import stop_all

POLL_SECONDS = 1.0  # between two looks for results
ASK_SECONDS = 10.0  # between two questions to Slurm
CONNECT_SECONDS = 20


class OpenExecutor(NamedTuple):
    """An executor that accepts jobs.

    Attributes:
        executor: submits jobs.
        stop: tells the jobs of a study, given its token, to save their checkpoints and stop.

    >>> OpenExecutor._fields
    ('executor', 'stop')
    """

    executor: Executor
    stop: Callable[[str], Any]


@contextmanager
def open_executor(how: Execution, folder: Path, note: Callable[[str], None]) -> Iterator[OpenExecutor]:
    """Inside the block, the executor that was asked for.

    Args:
        how: which one, and its options.
        folder: of the study; Slurm's files go there.
        note: called with a line for the user.

    Raises:
        VaekitError: its package is missing, or the scheduler cannot be reached.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with open_executor(Execution(executor=ThreadPoolExecutor(1)), Path("x"), print) as opened:
    ...     opened.executor.submit(len, "abc").result()
    3
    """
    if isinstance(how.executor, Executor):
        yield OpenExecutor(how.executor, stop_all)
    elif how.executor == "slurm":
        slurm = SubmititExecutor(folder / ".slurm", **how.job_options)
        try:
            yield OpenExecutor(slurm, slurm.cancel)
        finally:
            slurm.shutdown()
    else:
        with _dask_client(str(how.scheduler)) as client:
            if not client.scheduler_info()["workers"]:
                note(f"no worker yet; start some: dask worker {how.scheduler} --nthreads 1")
            try:
                executor = client.get_executor(pure=False, **how.job_options)
            except TypeError as error:
                raise InvalidError(f"--job-option: {first_line(error)}") from None
            yield OpenExecutor(executor, lambda token: client.run(stop_all, token, on_error="ignore"))


@contextmanager
def _dask_client(address: str) -> Iterator[Any]:
    distributed = require("distributed", "Dask", "dask")
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise VaekitError(
            f"--scheduler {address}: no Dask scheduler answers ({first_line(error)}); "
            "start one with: dask scheduler"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=5)


class SubmititExecutor(Executor):
    """Jobs of Slurm, or other jobs that submitit starts, as futures.

    Args:
        folder: for the files of submitit, on a file system that the nodes share.
        cluster: `slurm`; `local` starts processes on this machine.
        parameters: of `submitit.AutoExecutor.update_parameters`.

    Raises:
        VaekitError: submitit is missing, there is no Slurm, or a parameter is wrong.
    """

    def __init__(self, folder: Path, cluster: str = "slurm", **parameters: Any):
        submitit = require("submitit", "submitit", "slurm")
        try:
            self._executor = submitit.AutoExecutor(folder=folder.absolute(), cluster=cluster)
            if cluster == "slurm":
                parameters = {"timeout_min": 24 * 60, **parameters}
            self._executor.update_parameters(name="vaekit", **parameters)
        except (RuntimeError, NameError, TypeError, ValueError, AssertionError, OSError) as error:
            raise VaekitError(f"--executor slurm: {first_line(error)}") from None
        self._is_slurm = cluster == "slurm"
        self._active: dict[Any, Future] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> Future:
        """Submit a job.

        Raises:
            VaekitError: Slurm refuses it.
        """
        future: Future = Future()
        future.set_running_or_notify_cancel()
        try:
            job = self._executor.submit(fn, *args, **options)
        except Exception as error:
            raise VaekitError(f"--executor slurm: {type(error).__name__}: {first_line(error)}") from None
        self._active[job] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Follow the jobs no longer; those that run go on."""
        self._closed.set()

    def cancel(self, token: str = "") -> None:
        """Cancel all jobs; Slurm lets them save their checkpoints."""
        for job in list(self._active):
            job.cancel(check=False)

    def _follow(self) -> None:
        """Pass the results of jobs on.

        `squeue` is asked, not the accounts that submitit asks, since not every Slurm keeps them.
        """
        asked, gone = 0.0, set[Any]()
        while not self._closed.wait(POLL_SECONDS):
            for job, future in list(self._active.items()):
                if job.paths.result_pickle.exists():
                    _pass_on(job, self._active.pop(job))
                elif job in gone:
                    future.set_exception(RuntimeError(f"job {job.job_id} ended without a result"))
                    del self._active[job]
            if (
                self._active and time.monotonic() - asked > ASK_SECONDS
            ):  # a result may arrive a moment after the job has ended
                asked, gone = time.monotonic(), self._ended_jobs()

    def _ended_jobs(self) -> set[Any]:
        """The active jobs that are neither running nor waiting any more."""
        jobs = list(self._active)
        if not self._is_slurm:
            return {job for job in jobs if job.done()}
        command = ["squeue", "--noheader", "--format=%A", "--user", str(os.getuid())]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            return set()  # the controller does not answer at the moment
        return {job for job in jobs if job.job_id not in found.stdout.split()}


def _pass_on(job: Any, future: Future) -> None:
    try:
        future.set_result(job.result())
    except BaseException as error:
        future.set_exception(error)
