"""Small IDX files, as the tests of readers and of resolution want them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from vaekit.data import catalog, catalog_readers

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(values: np.ndarray) -> bytes:
    code = CODES[values.dtype.str[1:]]
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, code, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


FILES = ("train-images.gz", "train-labels.gz", "t10k-images.gz", "t10k-labels.gz")


def write_quartet(folder: Path, seed: int = 0, packed: bool = True) -> catalog.CatalogEntry:
    """Four small IDX files, and the catalog row that they belong to."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    content = [
        random.integers(0, 256, (6, 3, 2), dtype=np.uint8),
        np.arange(6, dtype=np.uint8) % 3,
        random.integers(0, 256, (4, 3, 2), dtype=np.uint8),
        np.arange(4, dtype=np.uint8) % 3,
    ]
    for name, values in zip(FILES, content, strict=True):
        path = folder / (name if packed else name.removesuffix(".gz"))
        path.write_bytes(gzip.compress(idx_bytes(values)) if packed else idx_bytes(values))
    labels = np.concatenate([content[1], content[3]]).astype(np.int64)
    return catalog.CatalogEntry(
        name="toy",
        title="Toy",
        shape=(1, 3, 2),
        count=10,
        license="none",
        reference="none",
        files={name: f"http://127.0.0.1:9/{name}" for name in FILES},
        read=catalog_readers.read_mnist_files,
        sha256=catalog.content_sha256(np.concatenate([content[0], content[2]]), labels),
        label_names=("a", "b", "c"),
        published={"train": 6, "test": 4},
    )
