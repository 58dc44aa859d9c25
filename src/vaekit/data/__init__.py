"""Names and paths -> arrays -> batches.

dataset = load("mnist")                      # a catalog name, an imported name, or a path
parts = split(dataset, validation=10_000)    # as published, or seeded
seen = observe(dataset, parts.train, "dynamic", training=True)
x = seen.batch(torch.arange(100))            # (100, 1, 28, 28), float32 in [0, 1]
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
