"""Start a command in several processes of this machine, by torchrun's own engine.

`vaekit train --processes 4 mnist` is `torchrun --nproc-per-node=4 -m vaekit train mnist`, with one line where
a process fails, and with the exit code of one process.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from vaekit.errors import VaekitError

SAVING = 60  # seconds that the processes have to save their state after Ctrl-C
SILENT = "ERROR"


def launch(words: Sequence[str], processes: int, max_restarts: int = 0) -> int:
    """Run `vaekit` with these words in several processes that form a group.

    Args:
        words: the command line after `vaekit`.
        processes: their number.
        max_restarts: how often all of them are started again after one failed.

    Returns:
        The exit code: that of the process that failed first, or 0.

    Raises:
        VaekitError: a process was killed.
        KeyboardInterrupt: a signal came before training began.

    >>> launch(["--version"], processes=1)
    0
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="vaekit-") as folder:
        file = Path(folder) / "run"
        os.environ |= {"VAEKIT_LAUNCH_FILE": str(file), "TORCH_CPP_LOG_LEVEL": SILENT}
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // processes)))
        settings = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=processes, run_id=uuid4().hex, max_restarts=max_restarts,
            rdzv_backend="c10d", rdzv_endpoint="localhost:0", logs_specs=DefaultLogsSpecs(),
            monitor_interval=0.2, local_addr="localhost",
        )  # fmt: skip
        os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(SAVING))
        try:
            elastic_launch(settings, sys.executable)("-u", "-m", "vaekit", *words)
        except SignalException:
            if not file.exists():
                raise KeyboardInterrupt from None
            return 130  # rank 0 said how to go on
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if failure.exitcode > 0:
                return failure.exitcode  # its message is on stderr
            raise VaekitError(_killed(rank, processes, -failure.exitcode, file)) from None
        finally:
            del os.environ["VAEKIT_LAUNCH_FILE"]
    return 0


def note_run(directory: Path) -> None:
    """Tell the parent of the processes where the run is, for its messages."""
    if file := os.environ.get("VAEKIT_LAUNCH_FILE"):
        Path(file).write_text(str(directory))


def _killed(rank: int, processes: int, number: int, file: Path) -> str:
    name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
    memory = ", maybe by the system for lack of memory" if name == "SIGKILL" else ""
    run = file.read_text() if file.exists() else ""
    go_on = (
        f"; nothing is lost up to the last checkpoint; continue with: vaekit train --processes {processes} "
        f"--resume {run}"
        if run
        else "; start it again"
    )
    return f"rank {rank} of {processes} was killed ({name}{memory}){go_on}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
