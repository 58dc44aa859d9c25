from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from idx_files import CODES, idx_bytes
from vaekit.data.readers.idx import is_idx, read_idx, read_idx_pair
from vaekit.errors import DataError, NotFoundError


@pytest.mark.parametrize("kind", list(CODES))
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_read_gzipped_or_not(tmp_path: Path, kind: str, packed: bool) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    path = tmp_path / "values"
    path.write_bytes(gzip.compress(idx_bytes(values)) if packed else idx_bytes(values))
    read = read_idx(path)
    np.testing.assert_array_equal(read, values)
    assert read.dtype == values.dtype
    assert is_idx(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an IDX header"),
        (b"\x89PNG....", "not an IDX header"),
        (idx_bytes(np.zeros((3, 4), "u1"))[:9], "header is incomplete"),
        (idx_bytes(np.zeros((3, 4), "u1"))[:-1], "promises 12 bytes, but only 11 follow"),
        (idx_bytes(np.zeros((3, 4), "u1")) + b"!", "promises 12 bytes, but more follow"),
        (gzip.compress(idx_bytes(np.zeros((30, 40), "u1")), mtime=0)[:-9], "end-of-stream"),
        (gzip.compress(idx_bytes(np.zeros(3, "u1")), mtime=0)[:-8] + b"\0" * 8, "CRC"),
    ],
)
def test_damaged_files_are_one_line_errors(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_header_that_promises_more_than_memory_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**10, 2**10)))
    with pytest.raises(DataError, match="more than half of this machine's memory"):
        read_idx(path)


def test_a_pair_must_match_in_number(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(idx_bytes(np.zeros((3, 2, 2), "u1")))
    labels.write_bytes(idx_bytes(np.zeros(2, "u1")))
    with pytest.raises(DataError, match=r"labels of shape \(2,\) for 3 images"):
        read_idx_pair(images, labels)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_idx(tmp_path / "absent")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is a folder"):
        read_idx(tmp_path)
