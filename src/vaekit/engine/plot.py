"""A plot: a figure of a trained model with its arrays, and the data that plots start from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.utils.io import write_whole

ARRAYS = ("npy", "npz")
FORMATS = ("png", "pdf", "svg", *ARRAYS)


class Plot(NamedTuple):
    """Arrays and their figure.

    Attributes:
        arrays: by name; the main array is the first.
        figure: of the arrays.

    >>> import tempfile
    >>> plot = Plot({"images": np.zeros((2, 1, 8, 8))}, Figure())
    >>> plot.save(Path(tempfile.mkdtemp()) / "zeros.npy").name
    'zeros.npy'
    """

    arrays: dict[str, np.ndarray]
    figure: Figure

    def save(self, path: str | Path) -> Path:
        """Write the figure (.png, .pdf, .svg), the main array (.npy), or all arrays (.npz).

        Raises:
            InvalidError: the suffix is none of these.
            VaekitError: the file cannot be written.
        """
        path = Path(path)
        form = path.suffix.removeprefix(".").lower()
        if form not in FORMATS:
            raise InvalidError(f"{path}: expected a name that ends in .{', .'.join(FORMATS)}")
        if form in ARRAYS:
            return write_whole(path, self._packed(form))
        return write_whole(path, plotting.render(self.figure, form))

    def _packed(self, form: str) -> bytes:
        content = io.BytesIO()
        if form == "npz":
            np.savez_compressed(content, allow_pickle=False, **self.arrays)
        else:
            np.save(content, next(iter(self.arrays.values())), allow_pickle=False)
        return content.getvalue()


def held_out_split(trained: LoadedModel) -> str:
    """The first split with two images or more: test, validation or train.

    >>> import vaekit
    >>> held_out_split(vaekit.demo())
    'test'
    """
    _, splits = trained.load_data()
    return next((name for name in ("test", "validation") if len(getattr(splits, name)) > 1), "train")


def random_images(
    trained: LoadedModel, images: ObservedImages, n: int, seed: int
) -> tuple[Tensor, Tensor | None]:
    """n random images, and their labels for a conditional model; predicted labels where the data has none.

    Args:
        trained: the model.
        images: a split.
        n: number of images.
        seed: random seed.

    Returns:
        The images (n, *event), and their label vectors (n, m) or None.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> x, y = random_images(trained, images, n=3, seed=0)
    >>> x.shape
    torch.Size([3, 1, 28, 28])
    """
    return with_labels(trained, images, random_order(len(images), n, seed))


def random_order(total: int, n: int, seed: int) -> Tensor:
    """The indices (n,) of n random data points out of `total`; of all if there are fewer.

    >>> sorted(random_order(3, n=20, seed=0).tolist())
    [0, 1, 2]
    """
    return torch.randperm(total, generator=torch.Generator().manual_seed(seed))[:n]


def with_labels(trained: LoadedModel, images: ObservedImages, order: Tensor) -> tuple[Tensor, Tensor | None]:
    """The data points at `order` (n,), and their labels, predicted where the data has none; None without."""
    x = images.batch(order)
    y = None if images.labels is None else images.labels[order.to(images.labels.device)]
    return x, labels_or_prediction(trained.model, x, y)


def first_batches(images: ObservedImages, n: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The first n images in batches."""
    for start in range(0, min(n, len(images)), 500):
        indices = torch.arange(start, min(start + 500, n, len(images)), device=images.device)
        yield images.batch(indices), None if images.labels is None else images.labels[indices]


def to_array(images: Tensor) -> np.ndarray:
    """Data points as an array of float32; figures clip what lies beyond their range.

    >>> to_array(torch.tensor([-0.5, 0.25, 2.0])).tolist()
    [-0.5, 0.25, 2.0]
    """
    return images.detach().float().cpu().numpy()
