from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from vaekit.data.readers.guard import check_size, reading
from vaekit.errors import DataError, NotFoundError, VaekitError


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (FileNotFoundError(2, "No such file"), NotFoundError, "no such file"),
        (PermissionError(13, "Permission denied"), DataError, "permission denied; make it readable"),
        (IsADirectoryError(21, "Is a directory"), DataError, "expected a thing, but it is a folder"),
        (MemoryError(), DataError, "does not fit in memory"),
        (zlib.error("bad code\nmore"), DataError, "cannot be read as a thing: bad code; it may be damaged"),
        (ValueError(), DataError, "cannot be read as a thing: ValueError"),
        (DataError("its own line"), DataError, "^its own line$"),
    ],
)
def test_each_failure_becomes_one_line(error: Exception, kind: type[VaekitError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught, reading(Path("file"), "a thing"):
        raise error
    assert "\n" not in str(caught.value)


def test_sizes_are_limited_to_half_the_memory() -> None:
    assert check_size("file", (3, 4, 5), 2) == 120
    with pytest.raises(DataError, match="file: takes"):
        check_size("file", (2**40, 2**20), 8)
