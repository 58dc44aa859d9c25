"""Reading a file that may be damaged, huge, or not what its name says: one error, one line."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from vaekit.errors import DataError, NotFoundError, VaekitError, first_line
from vaekit.utils.memory import total_memory


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read as `what` into one line about that file.

    Args:
        path: the file, for the message.
        what: what it is read as, such as "an IDX file".

    Raises:
        NotFoundError: there is no such file.
        DataError: it cannot be opened, or its content is damaged.
    """
    try:
        yield
    except VaekitError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file; check the path") from error
    except PermissionError as error:
        raise DataError(f"{path}: permission denied; make it readable for you") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: expected {what}, but it is a folder; give the path of a file") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: cannot be read as {what}: it is not text in UTF-8; save it as such"
        ) from error
    except MemoryError as error:
        raise DataError(f"{path}: does not fit in memory; give a part of it, or .npy") from error
    except Exception as error:  # readers meet damaged bytes with errors of every kind
        raise DataError(
            f"{path}: cannot be read as {what}: {first_line(error)}; "
            "it may be damaged or cut short, so fetch or write it anew"
        ) from error


def open_maybe_gzip(path: Path) -> IO[bytes]:
    """The file opened for reading, unpacked on the fly where its first bytes say that it is gzip."""
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else open(path, "rb")


def check_size(path: str | Path, shape: Iterable[int], itemsize: int) -> int:
    """The bytes that an array of `shape` takes, refused where they pass half of this machine's memory.

    Raises:
        DataError: the array is too large to be held in memory.
    """
    size = math.prod(shape) * itemsize
    limit = _half_of_memory()
    if size > limit:
        raise DataError(
            f"{path}: takes {size / 2**30:.1f} GiB, more than half of this machine's memory "
            f"({limit / 2**30:.1f} GiB); give a part of it, smaller images, or a .npy of uint8"
        )
    return size


def _half_of_memory() -> int:
    return total_memory() // 2
