"""Files of one JSON object a line, which grow a line at a time and survive a death in the middle of one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaekit.errors import VaekitError
from vaekit.files import write_whole

Record = dict[str, Any]


def append(path: Path, record: Record) -> None:
    """Add a line to a file, and return once it is on the disk.

    Raises:
        VaekitError: the file cannot be written.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    try:
        with path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise VaekitError(
            f"cannot write {path}: {error.strerror or error}; free the space and resume"
        ) from error


def read(path: Path) -> list[Record]:
    """The records of a file in order, without lines that were cut short; empty where there is no file."""
    if not path.exists():
        return []
    records = map(_record, path.read_bytes().splitlines())
    return [record for record in records if record is not None]


def trim(path: Path, keep: Callable[[Record], bool]) -> None:
    """Leave in a file, where there is one, only those of its records that `keep` wants."""
    kept = "".join(json.dumps(record) + "\n" for record in read(path) if keep(record)).encode()
    if path.exists() and path.read_bytes() != kept:
        write_whole(path, kept)


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
