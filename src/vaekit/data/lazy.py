"""Arrays of data points that stay in their files: rows are read when they are asked for.

    MappedArray     a .npy file, or an array inside an uncompressed .npz, mapped into memory
    ChunkedArray    pieces that are read whole, such as those of Zarr, HDF5 or a compressed .npz
    RowArray        data points that are decoded one by one, such as pictures in a tar file
    StackedArray    several of these, one after the other
    DerivedArray    a function of the rows of another

A lazy array has the shape, the type and the indexing by rows of a NumPy array, so that whoever reads
`images[indices]` need not know. `identity` says which files it depends on, and their state.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

LAZY_BYTES = 256 << 20  # arrays that take less are read into memory
CACHE_BYTES = 128 << 20  # of pieces that a `ChunkedArray` keeps
OPEN_MAPS = 1024  # files that are mapped at the same time
THREADS = min(8, os.cpu_count() or 1)  # that decode pictures

Identity = tuple[Any, ...]


class LazyArray(ABC):
    """An array (N, *event) whose rows are read when they are asked for.

    Args:
        shape: (N, *event).
        dtype: the type of the values.
        identity: the files with their state, and what is made of them.

    >>> rows = RowArray(lambda i: np.full(2, i), (5, 2), np.int64, ("five",))
    >>> rows[np.array([3, 1])].tolist(), rows[1:3].shape, rows[-1].tolist()
    ([[3, 3], [1, 1]], (2, 2), [4, 4])
    """

    def __init__(self, shape: Sequence[int], dtype: Any, identity: Identity):
        self.shape, self.dtype, self.identity = tuple(shape), np.dtype(dtype), identity
        self.has_missing: bool | None = None  # whether values are NaN, if that is known

    @abstractmethod
    def read(self, rows: np.ndarray) -> np.ndarray:
        """The rows (n, *event) of indices (n,) in 0..N-1."""

    def will_need(self, first: int, last: int) -> None:  # noqa: B027 (most arrays need not know)
        """Rows first..last-1 will be read soon; a map lets the system read ahead."""

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """The bytes of all values."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape}, {self.dtype})"

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, slice):
            return self.read(np.arange(*key.indices(len(self))))
        indices = np.asarray(key)
        if indices.dtype == bool:
            indices = np.flatnonzero(indices)
        if indices.size and not (-len(self) <= indices.min() and indices.max() < len(self)):
            raise IndexError(f"expected indices in 0..{len(self) - 1}, got {indices.min()}..{indices.max()}")
        rows = self.read(np.where(indices < 0, indices + len(self), indices).astype(np.int64).reshape(-1))
        return rows.reshape(*indices.shape, *self.shape[1:])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def derive(
        self, function: Callable[[np.ndarray], np.ndarray], what: str, event: Sequence[int], dtype: Any
    ) -> LazyArray:
        """A function of the rows.

        Args:
            function: from rows (n, *event) to rows of another shape or type.
            what: says what the function does; part of the identity.
            event: the new shape of a row.
            dtype: the new type.
        """
        return DerivedArray(self, function, what, event, dtype)

    def select(self, rows: np.ndarray) -> LazyArray:
        """Some rows (n,), in this order."""
        return SelectedArray(self, np.asarray(rows, np.int64))


class MappedArray(LazyArray):
    """A part of a file that holds the values of an array in C order, mapped into memory.

    Args:
        path: the file.
        shape, dtype: of the array.
        offset: of its first byte.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x"
    >>> np.arange(6, dtype=np.uint8).tofile(path)
    >>> MappedArray(path, (3, 2), np.uint8, 0)[np.array([2, 0])].tolist()
    [[4, 5], [0, 1]]
    """

    def __init__(self, path: Path, shape: Sequence[int], dtype: Any, offset: int):
        super().__init__(shape, dtype, (*file_state(path), offset))
        self._place = (str(path), self.shape, self.dtype.str, offset)

    @property
    def map(self) -> np.memmap:
        """The map of the file."""
        return _open_map(*self._place)

    def read(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) and (steps := np.diff(rows)).size == len(rows) - 1 and (steps == 1).all():
            return np.array(self.map[rows[0] : rows[-1] + 1])
        return np.take(self.map.view(np.ndarray), rows, axis=0)

    def will_need(self, first: int, last: int) -> None:
        base: Any = self.map.base
        if hasattr(base, "madvise") and last > first:
            import mmap

            row = self.nbytes // len(self)
            start = self._place[3] % mmap.ALLOCATIONGRANULARITY + first * row
            start -= start % mmap.PAGESIZE
            base.madvise(mmap.MADV_WILLNEED, start, min((last - first) * row, len(base) - start))


@lru_cache(OPEN_MAPS)
def _open_map(path: str, shape: tuple[int, ...], dtype: str, offset: int) -> np.memmap:
    return np.memmap(path, dtype, "r", offset, shape)


class ChunkedArray(LazyArray):
    """An array that is read in pieces of equal length, of which the last ones used are kept.

    Args:
        read_piece: from (first, last + 1) to the rows.
        shape, dtype, identity: as for `LazyArray`.
        piece: the number of rows of a piece; the last may be shorter.

    >>> ChunkedArray(lambda a, b: np.arange(a, b), (5,), np.int64, ("x",), 2)[np.array([4, 0, 1])].tolist()
    [4, 0, 1]
    """

    def __init__(
        self,
        read_piece: Callable[[int, int], np.ndarray],
        shape: Sequence[int],
        dtype: Any,
        identity: Identity,
        piece: int,
    ):
        super().__init__(shape, dtype, identity)
        self._read_piece, self.piece = read_piece, max(1, piece)
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        row = max(1, self.nbytes // max(1, len(self)))
        self._most = max(2, CACHE_BYTES // (row * self.piece))
        self._lock = Lock()

    def read(self, rows: np.ndarray) -> np.ndarray:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place, members in _grouped(rows // self.piece):
            found[members] = self._get(place)[rows[members] - place * self.piece]
        return found

    def _get(self, place: int) -> np.ndarray:
        with self._lock:
            if place not in self._kept:
                first = place * self.piece
                self._kept[place] = self._read_piece(first, min(first + self.piece, len(self)))
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(place)
            return self._kept[place]


class RowArray(LazyArray):
    """Data points that are decoded one by one, several at once.

    Args:
        decode: from the index of a row to its values.
        shape, dtype, identity: as for `LazyArray`.
    """

    def __init__(
        self, decode: Callable[[int], np.ndarray], shape: Sequence[int], dtype: Any, identity: Identity
    ):
        super().__init__(shape, dtype, identity)
        self._decode = decode

    def read(self, rows: np.ndarray) -> np.ndarray:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)

        def fill(part: range) -> None:
            for place in part:
                found[place] = self._decode(int(rows[place]))

        parts = [range(start, len(rows), THREADS) for start in range(min(THREADS, len(rows)))]
        if len(parts) > 1:
            list(_pool().map(fill, parts))
        elif parts:
            fill(parts[0])
        return found


@lru_cache(1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "vaekit-decode")


class StackedArray(LazyArray):
    """Arrays of one type and shape of rows, one after the other.

    Args:
        parts: the arrays, lazy or not.
        identity: of arrays that are not lazy.

    >>> StackedArray([np.zeros((2, 3)), np.ones((4, 3))], ("two",))[np.array([5, 0, 2])][:, 0].tolist()
    [1.0, 0.0, 1.0]
    """

    def __init__(self, parts: Sequence[Any], identity: Identity = ()):
        counts = [len(part) for part in parts]
        files = tuple(part.identity for part in parts if isinstance(part, LazyArray))
        super().__init__((sum(counts), *parts[0].shape[1:]), parts[0].dtype, ("stack", *files, *identity))
        self.parts, self._starts = list(parts), np.cumsum([0, *counts])

    def read(self, rows: np.ndarray) -> np.ndarray:
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        if len(rows) and owners[0] == owners[-1] and (owners == owners[0]).all():
            return self.parts[owners[0]][rows - self._starts[owners[0]]]
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for owner, members in _grouped(owners):
            found[members] = self.parts[owner][rows[members] - self._starts[owner]]
        return found

    def will_need(self, first: int, last: int) -> None:
        for part, start in zip(self.parts, self._starts, strict=False):
            low, high = max(first - start, 0), min(last - start, len(part))
            if low < high and isinstance(part, LazyArray):
                part.will_need(int(low), int(high))


class DerivedArray(LazyArray):
    """A function of the rows of another array; made by `LazyArray.derive`."""

    def __init__(
        self,
        source: LazyArray,
        function: Callable[[np.ndarray], np.ndarray],
        what: str,
        event: Sequence[int],
        dtype: Any,
    ):
        super().__init__((len(source), *event), dtype, (*source.identity, what))
        self._source, self._function = source, function

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self._function(self._source.read(rows))

    def will_need(self, first: int, last: int) -> None:
        self._source.will_need(first, last)


class SelectedArray(LazyArray):
    """Some rows of another array; made by `LazyArray.select`."""

    def __init__(self, source: LazyArray, rows: np.ndarray):
        digest = hashlib.sha256(rows.tobytes()).hexdigest()
        super().__init__((len(rows), *source.shape[1:]), source.dtype, (*source.identity, digest))
        self._source, self._rows = source, rows

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self._source.read(self._rows[rows])


def take_rows(array: Any, rows: Any) -> Any:
    """Some rows of an array; those of a lazy array stay in its files.

    >>> take_rows(np.arange(5), [3, 1])
    array([3, 1])
    """
    return array.select(np.asarray(rows)) if isinstance(array, LazyArray) else array[rows]


def settle(array: Any) -> Any:
    """A lazy array as it is, or the values in memory if they are few.

    >>> settle(StackedArray([np.zeros((2, 3))], ("x",))).shape
    (2, 3)
    """
    return array[:] if isinstance(array, LazyArray) and array.nbytes <= LAZY_BYTES else array


def as_lazy(array: Any) -> LazyArray | None:
    """A large read-only map of a file as a lazy array; None for other arrays.

    >>> as_lazy(np.zeros(3)) is None
    True
    """
    if isinstance(array, LazyArray):
        return array
    if not isinstance(array, np.memmap) or array.mode != "r" or array.nbytes <= LAZY_BYTES:
        return None
    if not array.flags.c_contiguous or not hasattr(array.base, "madvise"):
        return None  # a view
    return MappedArray(Path(str(array.filename)), array.shape, array.dtype, array.offset)


def rows_at_once(array: Any) -> int:
    """How many rows of an array to compute with at once, so that the memory for it is bounded.

    >>> rows_at_once(np.zeros((5, 1024)))
    4096
    """
    values = 2**20 if isinstance(array, LazyArray) else 2**22
    return max(1, values // max(1, int(np.prod(array.shape[1:]))))


def file_state(path: Path) -> Identity:
    """A file, and what changes when its content does: its size and the time of its last change.

    >>> len(file_state(Path(__file__)))
    4
    """
    facts = os.stat(path)
    return str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns


def _grouped(keys: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each different key, in ascending order, with the places where it is."""
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=True)
