"""The machine that a measurement was taken on."""

from __future__ import annotations

import os
from typing import Any

from vaekit.utils.device import describe_environment

KEYS = ("cpu", "platform", "threads", "torch", "python", "commit")


def describe() -> dict[str, Any]:
    """The CPU, platform, threads, versions and commit, to be stored with every measurement."""
    known = describe_environment("")
    threads = int(os.environ.get("OMP_NUM_THREADS", known["threads"]))
    return {**{key: known[key] for key in KEYS}, "threads": threads}


def words(about: dict[str, Any]) -> str:
    """The description of `describe` in one line."""
    return (
        f"{about['cpu']}, {about['threads']} threads, PyTorch {about['torch']}, Python {about['python']}, "
        f"{about['platform']}, commit {str(about['commit'])[:9]}"
    )
