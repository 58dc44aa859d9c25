"""Parquet and Arrow by Hugging Face `datasets` (the extra `datasets`), which maps them into memory.

    a folder of `Dataset.save_to_disk` or `DatasetDict.save_to_disk`
    a folder of .parquet or .arrow files, such as train-00000-of-00002.parquet

The column of data points holds pictures, or arrays of numbers of one shape; that of labels is called label or
the like. Parquet files are converted to Arrow once, in the cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.lazy import Identity, LazyArray, StackedArray, file_state, settle
from vaekit.data.readers.encoded import pictures_array, read_header
from vaekit.data.readers.guard import need, reading
from vaekit.data.readers.image_folder import ImageOptions
from vaekit.data.readers.listing import list_files
from vaekit.data.readers.numpy import array_role
from vaekit.data.readers.raw import PARTS, RawData, split_bounds
from vaekit.errors import DataError
from vaekit.utils.paths import cache_folder

SUFFIXES = (".parquet", ".arrow")
_PICTURES = ("image", "images", "img", "picture", "jpg", "png")


def is_arrow_folder(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`, or holds .parquet or .arrow files.

    >>> is_arrow_folder(Path("."))
    False
    """
    if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        return True
    places = [folder, folder / "data", *(folder / part for part in PARTS)]
    return any(next(place.glob(f"*{suffix}"), None) for place in places for suffix in SUFFIXES)


def read_arrow(folder: Path, options: ImageOptions, array: str | None = None) -> RawData:
    """The data points and labels of Parquet or Arrow files.

    Args:
        folder: the folder.
        options: size, crop and color of pictures.
        array: the name of the column of data points, if the names do not say so.

    Raises:
        DataError: the package datasets is not installed, or no column can be used.
    """
    datasets = need("datasets", "datasets", folder)
    with reading(folder, "Parquet or Arrow files"):
        files = [file for file in list_files(folder).files if file.suffix.lower() in SUFFIXES]
        tables = _load(datasets, folder, files)
        identity: Identity = ("arrow", *(file_state(file) for file in files))
        first = next(iter(tables.values()))
        column = array or _value_column(folder, datasets, first.features)
        if column not in first.features:
            raise DataError(
                f"{folder}: has no column {column!r}; its columns are {', '.join(first.features)}"
            )
        read = [_values(datasets, table, column, folder, (*identity, part), options)
                for part, table in tables.items()]  # fmt: skip
        label = next((name for name in first.features if array_role(name) == ("", "labels")), None)
        labels = [_labels(table, label) for table in tables.values()] if label else []
    is_picture = isinstance(first.features[column], datasets.Image)
    values = settle(StackedArray([part for part, _ in read]))
    counts = {part: len(table) for part, table in tables.items()}
    return RawData(
        values,
        np.concatenate(labels) if labels else None,
        published={} if "" in counts else split_bounds(counts),
        notes=(f"columns used: {column}" + (f", {label} as labels" if label else ""),
               *dict.fromkeys(note for _, note in read if note)),
        kind="image" if is_picture else "auto",
        channels_last=values.ndim == 4 if is_picture else None,
    )  # fmt: skip


def _load(datasets: Any, folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """The table of each part; "" for one without parts."""
    if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        found = datasets.load_from_disk(str(folder))
        if not isinstance(found, Mapping):
            return {"": found}
        parts = {PARTS.get(name.lower(), name): table for name, table in found.items()}
        if "train" not in parts:
            raise DataError(f"{folder}: expected a part train, got {', '.join(found)}; rename one")
        return {part: parts[part] for part in ("train", "validation", "test") if part in parts}
    groups: dict[str, list[str]] = {}
    for file in files:
        word = re.split(r"[-_.]", file.stem.lower())[0]
        part = PARTS.get(word) or PARTS.get(file.parent.name.lower() if file.parent != folder else "", "")
        groups.setdefault(part, []).append(str(file))
    if len(groups) > 1 and ("" in groups or "train" not in groups):
        raise DataError(
            f"{folder}: only some of its files begin with train, validation or test; name all so, or none"
        )
    kind = "parquet" if files[0].suffix.lower() == ".parquet" else "arrow"
    place = str(cache_folder() / "arrow")
    return {
        part: datasets.load_dataset(kind, data_files=groups[part], split="train", cache_dir=place)
        for part in ("", "train", "validation", "test")
        if part in groups
    }


def _value_column(folder: Path, datasets: Any, features: Mapping[str, Any]) -> str:
    """The column of data points: the only one of pictures, else one with a usual name or the only array."""
    pictures = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    if len(pictures) == 1:
        return pictures[0]
    named = [n for n in features if n in _PICTURES or array_role(n) == ("", "values")]
    arrays = [
        name for name, kind in features.items() if not isinstance(kind, datasets.Value | datasets.ClassLabel)
    ]
    for candidates in (named, arrays):
        if len(candidates) == 1:
            return candidates[0]
    raise DataError(
        f"{folder}: cannot tell which column holds the data points: {', '.join(features)}; choose one by "
        "data.array=NAME"
    )


def _labels(table: Any, name: str) -> np.ndarray:
    kind, values = table.features[name], np.asarray(table[name][:])
    names = getattr(kind, "names", None)
    return np.asarray(names)[values] if names else values


def _values(
    datasets: Any, table: Any, column: str, folder: Path, identity: Identity, options: ImageOptions
) -> tuple[LazyArray, str]:
    """The data points of one part, and a note about the size of pictures."""
    if isinstance(table.features[column], datasets.Image):
        raw = table.select_columns([column]).cast_column(column, datasets.Image(decode=False))

        def read(number: int) -> bytes:
            found = raw[number][column]
            return found["bytes"] if found["bytes"] is not None else Path(found["path"]).read_bytes()

        headers = np.array(
            [read_header(read(n), f"{folder}: picture {n}") for n in range(len(raw))], np.int64
        )
        return pictures_array(read, headers, folder, identity, options)
    numbers = table.select_columns([column]).with_format("numpy")
    first = np.asarray(numbers[0][column])
    if first.dtype.kind not in "biuf" or first.ndim == 0:
        raise DataError(
            f"{folder}: column {column!r} holds no arrays of numbers; choose another by data.array"
        )
    return ColumnArray(numbers, column, (len(table), *first.shape), first.dtype, identity), ""


class ColumnArray(LazyArray):
    """A column of arrays of one shape, of a table of `datasets` in the format of NumPy.

    Args:
        table: the table.
        column: its name.
        shape, dtype, identity: as for `LazyArray`.
    """

    def __init__(self, table: Any, column: str, shape: Sequence[int], dtype: Any, identity: Identity):
        super().__init__(shape, dtype, (*identity, column))
        self._table, self._column = table, column

    def read(self, rows: np.ndarray) -> np.ndarray:
        found = np.asarray(self._table[rows.tolist()][self._column])
        if found.shape != (len(rows), *self.shape[1:]):
            raise DataError(f"column {self._column!r}: its arrays have different shapes; make them alike")
        return found.astype(self.dtype, copy=False)
