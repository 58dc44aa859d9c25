"""Data: from a name or a path to arrays, splits and batches.

`vaekit.config` and everything above it may import it; it imports `utils` only. Torch is imported with
`observe`.

    load_dataset      the dataset of a catalog name, an imported name, or a path
    import_data       read data once and store it under a name
    split             training, validation and test images, as published or drawn with a seed
    observe           images as the model sees them: binary, discrete or continuous
    suggest           the observation, likelihood and network that suit a dataset
    catalog           the datasets with names

>>> import torch
>>> from vaekit.data import load_dataset, observe, split
>>> dataset = load_dataset("digits")
>>> parts = split(dataset, validation=100, test=100)
>>> images = observe(dataset, parts.train, "dynamic", training=True)
>>> images.batch(torch.arange(5)).shape
torch.Size([5, 1, 8, 8])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaekit.data import catalog
from vaekit.data.dataset import Dataset
from vaekit.data.describe import Suggestion, suggest
from vaekit.data.load import import_data, load_dataset
from vaekit.data.splits import Splits, split

if TYPE_CHECKING:
    from vaekit.data.observation import OBSERVATIONS, ObservedImages, observe

__all__ = [
    "OBSERVATIONS",
    "Dataset",
    "ObservedImages",
    "Splits",
    "Suggestion",
    "catalog",
    "import_data",
    "load_dataset",
    "observe",
    "split",
    "suggest",
]

_NEEDS_TORCH = ("OBSERVATIONS", "ObservedImages", "observe")


def __getattr__(name: str) -> Any:
    if name in _NEEDS_TORCH:
        from vaekit.data import observation

        return getattr(observation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
