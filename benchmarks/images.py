"""The images of a workload as a NumPy file that every contender reads: uint8, (N, C, H, W)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.environments import HERE
from benchmarks.workloads import Workload

FOLDER = HERE / ".cache"


def stored(workload: Workload) -> Path:
    """The path of the images of a workload; they are written if they do not exist."""
    kind = (
        workload.data if workload.data != "noise" else "x".join(map(str, (workload.images, *workload.shape)))
    )
    path = FOLDER / f"{kind}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        np.save(part, _images(workload))
        part.rename(path)
    return path


def _images(workload: Workload) -> np.ndarray:
    if workload.data == "noise":
        generator = np.random.default_rng(0)
        return generator.integers(0, 256, (workload.images, *workload.shape), dtype=np.uint8)
    from vaekit.data import load_dataset

    return np.asarray(load_dataset(workload.data).images[: workload.images])
