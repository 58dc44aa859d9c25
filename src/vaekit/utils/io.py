"""Read and write files safely: whole files, JSON, and files of one JSON record per line.

A file is written whole or not at all: it is written under a new name in the same folder, synced, and renamed
over the old file. A file of records (`metrics.jsonl`) grows by one line at a time; after a crash in the
middle of a line, the lines before it are still read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaekit.errors import InvalidError, VaekitError
from vaekit.utils.paths import why_no_file

UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""The exceptions that reading a damaged archive of arrays may raise."""


_LEFTOVER = re.compile(r"\.[^.].*\.[a-z0-9_]{8}")  # the names that `write_whole` gives to unfinished files
_BEGAN = time.time()


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path`; a reader sees either the old file or the new one, never a part.

    Args:
        path: where to write; missing parent folders are created.
        content: the bytes of the whole file.

    Returns:
        The path.

    Raises:
        VaekitError: the file cannot be written (no permission, a full disk, a folder of that name).

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> write_whole(f"{folder}/a/b.txt", b"whole").read_bytes()
    b'whole'
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise VaekitError(
            f"cannot write {path}: {error.strerror or error}; free some space, or choose another path"
        ) from error
    return path


def read_bounded(path: str | Path, most: int) -> bytes:
    """The content of a file that came from elsewhere.

    Args:
        most: the largest number of bytes.

    Raises:
        InvalidError: it is larger, or is no regular file.
        OSError: it cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.json"
    >>> _ = path.write_bytes(b"{}")
    >>> read_bounded(path, most=100)
    b'{}'
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise InvalidError(f"{path}: {why_no_file(path)}")
    with open(path, "rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise InvalidError(f"{path}: expected at most {most:,} bytes, got more")
    return content


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


def is_leftover(name: str) -> bool:
    """Whether a file has the name of one that `write_whole` had not finished.

    >>> is_leftover(".config.json.4dh3jh5c"), is_leftover("config.json")
    (True, False)
    """
    return _LEFTOVER.fullmatch(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove what `write_whole` left in a folder when its process was killed before this one began.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / ".evaluation.json.4dh3jh5c").touch()
    >>> os.utime(folder / ".evaluation.json.4dh3jh5c", (0, 0))
    >>> remove_leftovers(folder)
    >>> list(folder.iterdir())
    []
    """
    for file in folder.glob(".*"):
        with suppress(OSError):
            if is_leftover(file.name) and file.stat().st_mtime < _BEGAN:
                file.unlink()


def to_jsonable(value: Any) -> Any:
    """`value` in terms of dictionaries, lists, strings and numbers; NaN and infinity become None.

    >>> to_jsonable({"loss": float("nan"), "sizes": (2, 3), "path": Path("a/b")})
    {'loss': None, 'sizes': [2, 3], 'path': 'a/b'}
    """
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def to_json(value: Any) -> str:
    """Strict JSON, indented by two spaces.

    >>> print(to_json({"elbo": -97.5}), end="")
    {
      "elbo": -97.5
    }
    """
    text = json.dumps(to_jsonable(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()  # the name of a file need not be text


Record = dict[str, Any]


def append_record(path: Path, record: Record) -> None:
    """Append a record as one line of JSON, and return once it is on the disk.

    Raises:
        VaekitError: the file cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "metrics.jsonl"
    >>> append_record(path, {"epoch": 1})
    >>> append_record(path, {"epoch": 2})
    >>> read_records(path)
    [{'epoch': 1}, {'epoch': 2}]
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    try:
        with path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise VaekitError(
            f"cannot write {path}: {error.strerror or error}; free some space, then resume"
        ) from error


def read_records(path: Path) -> list[Record]:
    """The records of a file in order, without incomplete lines; empty if there is no file.

    >>> read_records(Path("no/such/file.jsonl"))
    []
    """
    if not path.exists():
        return []
    records = map(_parse_record, path.read_bytes().splitlines())
    return [record for record in records if record is not None]


def lines_digest(records: Sequence[Mapping[str, Any]]) -> str:
    """The SHA-256 of records as lines of JSON, as `append_record` writes them.

    >>> lines_digest([{"epoch": 1}]) == hashlib.sha256(b'{"epoch": 1}\\n').hexdigest()
    True
    """
    return hashlib.sha256("".join(json.dumps(record) + "\n" for record in records).encode()).hexdigest()


def record_epoch(record: Mapping[str, Any]) -> int:
    """The epoch of a record; 0 if it has none.

    >>> record_epoch({"epoch": 3}), record_epoch({"epoch": "3"}), record_epoch({})
    (3, 0, 0)
    """
    epoch = record.get("epoch")
    return epoch if type(epoch) is int else 0


def trim_records(path: Path, keep: Callable[[Record], bool]) -> None:
    """Remove the records for which `keep` is false from a file; do nothing if there is no file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "metrics.jsonl"
    >>> path.write_text('{"epoch": 1}\\n{"epoch": 2}\\n')
    26
    >>> trim_records(path, lambda record: record["epoch"] < 2)
    >>> read_records(path)
    [{'epoch': 1}]
    """
    kept = "".join(json.dumps(record) + "\n" for record in read_records(path) if keep(record)).encode()
    if path.exists() and path.read_bytes() != kept:
        write_whole(path, kept)


def best_epoch(records: Sequence[Mapping[str, Any]]) -> int | None:
    """The epoch with the best validation loss, by the records of `metrics.jsonl`; None without validation.

    >>> best_epoch([{"epoch": 1, "validation_loss": 9.0, "is_best": True},
    ...             {"epoch": 2, "validation_loss": 9.5, "is_best": False}])
    1
    """
    best = [record["epoch"] for record in records if record.get("is_best") and "validation_loss" in record]
    return best[-1] if best else None


def _parse_record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
