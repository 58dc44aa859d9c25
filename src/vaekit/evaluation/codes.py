"""The codes of images as a table, and the table as a file for other programs.

A table is its columns by name: `z` (N, d), and where asked for `stddev` (N, d) and `label` (N,).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.latent import encode
from vaekit.models.vae import VAE
from vaekit.utils.io import write_whole

Table = Mapping[str, np.ndarray]
AT_ONCE = 500
FORMATS = (".npy", ".npz", ".csv")


def of(
    model: VAE,
    seen: ObservedImages,
    stddev: bool = False,
    label: bool = False,
    label_names: Sequence[str] = (),
) -> Table:
    """The codes of all images of a split.

    Args:
        stddev, label: whether these columns are wanted too.
        label_names: what the classes are called; labels stay numbers without it.

    Raises:
        InvalidError: labels are wanted, and the data has none.
    """
    if label and seen.classes is None:
        raise InvalidError("label: the data has no labels; leave them out")
    codes = encode(model, seen.batches(AT_ONCE))
    table = {"z": codes.mean}
    if stddev:
        table["stddev"] = codes.stddev
    if label and seen.classes is not None:
        numbers = seen.classes.cpu().numpy()
        table["label"] = np.array(label_names)[numbers] if label_names else numbers
    return table


def write(path: str | Path, table: Table) -> Path:
    """Write a table as .npy (`z` alone), .npz, or .csv with a line of names: z0, z1, ..., label.

    Raises:
        InvalidError: another ending, or more columns than `z` in a .npy.
        VaekitError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise InvalidError(f"{path}: expected a name that ends in {', '.join(FORMATS)}")
    if path.suffix == ".npy" and len(table) > 1:
        raise InvalidError(f"{path}: a .npy holds the means alone; write .npz or .csv for {', '.join(table)}")
    pack = {".npy": _npy, ".npz": _npz, ".csv": _csv}[path.suffix]
    return write_whole(path, pack(table))


def _npy(table: Table) -> bytes:
    content = io.BytesIO()
    np.save(content, table["z"], allow_pickle=False)
    return content.getvalue()


def _npz(table: Table) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **table)
    return content.getvalue()


def _csv(table: Table) -> bytes:
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(name for key, column in table.items() for name in _names(key, column))
    columns = [column.reshape(len(column), -1).astype(str).tolist() for column in table.values()]
    writer.writerows(chain.from_iterable(row) for row in zip(*columns, strict=True))
    return content.getvalue().encode()


def _names(key: str, column: np.ndarray) -> Iterator[str]:
    yield from [key] if column.ndim == 1 else (f"{key}{i}" for i in range(column.shape[1]))
