"""The one way in: a name or a path -> a Dataset."""

from __future__ import annotations

from pathlib import Path

from vaekit.data import catalog
from vaekit.data.dataset import Dataset
from vaekit.data.resolve import resolve


def load(name_or_path: str | Path) -> Dataset:
    """The dataset of a catalogue name."""
    return resolve(catalog.entry(str(name_or_path)))
