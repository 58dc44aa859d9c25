"""Read files that may be damaged, too large, or of another type: one error, in one line."""

from __future__ import annotations

import gzip
import importlib
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from vaekit.errors import DataError, NotFoundError, VaekitError, first_line
from vaekit.utils.memory import total_memory

MAX_UNPACKED = 2**28  # bytes that any file may unpack to
MAX_RATIO = 200  # unpacked to packed bytes, beyond that


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Inside the block, turn every exception into one line about the file.

    Args:
        path: the file, for the message.
        what: the expected type, such as "an IDX file".

    Raises:
        NotFoundError: there is no such file.
        DataError: the file cannot be opened, or its content is damaged.

    >>> with reading("x.idx", "an IDX file"):  # doctest: +ELLIPSIS
    ...     raise ValueError("bad header")
    Traceback (most recent call last):
    ...
    vaekit.errors.DataError: x.idx: cannot be read as an IDX file: bad header; ...
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
    """Open a file for reading; unpack it if its first bytes are those of gzip.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.gz"
    >>> _ = path.write_bytes(gzip.compress(b"content"))
    >>> open_maybe_gzip(path).read()
    b'content'
    """
    with open(path, "rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else open(path, "rb")


def check_size(path: str | Path, shape: Iterable[int], itemsize: int) -> int:
    """The size in bytes of an array of `shape`, if it is at most half of this machine's memory.

    Raises:
        DataError: the array is too large for the memory.

    >>> check_size("x.npy", (10, 28, 28), itemsize=1)
    7840
    """
    size = math.prod(shape) * itemsize
    limit = _half_of_memory()
    if size > limit:
        raise DataError(
            f"{path}: takes {size / 2**30:.1f} GiB, more than half of this machine's memory "
            f"({limit / 2**30:.1f} GiB); give a part of it, smaller images, or a .npy of uint8"
        )
    return size


def check_unpacked(path: str | Path, size: int, packed: int | None = None) -> None:
    """Refuse a small file that unpacks to very much, which only a made-up one does.

    Args:
        size: bytes that it unpacks to.
        packed: bytes that it takes, if it is a folder.

    Raises:
        DataError: that is more than MAX_RATIO times the file, and more than MAX_UNPACKED.

    >>> check_unpacked(__file__, 1000)
    """
    packed = max(os.stat(path).st_size if packed is None else packed, 1)
    if size > max(MAX_UNPACKED, MAX_RATIO * packed):
        raise DataError(
            f"{path}: unpacks {packed:,} bytes to {size / 2**20:,.0f} MiB, over {MAX_RATIO} times as much, "
            "which is refused; save it without compression if you trust it"
        )


def check_dataset(path: str | Path, dataset: Any, piecewise: bool = False) -> None:
    """Check an array of an HDF5 file before it is read: its size, and that it lies in this file.

    Args:
        dataset: of h5py.
        piecewise: whether it is read in pieces, so that only that of its chunks must fit the memory.

    Raises:
        DataError: it is too large, or its values lie in other files.

    >>> from types import SimpleNamespace
    >>> kind = SimpleNamespace(itemsize=4)
    >>> array = SimpleNamespace(shape=(10,), dtype=kind, external=None, is_virtual=False)
    >>> check_dataset(__file__, array)
    """
    if dataset.external or dataset.is_virtual:
        raise DataError(f"{path}: its values lie in other files, which are not read; copy them into it")
    itemsize, rows = dataset.dtype.itemsize, dataset.shape
    if piecewise:
        rows = ((dataset.chunks or (1,))[0], *dataset.shape[1:])
    check_unpacked(path, math.prod(dataset.shape) * itemsize)
    check_size(path, rows, itemsize)


def check_archive(path: str | Path, archive: zipfile.ZipFile, factor: int = 1) -> None:
    """Check what a zip file unpacks to, all members together.

    Args:
        factor: memory per byte, for what is parsed further.

    Raises:
        DataError: as for `check_size` and `check_unpacked`.

    >>> import io
    >>> check_archive(__file__, zipfile.ZipFile(io.BytesIO(), "w"))
    """
    total = factor * sum(info.file_size for info in archive.infolist())
    check_size(path, (total,), 1)
    check_unpacked(path, total)


def _half_of_memory() -> int:
    return total_memory() // 2


def need(package: str, extra: str, path: str | Path) -> Any:
    """Import a package that an extra of vaekit brings.

    Args:
        package: the package or its module, such as pyarrow.parquet.
        extra: the name of the extra.
        path: the file that needs it, for the message.

    Raises:
        DataError: it is not installed.

    >>> need("no_such_package", "parquet", "x.parquet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vaekit.errors.DataError: x.parquet: needs no_such_package, which is not installed; run: pip install ...
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise not_installed(package.partition(".")[0], extra, path) from None


def not_installed(package: str, extra: str, path: str | Path) -> DataError:
    """The error about a file that needs a package of an extra.

    >>> print(not_installed("tifffile", "tiff", "x.tif"))
    x.tif: needs tifffile, which is not installed; run: pip install "vaekit[tiff]"
    """
    return DataError(f'{path}: needs {package}, which is not installed; run: pip install "vaekit[{extra}]"')
