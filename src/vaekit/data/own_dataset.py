"""What a function of the user returns -> a dataset.

    f(**options) -> Dataset, images, (images, labels), a data frame, or a dict of images, labels, attributes

Images are (N, H, W), (N, C, H, W) or (N, H, W, C); shape, range and type are inferred as for a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.readers.raw import RawData
from vaekit.data.readers.user import dataset_of_raw
from vaekit.data.tables.frames import is_frame
from vaekit.data.tables.table import TableOptions, dataset_of_options
from vaekit.errors import DataError, first_line

_KEYS = ("images", "labels", "attributes")
_EXPECTED = "expected a Dataset, images, (images, labels), or a dict of images, labels and attributes"


def to_dataset(returned: Any, name: str, where: str, kind: str = "auto", **table: Any) -> Dataset:
    """The dataset of what a function returned.

    Args:
        returned: a dataset, arrays or tensors.
        name: of the dataset.
        where: the start of error messages.
        kind: vector, signal, image, volume, or auto to choose by the shape.
        table: how the columns of a data frame are used, as for `TableOptions`.

    Raises:
        DataError: it is something else, or the data cannot be used.

    >>> images = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)
    >>> to_dataset((images, ["a", "b", "a", "b"]), "mine", "data own.py:mine")
    Dataset('mine', 4 images of (1, 8, 8), uint8, 2 classes)
    """
    if is_frame(returned):
        return dataset_of_options(returned, TableOptions(**table), name)
    if table:
        raise DataError(
            f"{where}: {', '.join(table)} apply to tables, but it returned no data frame; leave out"
        )
    if isinstance(returned, Dataset):
        return returned
    if isinstance(returned, tuple):
        returned = dict(zip(_KEYS, returned, strict=False)) if len(returned) == 2 else None
    elif not isinstance(returned, Mapping):
        returned = {"images": returned} if hasattr(returned, "shape") else None
    if returned is None:
        raise DataError(f"{where}: {_EXPECTED}, got something else; change what it returns")
    unknown = sorted(map(str, set(returned) - set(_KEYS)))
    if unknown or returned.get("images") is None:
        raise DataError(f"{where}: {_EXPECTED}, got a dict of {', '.join(map(str, returned)) or 'nothing'}")
    try:
        arrays = {key: np.asarray(value) for key, value in returned.items() if value is not None}
    except Exception as error:
        raise DataError(f"{where}: expected arrays ({type(error).__name__}: {first_line(error)})") from error
    lengths = {key: len(array) if array.ndim else 0 for key, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: expected one row per image, got {lengths}")
    raw = RawData(arrays["images"], arrays.get("labels"), attributes=arrays.get("attributes"))
    return dataset_of_raw(raw, name, where, kind)
