"""Where a computation runs: the device, the threads of the CPU, the precision, and a record of all of it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import vaekit
from vaekit.errors import InvalidError
from vaekit.utils.contention import shorter_spins_under_contention


def available_devices() -> list[str]:
    """The devices of this machine, the fastest first.

    >>> available_devices()[-1]
    'cpu'
    """
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*gpus, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The torch device of a name.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto" for the fastest device.

    Raises:
        InvalidError: this machine has no such device.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    here = available_devices()
    wanted = {"auto": here[0], "cuda": "cuda:0"}.get(name, name)
    if wanted not in here:
        raise InvalidError(f"device: {name!r} is not available; expected one of auto, {', '.join(here)}")
    return torch.device(wanted)


def to_float32(x: Tensor) -> Tensor:
    """`x` in float32 if autocast made it bfloat16 or float16; otherwise `x` itself.

    Scales, log-densities and sums need the precision that autocast takes away.

    >>> to_float32(torch.ones(2, dtype=torch.bfloat16)).dtype
    torch.float32
    >>> to_float32(torch.ones(2, dtype=torch.float64)).dtype
    torch.float64
    """
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


@contextmanager
def cpu_settings(threads: int | None = None) -> Iterator[None]:
    """Inside the block, set the number of threads of torch, flush denormal numbers to zero, and share cores.

    The moments of Adam decay to denormal numbers for a pixel that is always black, and the CPU computes with
    them slowly. Threads spin less while other programs want their cores (`vaekit.utils.contention`). All is
    restored after the block.

    Args:
        threads: the number of threads; None keeps the current number.

    >>> with cpu_settings(threads=1):
    ...     torch.get_num_threads()
    1
    """
    flushed_before = (torch.tensor(2e-38) / 4).item() == 0.0
    before = torch.get_num_threads(), flushed_before
    torch.set_num_threads(threads or before[0])
    torch.set_flush_denormal(True)
    try:
        with shorter_spins_under_contention():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_flush_denormal(before[1])


def describe_environment(command: str, name: str = "auto") -> dict[str, Any]:
    """The content of a run's `environment.json`: versions, machine, device, commit and command.

    Args:
        command: the command line.
        name: the name of the device, as for `choose_device`.

    >>> describe_environment("vaekit train digits", "cpu")["device"]
    'cpu'
    """
    device = choose_device(name)
    return {
        "vaekit": vaekit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "device": f"{device} ({torch.cuda.get_device_name(device)})"
        if device.type == "cuda"
        else str(device),
        "threads": torch.get_num_threads(),
        "commit": _commit(Path(vaekit.__file__).parent),
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def cpu_name() -> str:
    """The name of the CPU and its number of cores.

    >>> cpu_name().endswith(" cores)")
    True
    """
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.processor() or platform.machine()])[0]} ({os.cpu_count()} cores)"


def _commit(package: Path) -> str | None:
    """The commit of the package's checkout, with `-dirty` if files differ; None without a checkout."""
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py")
    return _git(package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
