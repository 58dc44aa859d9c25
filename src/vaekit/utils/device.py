"""What a training runs on: the device, the threads of the processor, and a record of both."""

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


def available_devices() -> list[str]:
    """The devices that are here, the fastest first."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*gpus, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """A device by its name.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto" for the fastest one.

    Raises:
        InvalidError: it is not here.
    """
    here = available_devices()
    wanted = {"auto": here[0], "cuda": "cuda:0"}.get(name, name)
    if wanted not in here:
        raise InvalidError(f"device: {name!r} is not available; here are auto, {', '.join(here)}")
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
    """Inside, torch computes with so many threads, and takes numbers too small for full precision as 0.

    The latter are what the moments of Adam decay to where a pixel is always black, and are slow. Both
    settings are as before afterwards.

    Args:
        threads: how many; as torch chose if not given.
    """
    before = torch.get_num_threads(), _flushes_denormals()
    torch.set_num_threads(threads or before[0])
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_flush_denormal(before[1])


def describe_environment(command: str, name: str = "auto") -> dict[str, Any]:
    """What environment.json says of a run: versions, machine, device, code and command.

    Args:
        command: the command line.
        name: of the device, as for `device`.
    """
    return {
        "vaekit": vaekit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu": _cpu(),
        "device": _describe(choose_device(name)),
        "threads": torch.get_num_threads(),
        "commit": _commit(Path(vaekit.__file__).parent),
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _flushes_denormals() -> bool:
    return (torch.tensor(2e-38) / 4).item() == 0.0


def _describe(place: torch.device) -> str:
    return f"{place} ({torch.cuda.get_device_name(place)})" if place.type == "cuda" else str(place)


def _cpu() -> str:
    """The processor's name and its number of cores."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.processor() or platform.machine()])[0]} ({os.cpu_count()} cores)"


def _commit(package: Path) -> str | None:
    """The commit of the checkout that the package is part of, `-dirty` where files differ; or None."""
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py")
    return _git(package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
