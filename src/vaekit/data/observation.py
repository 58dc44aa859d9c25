"""What the model sees of an image: its gray levels, or a binary image.

With a gray level v in 0..255 and p = v / 255, the observation x is

    threshold   x = 1 if p > 1/2, else 0
    static      x ~ Bernoulli(p), drawn once
    dynamic     x ~ Bernoulli(p), drawn again at each use in training; like `static` otherwise
    discrete    x = p, one of 256 gray levels
    continuous  x = p, a real number
    counts      x = v, an integer from 0 on

Values in the units of their source become x by the `Preprocessing` of the model instead.

Static draws depend on the seed and on the index of the image in the dataset only, so image i looks the same
in every subset, batch and process (Salakhutdinov and Murray 2008 used one such draw).

Data of over a gibibyte are shuffled by blocks: the order of an epoch visits blocks of a mebibyte at random,
and mixes the images of 64 of them. It depends on the seed, the epoch and the data, and not on the memory or
on how the data are packed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vaekit.data.dataset import Dataset
from vaekit.data.lazy import LazyArray
from vaekit.data.masks import MaskSampler, observed_pixels
from vaekit.data.preprocessing import fit_preprocessing
from vaekit.data.read_ahead import Hint, ReadAhead
from vaekit.errors import DataError, did_you_mean
from vaekit.spec import Column, Preprocessing
from vaekit.utils.memory import available_memory, release_pages
from vaekit.utils.random import block_order, epoch_order

OBSERVATIONS = ("threshold", "static", "dynamic", "discrete", "continuous", "counts")

SHUFFLED_WHOLE = 1 << 30  # bytes of data that are shuffled as a whole; larger data are shuffled by blocks
BLOCK_BYTES = 1 << 20
GROUP = 64  # blocks whose images are mixed

_BLOCK = 16  # images per random stream; a larger block wastes more random numbers, a smaller one is slower

ReadByIndex = Callable[[np.ndarray], np.ndarray]


class ObservedImages:
    """The images of a split as the model sees them, in batches on a device; made by `observe`.

    Args:
        read_images: a function from indices (n,) into the dataset to the stored images (n, *shape), gray
            levels or float32.
        indices: (N,) the images of the split.
        labels: what a model may be conditioned on, on the device: class numbers (N,) int64, attributes (N, m)
            float32, or None.
        classes: (N,) int64 on the device, the class numbers, or None.
        device: the device of the batches.
        divisor: batch = stored / divisor; 255 for 256 gray levels.
        dynamic: whether each batch is sampled again from Bernoulli(stored / divisor).
        weights: (N,) float64, how much each image counts; None for equal weights.
        has_missing: whether the stored images may hold NaN.
        read_masks: a function from indices (n,) into the dataset to masks that broadcast with the images,
            such as (n, 1, H, W), True where a value is not hidden; None if nothing is hidden.
        resident: whether all images stay on the device, as `data`; otherwise `data` is None and they are read
            batch by batch.
        block: the number of images of the dataset that lie together, by which epochs are shuffled; None
            shuffles all.
        will_need: called with (first, last + 1) images that are read soon.

    >>> from vaekit.data import load_dataset
    >>> observe(load_dataset("digits"), np.arange(10), "threshold")
    ObservedImages(10 images of (1, 8, 8), cpu)
    """

    def __init__(
        self,
        read_images: ReadByIndex,
        indices: np.ndarray,
        labels: torch.Tensor | None,
        *,
        classes: torch.Tensor | None = None,
        shape: tuple[int, ...],
        device: torch.device,
        divisor: int,
        dynamic: bool,
        resident: bool,
        weights: torch.Tensor | None = None,
        has_missing: bool = False,
        read_masks: ReadByIndex | None = None,
        block: int | None = None,
        will_need: Callable[[int, int], None] | None = None,
    ) -> None:
        self._block, self._will_need = block, will_need
        self._hints: list[Hint] = []
        self._ahead: ReadAhead | None = None
        self.labels = labels
        self.classes = classes
        self.weights = weights
        self.shape = shape
        self.device = device
        self._read_images = read_images
        self._indices = indices
        self._divisor = divisor
        self._dynamic = dynamic
        self._read_masks = read_masks
        self.has_missing = has_missing or read_masks is not None
        self.data = torch.from_numpy(read_images(indices)).to(device) if resident else None
        self._mask = torch.from_numpy(read_masks(indices)).to(device) if read_masks and resident else None

    def __repr__(self) -> str:
        return f"ObservedImages({len(self)} images of {tuple(self.shape)}, {self.device})"

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def indices(self) -> np.ndarray:
        """(N,), the indices of these images in the dataset."""
        return self._indices

    def batch(self, indices: torch.Tensor, rows: slice | None = None) -> torch.Tensor:
        """The images at `indices` (B,) int64 of this split: (B, *shape) float32 on the device.

        Missing values are NaN; there are none unless `has_missing` is true. Dynamic training images are
        sampled with torch's global generator of the device.

        Args:
            indices: of the whole batch.
            rows: the part of it that is returned; random numbers are those of the whole batch.
        """
        whole, indices = len(indices), indices if rows is None else indices[rows]
        images = self._gather(self.data, self._read_images, indices)
        if self._dynamic:
            x = draw_binary(images) if rows is None else draw_binary(images, whole, rows.start)
        else:
            x = images.to(torch.float32)
            x = x if self._divisor == 1 else x / self._divisor
        if self.has_missing:
            x = torch.where(images.isnan(), images, x)
        if self._read_masks is not None:
            x = x.masked_fill(~self._gather(self._mask, self._read_masks, indices), torch.nan)
        return x

    def epoch_order(self, seed: int, epoch: int) -> torch.Tensor:
        """The order (N,) in which an epoch visits the images; by blocks for data of over a gibibyte."""
        if self._block is None:
            return epoch_order(seed, epoch, len(self))
        blocks = self._indices // self._block
        starts = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(self)]
        order, groups = block_order(seed, epoch, starts, GROUP)
        self._hints, place = [], 0
        for group in groups:
            ranges = [(starts[block], starts[block + 1]) for block in group]
            rows = [(int(self._indices[a]), int(self._indices[b - 1]) + 1) for a, b in ranges]
            self._hints.append(Hint(place, rows))
            place += sum(b - a for a, b in ranges)
        return order

    def read_ahead(
        self, order: torch.Tensor, size: int, rows_of: Callable[[int], slice] | None = None
    ) -> None:
        """Begin to read the batches of an order, unless all images are on the device.

        `batch` takes what was read, if it is called with these batches.

        Args:
            order: (n,) indices.
            size: of a batch.
            rows_of: the part of a batch of so many images that is read here; all of it if None.
        """
        if self.data is None:
            skipped = len(self) - len(order)
            hints = [hint._replace(place=hint.place - skipped) for hint in self._hints]
            current = max((place for place, hint in enumerate(hints) if hint.place <= 0), default=0)
            self._hints = []
            whole = order.cpu().split(size)
            batches = whole if rows_of is None else [part[rows_of(len(part))] for part in whole]
            self._ahead = ReadAhead(
                self._read_images, self._indices, batches, size, hints[current:], self._will_need
            )

    def all(self) -> torch.Tensor:
        """All images of the split, (N, *shape) float32, in order."""
        return self.batch(torch.arange(len(self), device=self.device))

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
        """Images and labels of the split in order, `size` at a time; the last batch may be smaller."""
        self.read_ahead(torch.arange(len(self)), size)
        for indices in torch.arange(len(self), device=self.device).split(size):
            yield self.batch(indices), None if self.labels is None else self.labels[indices]

    def _gather(
        self, resident: torch.Tensor | None, read: ReadByIndex, indices: torch.Tensor
    ) -> torch.Tensor:
        """The values at `indices`, from the device if they are resident, or else from the dataset."""
        if resident is not None:
            return resident.index_select(0, indices.to(self.device))
        if read is self._read_images and self._ahead and (found := self._ahead.take(indices)) is not None:
            return found.to(self.device)
        return torch.from_numpy(read(self._indices[indices.cpu().numpy()])).to(self.device)


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
    condition_on: str = "label",
    preprocessing: Preprocessing | None = None,
) -> ObservedImages:
    """The images of a split as the model sees them.

    Args:
        dataset: the dataset.
        indices: (N,) indices of the images.
        observation: one of OBSERVATIONS.
        training: whether `dynamic` draws again at each use.
        seed: the seed of static draws and of masks.
        device: the device of the batches.
        resident: whether to hold all images on the device; by default if they take less than a third of its
            free memory. The numbers are the same either way.
        missing: the mask sampler that hides a part of every image; None hides nothing.
        condition_on: whether the labels are the class numbers ("label") or the "attributes".
        preprocessing: that of the model, for tables and other values in units of their source; by default it
            is fitted on these images.

    Raises:
        DataError: the observation is unknown, or the observation or the mask does not fit these images.

    >>> from vaekit.data import load_dataset
    >>> observe(load_dataset("digits"), np.arange(3), "threshold").all().unique()
    tensor([0., 1.])
    """
    _check(dataset, observation)
    if preprocessing is None and not (dataset.has_levels or (dataset.scaled and not dataset.columns)):
        preprocessing = fit_preprocessing(dataset, indices)
    read_masks = None if missing is None else partial(observed_pixels, missing, dataset.shape, seed=seed)
    device = torch.device(device)

    def to_device(values: np.ndarray | None) -> torch.Tensor | None:
        return None if values is None else torch.from_numpy(values[indices]).to(device)

    size = len(indices) * (dataset.images[0].nbytes + dataset.images[0].size * (missing is not None))
    observed = ObservedImages(
        _image_reader(dataset, observation, training, seed, preprocessing),
        np.asarray(indices, np.int64),
        to_device(dataset.attributes if condition_on == "attributes" else dataset.labels),
        classes=to_device(dataset.labels),
        shape=dataset.shape,
        device=device,
        divisor=dataset.divisor if dataset.is_uint8 and not _is_binary(observation, training) else 1,
        dynamic=observation == "dynamic" and training,
        resident=3 * size < _free_bytes(device) if resident is None else resident,
        weights=None if dataset.weights is None else torch.from_numpy(dataset.weights[indices]),
        has_missing=dataset.has_missing,
        read_masks=read_masks,
        block=_block_of(dataset),
        will_need=dataset.images.will_need if isinstance(dataset.images, LazyArray) else None,
    )
    if observed.data is not None:
        release_pages(dataset.images)
    return observed


def _block_of(dataset: Dataset) -> int | None:
    """The number of images of a block, by which large data are shuffled; it depends on the data alone."""
    if dataset.images.nbytes <= SHUFFLED_WHOLE:
        return None
    return max(1, BLOCK_BYTES * len(dataset) // dataset.images.nbytes)


def _is_binary(observation: str, training: bool) -> bool:
    """Whether the stored images are binary before a batch is made."""
    return observation in ("threshold", "static") or (observation == "dynamic" and not training)


def _check(dataset: Dataset, observation: str) -> None:
    if observation not in OBSERVATIONS:
        raise DataError(
            f"observation: expected one of {', '.join(OBSERVATIONS)}, got {observation!r}"
            f"{did_you_mean(observation, OBSERVATIONS)}"
        )
    if observation == "discrete" and not dataset.is_discrete:
        raise DataError(
            f"{dataset.name}: observation discrete needs gray levels 0..255, got real numbers; use continuous"
        )
    if observation in ("static", "dynamic") and dataset.has_levels and dataset.n_levels != 256:
        raise DataError(
            f"{dataset.name}: observation {observation} needs 256 gray levels, got {dataset.n_levels}; "
            "use discrete or continuous"
        )
    if observation not in ("continuous", "counts") and (dataset.columns or not dataset.scaled):
        raise DataError(
            f"{dataset.name}: observation {observation} needs gray levels or values in [0, 1], got "
            f"{'a table' if dataset.columns else 'values of another range'}; use continuous"
        )
    if observation == "counts" and any(
        column.kind != "count" for column in dataset.columns or (Column("x"),)
    ):
        raise DataError(f"{dataset.name}: observation counts needs columns of counts only; use continuous")


def _image_reader(
    dataset: Dataset, observation: str, training: bool, seed: int, preprocessing: Preprocessing | None
) -> ReadByIndex:
    """The function that reads images by index, with missing values as NaN."""
    if preprocessing is not None and (dataset.columns or not dataset.scaled):
        return lambda indices: preprocessing.to_model(dataset.in_units(indices))
    images, read = dataset.images, _complete_image_reader(dataset, observation, training, seed)
    if dataset.has_levels and not dataset.is_uint8 and observation in ("discrete", "continuous"):
        return lambda indices: (images[indices] / dataset.divisor).astype(np.float32)
    if not dataset.has_missing:
        return read
    # A comparison turns NaN into 0.
    return lambda indices: np.where(np.isnan(images[indices]), np.float32(np.nan), read(indices))


def _complete_image_reader(dataset: Dataset, observation: str, training: bool, seed: int) -> ReadByIndex:
    images = dataset.images
    if observation == "threshold":
        half = dataset.divisor // 2 if dataset.has_levels else 0.5
        return lambda indices: (images[indices] > half).astype(np.uint8)
    if _is_binary(observation, training):
        return lambda indices: _binarize_static(images, indices, seed)
    return lambda indices: np.ascontiguousarray(images[indices])


def _binarize_static(images: np.ndarray, indices: np.ndarray, seed: int) -> np.ndarray:
    """One Bernoulli draw per image, uint8 0 or 1; it does not depend on the other indices."""
    drawn, levels = np.empty((len(indices), *images.shape[1:]), np.uint8), images[indices]
    order = np.argsort(indices, kind="stable")
    blocks, starts = np.unique(indices[order] // _BLOCK, return_index=True)
    for block, members in zip(blocks, np.split(order, starts[1:]), strict=True):
        noise = _uniform_noise(images, seed, int(block))
        drawn[members] = noise[indices[members] % _BLOCK] < levels[members]
    return drawn


def _uniform_noise(images: np.ndarray, seed: int, block: int) -> np.ndarray:
    """Uniform noise u for one block of images with P(u < v) = v / 255 for gray levels, = v for reals."""
    generator = np.random.default_rng([seed, block])
    shape = (_BLOCK, *images.shape[1:])
    if images.dtype == np.uint8:
        return generator.integers(0, 255, shape, dtype=np.uint8)
    return generator.random(shape, dtype=np.float32)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_memory()


BYTES = 3  # random bytes per pixel


def draw_binary(images: Tensor, whole: int | None = None, start: int = 0) -> Tensor:
    """Draws from Bernoulli(v / 255) for gray levels v (uint8), or Bernoulli(p) for real numbers p.

    Args:
        images: uint8 or floating point, of any shape.
        whole: the number of images of the batch of which these are a part; all if None.
        start: the place of the first of these in it. The draws are then those of the part in a draw for the
            whole batch.

    Returns:
        0 and 1 as float32, of the same shape.

    >>> draw_binary(torch.tensor([0, 255, 255, 0], dtype=torch.uint8))
    tensor([0., 1., 1., 0.])
    """
    n = len(images) if whole is None else whole
    shape, own = (n, *images.shape[1:]), slice(start, start + len(images))
    if images.dtype != torch.uint8:
        noise = torch.rand(shape, dtype=torch.float32, device=images.device)
        return noise[own].lt_(images)
    top = torch.full_like(images, 255)
    *earlier, last = (noise.view(shape)[own] for noise in _bytes(BYTES, math.prod(shape), images.device))
    below = (last < images) | (images == top)  # exactly 1 for v = 255
    for noise in reversed(earlier):
        below = (noise < images) | ((noise == top) & below)
    return below.view(torch.uint8).to(torch.float32)


def _bytes(rows: int, n: int, device: torch.device) -> Tensor:
    """Random bytes (rows, n)."""
    if device.type == "mps":  # has no random numbers of 64 bits
        return torch.randint(0, 256, (rows, n), dtype=torch.uint8, device=device)
    words = torch.empty(rows, -(-n // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    return words.view(torch.uint8)[:, :n]
