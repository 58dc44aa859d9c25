"""Files are written whole or not at all: a new name in the same folder, synced, then renamed over the old."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

from vaekit.errors import VaekitError

UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a damaged archive of arrays may raise."""


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path` so that a reader only ever sees the old file or the new one.

    Args:
        path: where to write; missing parent folders are made.
        content: the bytes of the whole file.

    Returns:
        The path.

    Raises:
        VaekitError: the file cannot be written (no permission, a full disk, a folder of that name).
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise VaekitError(
            f"cannot write {path}: {error.strerror or error}; free the space or name another place"
        ) from error
    return path


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
