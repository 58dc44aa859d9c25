"""What a run directory says about where it was trained, and whether an attempt before this one was lost.

    job.json    token, executor, host, attempts

A scheduler may run a job twice: when its worker died, or when the job was requeued. All attempts of one job
have the same token, so the second one finds that of the first, and goes on from its checkpoint.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from vaekit.errors import VaekitError
from vaekit.training.locking import lock_directory
from vaekit.utils.io import to_json, write_whole

NAME = "job.json"
ORPHAN_SECONDS = 90.0  # time for a lost process to save its checkpoint and to let the directory go


def begin_attempt(directory: Path, token: str, executor: str, resume: bool) -> bool:
    """Prepare a run directory for an attempt to train in it.

    Args:
        directory: of the run; what another job left there is deleted, unless `resume`.
        token: of the job; empty for one that is never tried twice.
        executor: where it runs, for the record.
        resume: continue the run that is there.

    Returns:
        Whether there is a run to continue.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "run"
    >>> begin_attempt(folder, "one", "local", resume=False), read_job(folder)["attempts"]
    (False, 1)
    >>> _ = (folder / "recipe.yaml").write_text("")
    >>> begin_attempt(folder, "one", "local", resume=False), read_job(folder)["attempts"]
    (True, 2)
    """
    before = read_job(directory)
    again = bool(token) and before.get("token") == token
    if again:
        _wait_for_lock(directory)
    elif directory.exists() and not resume:
        shutil.rmtree(directory)
    content = {
        "token": token,
        "executor": executor,
        "host": socket.gethostname(),
        "attempts": int(before.get("attempts", 0)) + 1 if again else 1,
    }
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / NAME, to_json(content).encode())
    return (resume or again) and (directory / "recipe.yaml").is_file()


def read_job(directory: Path) -> dict[str, Any]:
    """What job.json says; empty without one.

    >>> read_job(Path("nowhere"))
    {}
    """
    try:
        found = json.loads((directory / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def describe_place(directory: Path) -> str:
    """The executor and the host that trained a run, in words; empty if it was a process of this machine.

    >>> describe_place(Path("nowhere"))
    ''
    """
    found = read_job(directory)
    if found.get("executor", "local") == "local":
        return ""
    attempts = found.get("attempts", 1)
    return f"{found['executor']} on {found.get('host', '?')}" + (
        f", {attempts} attempts" if attempts != 1 else ""
    )


def _wait_for_lock(directory: Path) -> None:
    """Wait until a process that lost its scheduler has saved its checkpoint."""
    end = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            with lock_directory(directory):
                return
        except VaekitError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
