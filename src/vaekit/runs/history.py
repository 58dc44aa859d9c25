"""How a model came to be: a small state of each epoch, kept in the run directory at a bounded size.

    history/points.npz   the labels of the data points, and which of them they are
    history/0001.npz     of epoch 1: where q(z | x) puts each of them in a plane, and samples of the prior

A state has the posterior means of at most 1000 held-out data points in a plane, as float16, and a picture of
samples from the same latents. With more than two latents the plane has the two principal components of the
means, turned so that it is as near as possible to the plane of the epoch before (orthogonal Procrustes). At
most 100 states are kept: then every second one, every fourth, and so on, and always the last.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, NotFoundError, first_line
from vaekit.evaluation.latent import encode_batches
from vaekit.training.callbacks import FinishedEpoch
from vaekit.utils.io import write_whole
from vaekit.utils.random import seeded

FOLDER = "history"
MAX_POINTS, MAX_EPOCHS, MAX_SAMPLES = 1000, 100, 24
MAX_BYTES = 4 << 20  # of a file that is read
_PIXELS = 200_000  # of the picture of samples


class EpochState(NamedTuple):
    """The state of an epoch.

    Attributes:
        plane: (n, 2), where each data point is.
        explained: the share of the variance of the means that the plane holds.
        samples: a PNG; empty for data that are not drawn one by one.

    >>> EpochState(np.zeros((5, 2)), 1.0, b"").plane.shape
    (5, 2)
    """

    plane: np.ndarray
    explained: float
    samples: bytes


class EpochHistory:
    """A callback that keeps the state of each epoch in the run directory.

    Training calls `observe` once, before the first epoch. The random numbers of training stay what they are.

    >>> import tempfile, vaekit
    >>> trained, folder = vaekit.demo(), Path(tempfile.mkdtemp())
    >>> history = EpochHistory()
    >>> history.observe(trained, trained.load_split("test", images=20))
    >>> history(FinishedEpoch({"epoch": 1}, trained.model, folder))
    >>> kept_epochs(folder), read_state(folder, 1).plane.shape
    ([1], (20, 2))
    """

    def __init__(self) -> None:
        self._trained: TrainedModel | None = None
        self._images: ObservedImages | None = None
        self._plane: np.ndarray | None = None

    def observe(self, trained: TrainedModel, images: ObservedImages) -> None:
        """Say what is trained, and which data points are followed: the first of these.

        Args:
            trained: the model in training.
            images: held-out data points.
        """
        self._trained, self._images = trained, images

    def __call__(self, epoch: FinishedEpoch) -> None:
        if self._trained is None or self._images is None:
            return
        folder = epoch.directory / FOLDER
        if not (folder / "points.npz").is_file():
            write_whole(folder / "points.npz", _packed(self._points()))
        with seeded(0):
            plane, explained = self._project(epoch)
            picture = np.frombuffer(self._samples(epoch), np.uint8)
        state: dict[str, np.ndarray] = {
            "plane": plane.astype(np.float16),
            "explained": np.array(explained, np.float32),
            "samples": picture,
        }
        write_whole(folder / f"{epoch.number:06d}.npz", _packed(state))
        _thin(folder)

    def _points(self) -> dict[str, np.ndarray]:
        assert self._images is not None
        n = min(len(self._images), MAX_POINTS)
        classes = self._images.classes
        labels = np.full(n, -1) if classes is None else classes[:n].cpu().numpy()
        names = np.array(self._trained.label_names if self._trained else (), dtype=np.str_)
        index = np.asarray(self._images.indices[:n], np.int64)
        return {"labels": labels.astype(np.int16), "classes": names, "index": index}

    def _project(self, epoch: FinishedEpoch) -> tuple[np.ndarray, float]:
        """The posterior means in a plane, and the share of their variance there."""
        assert self._images is not None
        n, parts = min(len(self._images), MAX_POINTS), []
        for x, y in self._images.batches(256):
            parts.append((x, y))
            if sum(len(x) for x, _ in parts) >= n:
                break
        means = encode_batches(epoch.model, parts).mean[:n].astype(np.float64)
        if means.shape[1] <= 2:
            return np.pad(means, ((0, 0), (0, 2 - means.shape[1]))), 1.0
        centered = means - means.mean(0)
        _, scales, axes = np.linalg.svd(centered, full_matrices=False)
        plane, variance = centered @ axes[:2].T, float((scales**2).sum())
        before = self._plane if self._plane is not None else plane
        if before.shape == plane.shape:
            left, _, right = np.linalg.svd(plane.T @ before)
            plane = plane @ left @ right
        self._plane = plane
        return plane, float((scales[:2] ** 2).sum() / variance) if variance else 1.0

    def _samples(self, epoch: FinishedEpoch) -> bytes:
        from vaekit import plotting

        assert self._trained is not None
        if self._trained.columns:  # a row is no picture
            return b""
        pixels = int(np.prod(self._trained.shape[-2:]))
        n = max(1, min(MAX_SAMPLES, _PIXELS // max(pixels, 1)))
        labels = epoch.model.labels
        context = None if labels is None else torch.arange(n) % len(labels)
        drawn = epoch.model.sample(n, seed=0, context=context)
        return plotting.grid_png(drawn.float().cpu().numpy(), columns=min(8, n), scale=1)


def kept_epochs(run: Path) -> list[int]:
    """The epochs of a run whose state is kept, in order.

    >>> kept_epochs(Path("nowhere"))
    []
    """
    names = (file.stem for file in (run / FOLDER).glob("*.npz"))
    return sorted(int(name) for name in names if re.fullmatch(r"\d{6,9}", name))


def read_state(run: Path, epoch: int) -> EpochState:
    """The state of an epoch.

    Raises:
        NotFoundError: it is not kept.
        InvalidError: the file is damaged.

    >>> read_state(Path("nowhere"), 3)
    Traceback (most recent call last):
    vaekit.errors.NotFoundError: nowhere: the state of epoch 3 is not kept
    """
    file = run / FOLDER / f"{epoch:06d}.npz"
    if not file.is_file():
        raise NotFoundError(f"{run}: the state of epoch {epoch} is not kept")
    found = _unpacked(file)
    plane = found.get("plane", np.zeros(0))
    if plane.ndim != 2 or plane.shape[1] != 2 or len(plane) > MAX_POINTS:
        raise InvalidError(f"{file}: expected a plane of points (n, 2), got shape {plane.shape}")
    return EpochState(plane.astype(np.float32), float(found["explained"]), found["samples"].tobytes())


def read_labels(run: Path) -> tuple[list[int], list[str]]:
    """The class of each data point of the history, -1 if it has none, and the names of the classes.

    >>> read_labels(Path("nowhere"))
    ([], [])
    """
    file = run / FOLDER / "points.npz"
    if not file.is_file():
        return [], []
    found = _unpacked(file)
    return [int(label) for label in found["labels"]], [str(name) for name in found["classes"]]


def _thin(folder: Path) -> None:
    """Remove states until at most MAX_EPOCHS are left: every second, every fourth, and always the last."""
    kept = kept_epochs(folder.parent)
    step = 1
    while (
        len(remaining := [epoch for epoch in kept if (epoch - 1) % step == 0 or epoch == kept[-1]])
        > MAX_EPOCHS
    ):
        step *= 2
    for epoch in set(kept) - set(remaining):
        (folder / f"{epoch:06d}.npz").unlink(missing_ok=True)


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise InvalidError(
            f"{file}: expected arrays of a training ({first_line(error)}); delete it"
        ) from error


def tell_histories(callbacks: list[Any], trained: TrainedModel, images: ObservedImages) -> None:
    """Tell each `EpochHistory` among callbacks what is trained.

    >>> tell_histories([print], None, None)
    """
    for callback in callbacks:
        if isinstance(callback, EpochHistory):
            callback.observe(trained, images)
