"""Generators of hostile data files: arrays, pictures and tables that are damaged, cut short or made up.

A file is a good one of its kind with bytes changed, cut, doubled or removed, or one whose header says what
is not there. `damaged` is the strategy that all kinds share.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from functools import cache

import numpy as np
from hypothesis import strategies as st
from PIL import Image

_SIZES = st.sampled_from([0, 1, 2, 3, 7, 40, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62])
_DTYPES = st.sampled_from(
    [
        "|u1",
        "<f4",
        "<f8",
        ">i2",
        "<i8",
        "|b1",
        "<c8",
        "<f2",
        "|S3",
        "<U2",
        "|O",
        "|V4",
        "<M8[D]",
        "<m8[s]",
        "x",
        "<f16",
    ]
)


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """A good content after up to three accidents."""
    content = bytearray(draw(good))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "drop", "double", "insert", "number"]))
        if kind == "flip" and content:
            content[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at:]
        elif kind == "drop":
            del content[at : at + draw(st.integers(1, 64))]
        elif kind == "double":
            content[at:at] = content[at : at + draw(st.integers(1, 64))]
        elif kind == "insert":
            content[at:at] = draw(st.binary(max_size=16))
        elif kind == "number":
            size = draw(st.sampled_from(["<I", ">I", "<Q", "<H"]))
            number = draw(_SIZES) % (1 << 8 * struct.calcsize(size))
            content[at : at + struct.calcsize(size)] = struct.pack(size, number)
    return bytes(content)


# --------------------------------------------------------------------------------------------------- arrays


@st.composite
def npy(draw: st.DrawFn) -> bytes:
    """A .npy file with any shape and type in its header, and few values."""
    shape = tuple(draw(st.lists(_SIZES, max_size=6)))
    order = draw(st.sampled_from(["False", "True", "0", "None"]))
    header = f"{{'descr': {draw(_DTYPES)!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    version = draw(st.sampled_from([b"\1\0", b"\2\0", b"\3\0", b"\t\0"]))
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(header) + 1)
    return b"\x93NUMPY" + version + length + header + b"\n" + draw(st.binary(max_size=200))


@st.composite
def good_npy(draw: st.DrawFn) -> bytes:
    """A .npy file of any values, also not finite, constant or enormous ones."""
    shape = draw(
        st.sampled_from(
            [
                (12, 8, 8),
                (12, 3),
                (12, 64),
                (1, 4),
                (0, 5),
                (12, 1, 8, 8),
                (12, 8, 8, 3),
                (5,),
                (),
                (12, 2, 30),
                (3, 2, 2, 2, 2, 2),
            ]
        )
    )
    kind = draw(st.sampled_from(["<f8", "<f4", "|u1", "<i8", "|b1", "<u8", "<f2", "<c8", "<U5"]))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    scale = draw(st.sampled_from([0.0, 1.0, 1e-300, 1e300, 255.0, 1e18]))
    values = rng.normal(size=shape) * scale
    spoil = draw(st.sampled_from([None, np.nan, np.inf, -np.inf, "all"]))
    if spoil == "all":
        values = np.full(shape, np.nan)
    elif spoil is not None and values.size:
        values.flat[0] = spoil
    buffer = io.BytesIO()
    with np.errstate(all="ignore"):
        np.save(buffer, values.astype(kind), allow_pickle=False)
    return buffer.getvalue()


@st.composite
def npz(draw: st.DrawFn) -> bytes:
    """A .npz file of good and bad arrays under any names."""
    names = st.sampled_from(
        [
            "x",
            "y",
            "x_train",
            "x_test",
            "labels",
            "data",
            "format",
            "shape",
            "indices",
            "indptr",
            "../x",
            "a/b",
            "",
        ]
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as archive:
        for name in draw(st.lists(names, max_size=4, unique=True)):
            archive.writestr(f"{name}.npy", draw(st.one_of(good_npy(), npy(), st.binary(max_size=40))))
    return buffer.getvalue()


@st.composite
def idx(draw: st.DrawFn) -> bytes:
    """An IDX file with any header."""
    rank = draw(st.integers(0, 5))
    sizes = [draw(_SIZES) % 2**32 for _ in range(rank)]
    body = bytes([0, 0, draw(st.sampled_from([8, 9, 11, 12, 13, 14, 99])), rank]) + struct.pack(
        f">{rank}I", *sizes
    )
    body += draw(st.binary(max_size=100))
    return gzip.compress(body) if draw(st.booleans()) else body


# ------------------------------------------------------------------------------------------------- pictures


@cache
def _picture(kind: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    image = Image.effect_noise((9, 7), 80).convert(mode)
    image.save(
        buffer, kind, **({"save_all": True, "append_images": [image] * 2} if kind in ("GIF", "TIFF") else {})
    )
    return buffer.getvalue()


@cache
def png_bomb(side: int) -> bytes:
    """A small PNG file whose header promises an enormous picture."""
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(side * 100, 10**7)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


pictures = st.one_of(
    st.sampled_from(
        [
            ("PNG", "L"),
            ("PNG", "RGBA"),
            ("PNG", "P"),
            ("JPEG", "RGB"),
            ("GIF", "P"),
            ("TIFF", "L"),
            ("TIFF", "F"),
            ("BMP", "RGB"),
            ("WEBP", "RGB"),
            ("PPM", "L"),
            ("TIFF", "CMYK"),
            ("PNG", "I;16"),
        ]
    ).map(lambda kind: _picture(*kind)),
    st.sampled_from([1, 3000, 20_000, 10**6, 2**31 - 1]).map(png_bomb),
)

# --------------------------------------------------------------------------------------------------- tables

_cells = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "-9999",
            "1e999",
            "nan",
            "inf",
            "-inf",
            "NA",
            "1,5",
            "1.000,5",
            "0x10",
            "1_000",
            '"',
            '"a""b"',
            "'",
            "2026-01-01",
            "9" * 400,
            "x" * 2000,
            "$3",
            "50%",
            "é",
            "\0",
            "=1+1",
            "1e-400",
            "true",
            "\u22121",
            "\ufeff1",
        ]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=6),
)


@st.composite
def csv(draw: st.DrawFn) -> bytes:
    """A table of any cells in any encoding, ragged or not."""
    width, ragged = draw(st.integers(1, 5)), draw(st.integers(0, 4)) == 0
    mark = draw(st.sampled_from([",", ";", "\t", " ", "|"]))
    rows = [
        mark.join(draw(st.lists(_cells, min_size=0 if ragged else width, max_size=width)))
        for _ in range(draw(st.integers(0, 8)))
    ]
    head = [
        mark.join(
            draw(
                st.lists(
                    st.sampled_from(["a", "b", "label", "y", "a", "", "group"]),
                    min_size=width,
                    max_size=width,
                )
            )
        )
    ]
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join([*(head if draw(st.booleans()) else []), *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig", "utf-32", "cp1252"]))
    return text.encode(encoding, "replace")


def _frame() -> dict[str, list[object]]:
    return {"a": [1.5, 2.5, 3.5] * 5, "b": ["x", "y", "z"] * 5, "c": [1, 2, 3] * 5}


@cache
def parquet() -> bytes:
    """A good table of Parquet."""
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(_frame()), buffer)
    return buffer.getvalue()


@cache
def parquet_bomb(rows: int = 300_000_000) -> bytes:
    """A small file of Parquet with very many equal rows."""
    import pyarrow
    import pyarrow.parquet

    buffer, piece = io.BytesIO(), pyarrow.table({"a": np.zeros(1_000_000, np.int8)})
    with pyarrow.parquet.ParquetWriter(buffer, piece.schema, compression="zstd") as writer:
        for _ in range(rows // 1_000_000):
            writer.write_table(piece, row_group_size=1_000_000)
    return buffer.getvalue()


@cache
def excel(cell: str = "C9") -> bytes:
    """A good sheet of Excel whose last cell may be far away."""
    import openpyxl

    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in zip(*_frame().values(), strict=True):
        book.active.append(row)
    book.active[cell] = 7
    book.save(buffer)
    return buffer.getvalue()


@cache
def hdf5(shape: tuple[int, ...] = (12, 8, 8), external: str = "") -> bytes:
    """A file of HDF5 with x and y; of a large shape, nothing is stored."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        more = {"external": [(external, 0, 1000)]} if external else {"chunks": True, "compression": "gzip"}
        x = file.create_dataset("x", shape, "u1", **more)
        if shape[0] < 100 and not external:
            x[...] = np.arange(np.prod(shape)).reshape(shape) % 251
        file.create_dataset("y", data=np.arange(min(shape[0], 100)) % 3)
    return buffer.getvalue()


@cache
def mat() -> bytes:
    """A good file of MATLAB."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(
        buffer, {"X": np.arange(12 * 64).reshape(12, 8, 8) % 255, "y": np.arange(12)}, do_compression=True
    )
    return buffer.getvalue()


@cache
def sparse_npz(index: int = 1) -> bytes:
    """A sparse table one of whose indices may lie outside."""
    buffer = io.BytesIO()
    data, indices = np.ones(12), np.full(12, 2, np.int32)
    indices[5] = index
    np.savez(buffer, format=b"csr", shape=np.array([12, 5]), data=data, indices=indices, indptr=np.arange(13))
    return buffer.getvalue()


FILES: dict[str, Callable[[], st.SearchStrategy[bytes]]] = {
    ".npy": lambda: st.one_of(npy(), good_npy()),
    ".npz": lambda: st.one_of(npz(), st.sampled_from([1, -1, 5, 2**30, -(2**31)]).map(sparse_npz)),
    "": lambda: st.one_of(idx(), st.binary(max_size=50)),
    ".png": lambda: pictures,
    ".csv": csv,
    ".parquet": lambda: st.builds(parquet),
    ".xlsx": lambda: st.sampled_from(["C9", "A900", "ZZ20"]).map(excel),
    ".h5": lambda: st.sampled_from([(12, 8, 8), (12, 3), (10**9, 8), (2**40, 2**20)]).map(hdf5),
    ".mat": lambda: st.builds(mat),
    ".mtx": lambda: st.just(b"%%MatrixMarket matrix coordinate integer general\n3 4 2\n1 1 5\n3 4 7\n"),
}
"""Suffix -> a strategy of the contents of good files, and of made-up ones."""
