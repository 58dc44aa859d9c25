"""What the model sees of an image: its levels, or a binary image drawn from them.

With level v in 0..255 and p = v / 255, an observation is

    threshold   x = [p > 1/2]
    static      x ~ Bernoulli(p), one draw for good
    dynamic     x ~ Bernoulli(p), drawn anew at each use in training; as `static` otherwise
    discrete    x = p, one of 256 gray levels
    continuous  x = p, a real number

Static draws depend on the seed and on the image's place in the dataset, and on nothing else: image i
looks the same in every subset, batch and process (Salakhutdinov and Murray 2008 fixed one such draw).

What was not observed, because the data lack it or because it is hidden on purpose, is NaN in x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vaekit.data.dataset import Dataset
from vaekit.data.masks import MaskSampler, observed_pixels
from vaekit.errors import DataError, did_you_mean
from vaekit.utils.memory import available_memory, release_pages

OBSERVATIONS = ("threshold", "static", "dynamic", "discrete", "continuous")

_BLOCK = 16  # images that share one random stream: few enough to draw in vain, enough to be quick

Rows = Callable[[np.ndarray], np.ndarray]


class ObservedImages:
    """The images of a split as the model sees them, ready to be taken in batches on a device.

    Args:
        rows: indices into the dataset (n,) -> what is stored of those images, uint8 or float32 (n, C, H, W).
        indices: (N,) the images of the split.
        labels: what a model may be told, on the device: class numbers (N,) int64, attributes (N, m) float32,
            or None.
        classes: (N,) int64 on the device, the class numbers, or None.
        device: where batches are wanted.
        divisor: batch = stored / divisor; 255 for levels.
        drawn: whether each batch is drawn anew from Bernoulli(stored / divisor).
        has_missing: whether what is stored may hold NaN.
        left: indices into the dataset (n,) -> what is not hidden of those images, bool (n, 1, H, W); None
            where nothing is.
        resident: whether everything is held on the device, as `data`, or gathered batch by batch (`data` is
            then None).
    """

    def __init__(
        self,
        rows: Rows,
        indices: np.ndarray,
        labels: torch.Tensor | None,
        *,
        classes: torch.Tensor | None = None,
        shape: tuple[int, int, int],
        device: torch.device,
        divisor: int,
        drawn: bool,
        resident: bool,
        has_missing: bool = False,
        left: Rows | None = None,
    ) -> None:
        self.labels = labels
        self.classes = classes
        self.shape = shape
        self.device = device
        self._rows = rows
        self._indices = indices
        self._divisor = divisor
        self._drawn = drawn
        self._left = left
        self.has_missing = has_missing or left is not None
        self.data = torch.from_numpy(rows(indices)).to(device) if resident else None
        self._mask = torch.from_numpy(left(indices)).to(device) if left and resident else None

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def indices(self) -> np.ndarray:
        """(N,): which images of the dataset these are."""
        return self._indices

    def batch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images at `indices` (B,) int64 of this split: (B, C, H, W) float32 in [0, 1] on the device.

        NaN where they were not observed, which is nowhere unless the split is `has_missing`. Dynamic training
        data is drawn anew with torch's global generator of the device.
        """
        images = self._gathered(self.data, self._rows, indices)
        seen = draw_binary(images) if self._drawn else self._plain(images)
        return self._without_missing(images, seen, indices) if self.has_missing else seen

    def _plain(self, images: torch.Tensor) -> torch.Tensor:
        numbers = images.to(torch.float32)
        return numbers if self._divisor == 1 else numbers / self._divisor

    def _without_missing(
        self, images: torch.Tensor, seen: torch.Tensor, indices: torch.Tensor
    ) -> torch.Tensor:
        seen = torch.where(images.isnan(), images, seen)
        if self._left is None:
            return seen
        return seen.masked_fill(~self._gathered(self._mask, self._left, indices), torch.nan)

    def all(self) -> torch.Tensor:
        """All images of the split, (N, C, H, W) float32, in order."""
        return self.batch(torch.arange(len(self), device=self.device))

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
        """Images and labels of the split in order, `size` at a time; the last batch may be smaller."""
        for indices in torch.arange(len(self), device=self.device).split(size):
            yield self.batch(indices), None if self.labels is None else self.labels[indices]

    def _gathered(self, held: torch.Tensor | None, rows: Rows, indices: torch.Tensor) -> torch.Tensor:
        """From what is held on the device, or from the rows of the dataset."""
        if held is not None:
            return held.index_select(0, indices.to(self.device))
        return torch.from_numpy(rows(self._indices[indices.cpu().numpy()])).to(self.device)


def observe(
    dataset: Dataset,
    indices: np.ndarray,
    observation: str,
    *,
    training: bool = False,
    seed: int = 0,
    device: str | torch.device = "cpu",
    resident: bool | None = None,
    missing: MaskSampler | None = None,
    told: str = "label",
) -> ObservedImages:
    """A split of a dataset as the model sees it.

    Args:
        dataset: where the images are.
        indices: (N,) which of them.
        observation: one of OBSERVATIONS.
        training: whether `dynamic` draws anew at each use.
        seed: of the static draw, and of what is hidden.
        device: where batches are wanted.
        resident: hold everything on the device; None does so where it takes less than a third of what
            is free there. The numbers are the same either way.
        missing: what is hidden of every image; None hides nothing.
        told: whether labels are the class numbers, or the "attributes".

    Raises:
        DataError: the observation is unknown, or it or what is hidden is not defined for these images.
    """
    _check(dataset, observation)
    rows = _rows_of(dataset, observation, training, seed)
    left = None if missing is None else partial(_left, missing, dataset.shape, seed)
    device = torch.device(device)

    def some(values: np.ndarray | None) -> torch.Tensor | None:
        return None if values is None else torch.from_numpy(values[indices]).to(device)

    size = len(indices) * (dataset.images[0].nbytes + dataset.images[0, 0].size * (left is not None))
    seen = ObservedImages(
        rows,
        np.asarray(indices, np.int64),
        some(dataset.attributes if told == "attributes" else dataset.labels),
        classes=some(dataset.labels),
        shape=dataset.shape,
        device=device,
        divisor=255 if dataset.is_levels and not _binary(observation, training) else 1,
        drawn=observation == "dynamic" and training,
        resident=3 * size < _free_bytes(device) if resident is None else resident,
        has_missing=dataset.has_missing,
        left=left,
    )
    if seen.data is not None:
        release_pages(dataset.images)
    return seen


def _left(missing: MaskSampler, shape: tuple[int, int, int], seed: int, indices: np.ndarray) -> np.ndarray:
    return observed_pixels(missing, shape, indices, seed)


def _binary(observation: str, training: bool) -> bool:
    return observation in ("threshold", "static") or (observation == "dynamic" and not training)


def _check(dataset: Dataset, observation: str) -> None:
    if observation not in OBSERVATIONS:
        raise DataError(
            f"observation: expected one of {', '.join(OBSERVATIONS)}, but {observation!r} came"
            f"{did_you_mean(observation, OBSERVATIONS)}"
        )
    if observation == "discrete" and not dataset.has_levels:
        raise DataError(
            f"{dataset.name}: observation discrete needs levels 0..255, but the images are real numbers; "
            "use continuous"
        )


def _rows_of(dataset: Dataset, observation: str, training: bool, seed: int) -> Rows:
    rows = _plain_rows(dataset, observation, training, seed)
    return _keeping_missing(dataset.images, rows) if dataset.has_missing else rows


def _keeping_missing(images: np.ndarray, rows: Rows) -> Rows:
    """NaN stays NaN, where a comparison would make it 0."""
    return lambda indices: np.where(np.isnan(images[indices]), np.float32(np.nan), rows(indices))


def _plain_rows(dataset: Dataset, observation: str, training: bool, seed: int) -> Rows:
    images = dataset.images
    if observation == "threshold":
        half = 127 if dataset.is_levels else 0.5
        return lambda indices: (images[indices] > half).astype(np.uint8)
    if _binary(observation, training):
        return lambda indices: _static(images, indices, seed)
    return lambda indices: np.ascontiguousarray(images[indices])


def _static(images: np.ndarray, indices: np.ndarray, seed: int) -> np.ndarray:
    """One Bernoulli draw of each image, the same whatever other images are asked for: uint8 0 or 1."""
    drawn = np.empty((len(indices), *images.shape[1:]), np.uint8)
    order = np.argsort(indices, kind="stable")
    blocks, starts = np.unique(indices[order] // _BLOCK, return_index=True)
    for block, members in zip(blocks, np.split(order, starts[1:]), strict=True):
        noise = _noise(images, seed, int(block))
        drawn[members] = noise[indices[members] % _BLOCK] < images[indices[members]]
    return drawn


def _noise(images: np.ndarray, seed: int, block: int) -> np.ndarray:
    """Uniform noise u for one block of images with P(u < v) = v / 255 for levels, = v for reals."""
    generator = np.random.default_rng([seed, block])
    shape = (_BLOCK, *images.shape[1:])
    if images.dtype == np.uint8:
        return generator.integers(0, 255, shape, dtype=np.uint8)
    return generator.random(shape, dtype=np.float32)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_memory()


BYTES = 3  # a pixel


def draw_binary(images: Tensor) -> Tensor:
    """Bernoulli(v / 255) of levels v, uint8, or Bernoulli(p) of real numbers p: float32 of the same shape."""
    if images.dtype != torch.uint8:
        return torch.rand_like(images, dtype=torch.float32).lt_(images)
    top = torch.full_like(images, 255)
    *earlier, last = (noise.view(images.shape) for noise in _bytes(BYTES, images.numel(), images.device))
    below = (last < images) | (images == top)  # white is white, with no error
    for noise in reversed(earlier):
        below = (noise < images) | ((noise == top) & below)
    return below.view(torch.uint8).to(torch.float32)


def _bytes(rows: int, n: int, device: torch.device) -> Tensor:
    """Random bytes (rows, n)."""
    if device.type == "mps":  # whose random numbers have no 64 bits
        return torch.randint(0, 256, (rows, n), dtype=torch.uint8, device=device)
    words = torch.empty(rows, -(-n // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    return words.view(torch.uint8)[:, :n]
