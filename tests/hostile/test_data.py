"""Data files and folders that are damaged or made up: a dataset, or one line, in bounded memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import files, paths
from hostile.budget import budget
from hostile.conftest import is_one_line
from vaekit.data import load_dataset
from vaekit.data.describe import describe_dataset
from vaekit.errors import DataError, NotFoundError, VaekitError


def load(path: Path) -> None:
    """Load and describe data; a refusal is one line."""
    try:
        describe_dataset(load_dataset(path))
    except VaekitError as error:
        is_one_line(error)


@pytest.mark.parametrize("suffix", files.FILES)
def test_any_content_is_a_dataset_or_is_refused(suffix, tmp_path):
    @budget
    @given(content=files.damaged(files.FILES[suffix]()))
    def check(content: bytes) -> None:
        file = tmp_path / f"x{suffix}"
        file.unlink(missing_ok=True)  # a memory map of the last one may still be open
        file.write_bytes(content)
        load(file)

    check()


CONTENTS = st.one_of(
    files.damaged(files.pictures), files.damaged(files.csv()), st.binary(max_size=30), st.just(b"")
)
NAMES = st.sampled_from(
    [
        "a.png",
        "b.png",
        "10.PNG",
        "c.txt",
        ".hidden",
        "train/a.png",
        "test/b.png",
        "cat/1.png",
        "dog/2.png",
        "x.csv",
        "cat/deep/3.png",
        "matrix.mtx",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        f"{paths.NOT_UTF8}.png",
        "x" * 250 + ".png",
        "a\nb.png",
        "\x1b[2J.png",
        "._a.png",
        "cat/4.tif",
    ]
)


@budget
@given(
    entries=st.dictionaries(NAMES, CONTENTS, max_size=6),
    odd=st.sampled_from(["", "pipe", "nothing", "circle"]),
)
def test_any_folder_is_a_dataset_or_is_refused(tmp_path_factory, entries, odd):
    folder = tmp_path_factory.getbasetemp() / "any-folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in entries.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(content)
    if odd:
        made = paths.make(folder / "odd") if (folder / "odd").mkdir() is None else {}  # type: ignore[func-returns-value]
        (folder / "odd link").symlink_to(made[odd])
    load(folder)


BOMBS = {
    "zip.npz": lambda: _zip_bomb("x.npy", 600_000_000),
    "picture.png": lambda: files.png_bomb(30_000),
    "wide.png": lambda: files.png_bomb(2**31 - 1),
    "lazy.h5": lambda: files.hdf5((10**9, 8)),
    "absurd.h5": lambda: files.hdf5((2**40, 2**20)),
    "elsewhere.h5": lambda: files.hdf5((10, 10), "/etc/passwd"),
    "rows.parquet": files.parquet_bomb,
    "far.xlsx": lambda: files.excel("XFD1048576"),
    "sheet.xlsx": lambda: _zip_bomb("xl/worksheets/sheet1.xml", 600_000_000),
    "index.npz": lambda: files.sparse_npz(2**30),
    "entries.mtx": lambda: b"%%MatrixMarket matrix coordinate integer general\n3 4 999999999999\n1 1 5\n",
    "rows.mtx": lambda: b"%%MatrixMarket matrix coordinate integer general\n99999999 99999999 1\n1 1 5\n",
}


def _zip_bomb(name: str, size: int) -> bytes:
    import io
    import zipfile

    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size // 64}, 8, 8), }}\n".encode()
    start = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header if name.endswith(".npy") else b"<x>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as stream:
        stream.write(start)
        for _ in range(size // 1_000_000):
            stream.write(bytes(1_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_becomes_an_enormous_array_is_refused_before_memory_is_taken(
    name, tmp_path, memory
):
    (tmp_path / name).write_bytes(BOMBS[name]())
    with memory(300_000_000), pytest.raises((DataError, NotFoundError)) as caught:
        load_dataset(tmp_path / name)
    is_one_line(caught.value)
