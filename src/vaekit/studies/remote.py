"""One job of a study on another machine: what Slurm, Dask or any other executor calls there.

The job runs in a process of its own, since trainings that share a process would share their random numbers,
and since a signal makes a process save its checkpoint and stop. Where the study's folder is not on a
shared file system, the run is made in a temporary folder, and comes back packed.
"""

from __future__ import annotations

import io
import os
import queue
import socket
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vaekit
from vaekit.errors import InterruptedRun
from vaekit.studies.worker import INTERNAL, Job
from vaekit.studies.worker_process import WorkerProcess

POLL_SECONDS = 2.0  # between two looks at the witness

_ACTIVE: dict[WorkerProcess, str] = {}  # the processes of jobs that run, and the tokens of their studies
_STOPPED: set[str] = set()  # tokens of studies that were stopped


@dataclass(frozen=True)
class Order:
    """What is sent to another machine.

    Attributes:
        job: what to run.
        witness, token: a file of the study's folder and its content. A machine that sees it shares the
            folder, and stops the job when it is gone.
        packed: the run directory so far, where it cannot be read there.
        argv: the command line of the study.
        version: of vaekit.

    >>> Order(Job(0, "train", {}, "runs/x", {}), "runs/.witness", "abc").packed is None
    True
    """

    job: Job
    witness: str
    token: str
    packed: bytes | None = None
    argv: tuple[str, ...] = ()
    version: str = vaekit.__version__


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        code, failure: exit code and reason; (0, "") if it finished.
        host: where it ran.
        packed: the run directory, if it is not on a shared file system.
        lacks_files: the run directory must be sent along.

    >>> Outcome(0, "", "host").packed is None
    True
    """

    code: int
    failure: str
    host: str
    packed: bytes | None = None
    lacks_files: bool = False


def run_remotely(order: Order) -> Outcome:
    """Run a job in a process of its own, and wait for it.

    >>> run_remotely(Order(Job(0, "measure", {}, "nowhere", {}), "nowhere", "", version="0")).code
    1
    """
    host = socket.gethostname()
    if order.version != vaekit.__version__:
        failure = f"{host} has vaekit {vaekit.__version__}; install {order.version}, as where the study runs"
        return Outcome(INTERNAL, failure, host)
    if order.token in _STOPPED:
        return Outcome(InterruptedRun.exit_code, "the study was stopped", host)
    if _is_shared(order):
        return Outcome(*_run_process(order, order.job, Path(order.witness)), host)
    if order.job.step != "train" and order.packed is None:
        return Outcome(INTERNAL, f"{order.job.directory} is not on {host}", host, lacks_files=True)
    with tempfile.TemporaryDirectory(prefix="vaekit-") as folder:
        directory = Path(folder) / "run"
        if order.packed is not None:
            unpack(order.packed, directory)
        code, failure = _run_process(order, order.job._replace(directory=str(directory)))
        return Outcome(code, failure, host, pack(directory) if directory.is_dir() else None)


def stop_all(token: str) -> None:
    """Tell the jobs of a study that run in this process to save their checkpoints and stop; no more start.

    >>> stop_all("of no study")
    """
    _STOPPED.add(token)
    for worker, study in list(_ACTIVE.items()):
        if study == token:
            worker.stop()


def pack(directory: Path) -> bytes:
    """A directory as an uncompressed tar archive.

    >>> directory = Path(tempfile.mkdtemp())
    >>> _ = (directory / "recipe.yaml").write_text("name: x")
    >>> unpack(pack(directory), directory / "copy")
    >>> (directory / "copy" / "recipe.yaml").read_text()
    'name: x'
    """
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(directory, arcname=".", filter=lambda member: None if _is_private(member) else member)
    return content.getvalue()


def unpack(packed: bytes, directory: Path) -> None:
    """Write what `pack` returned into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(directory, filter="data")


def _is_private(member: tarfile.TarInfo) -> bool:
    """Whether a file belongs to a process, not to the run."""
    return Path(member.name).name in (".lock", ".pid")


def _is_shared(order: Order) -> bool:
    try:
        return Path(order.witness).read_text() == order.token
    except OSError:
        return False


def _run_process(order: Order, job: Job, witness: Path | None = None) -> tuple[int, str]:
    """Run a job in a new process; its exit code and the reason of its failure."""
    answers: queue.Queue[Any] = queue.Queue()
    worker = WorkerProcess(int(os.environ.get("SLURM_CPUS_PER_TASK", "1")), answers, order.argv)
    _ACTIVE[worker] = order.token
    try:
        worker.start(0, job)
        while (answer := _next_answer(answers)) is not None:
            if "code" in answer:
                return answer["code"], answer["failure"]
            if witness is not None and not witness.exists():
                worker.stop()
        code = worker.process.wait()
        if code == InterruptedRun.exit_code:
            return code, "a signal stopped it; its checkpoint is saved"
        return INTERNAL, f"its process died (exit code {code}), possibly because memory ran out"
    finally:
        _ACTIVE.pop(worker)
        worker.stop()
        worker.wait()


def _next_answer(answers: queue.Queue[Any]) -> dict[str, Any] | None:
    """The next line of a process; empty if none comes for a while, None if it ended."""
    try:
        return answers.get(timeout=POLL_SECONDS)[1]
    except queue.Empty:
        return {}
