"""A small classifier of images, whose last hidden layer gives features to compare samples in.

It is trained once on the labels and published splits of a dataset, whatever a recipe says about them, and
kept in the cache, so all models of a dataset are measured in the same space. A damaged file, or one of other
data, is replaced. If two processes need the classifier, one waits while the other trains.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from vaekit.data import Dataset, cache, split
from vaekit.data.observation import ObservedImages, observe
from vaekit.nn.networks import Dense, convolutional
from vaekit.utils.io import write_whole
from vaekit.utils.paths import cache_folder
from vaekit.utils.random import seeded

VERSION = 1  # of the cached file; another version is trained again
N_FEATURES = 64
STEPS, BATCH, LEARNING_RATE = 1000, 128, 2e-3  # two passes over MNIST
IMAGES_AT_ONCE = 500

Say = Callable[[str], None]
_log = logging.getLogger(__name__)


class FeatureClassifier(nn.Module):
    """Maps images (B, C, H, W) to features (B, 64), with mean 0 and mean variance 1 over training images.

    Args:
        shape: (C, H, W) of an image.
        classes: number of classes.

    Attributes:
        accuracy: on the test images; NaN without test images.

    Example:
        >>> model = FeatureClassifier((1, 8, 8), classes=10)
        >>> x = torch.zeros(2, 1, 8, 8)
        >>> model(x).shape, model.logits(x).shape
        (torch.Size([2, 64]), torch.Size([2, 10]))
    """

    center: Tensor
    scale: Tensor
    accuracy: Tensor

    def __init__(self, shape: tuple[int, ...], classes: int):
        super().__init__()
        self.body = (
            convolutional([shape], (N_FEATURES,), (32, 64), ())
            if min(shape[1:]) > 1
            else Dense([shape], (N_FEATURES,))
        )
        self.last = nn.Linear(N_FEATURES, classes)
        for name, value in (
            ("center", torch.zeros(N_FEATURES)),
            ("scale", torch.ones(())),
            ("accuracy", torch.nan),
        ):
            self.register_buffer(name, torch.as_tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        return (self._raw(x) - self.center) / self.scale

    def logits(self, x: Tensor) -> Tensor:
        """Unnormalized log-probabilities of the classes, (B, classes)."""
        return self.last(self._raw(x))

    def _raw(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x))


def feature_classifier(
    dataset: Dataset, device: str | torch.device = "cpu", say: Say = _log.info
) -> FeatureClassifier:
    """The classifier of a dataset, from the cache, or trained and saved there.

    Args:
        dataset: with at least two classes.
        device: where it is trained and used.
        say: called with a message before training.

    Raises:
        VaekitError: the disk is full.

    Example:
        >>> from vaekit.data import load_dataset
        >>> model = feature_classifier(load_dataset("digits"))  # doctest: +SKIP
        >>> model.accuracy > 0.9  # doctest: +SKIP
        tensor(True)
    """
    folder = cache_folder() / "features"
    file = folder / f"{_cache_key(dataset)}.safetensors"
    if cached := _load_cached(file, dataset):
        return cached.to(device)
    if not cache.is_writable(folder):
        _log.warning(
            "%s is not writable, so the classifier is trained again each time; set VAEKIT_CACHE",
            folder,
        )
        return _train(dataset, device, say)
    with cache.lock_dataset(folder, file.stem):
        return (_load_cached(file, dataset) or _save(file, _train(dataset, device, say))).to(device)


def _cache_key(dataset: Dataset) -> str:
    """The name of the dataset and a digest of everything that the classifier depends on."""
    facts = (VERSION, dataset.images.shape, dataset.images.dtype, sorted(dataset.published.items()))
    digest = hashlib.sha256(repr(facts).encode())
    for values in (dataset.images[:: max(1, len(dataset) // 256)], dataset.labels):
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"{dataset.name}-{digest.hexdigest()[:16]}"


def _load_cached(file: Path, dataset: Dataset) -> FeatureClassifier | None:
    with seeded(0):
        model = FeatureClassifier(dataset.shape, dataset.classes)
    try:
        model.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError):
        return None
    return model.eval()


def _save(file: Path, model: FeatureClassifier) -> FeatureClassifier:
    write_whole(file, save({name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}))
    return model


def _train(dataset: Dataset, device: str | torch.device, say: Say) -> FeatureClassifier:
    say(f"training a small classifier of {dataset.name} for its features; this is done once")
    splits = split(dataset, validation=0, test=0.1)
    training, held_out = (
        observe(dataset, part, "continuous", device=device) for part in (splits.train, splits.test)
    )
    with seeded(0):
        model = FeatureClassifier(dataset.shape, dataset.classes).to(device)
        _fit(model, training)
    model.eval().requires_grad_(False)
    raw = torch.cat([model(x) for x, _ in training.batches(IMAGES_AT_ONCE)])
    model.center, model.scale = raw.mean(0), raw.var(0).mean().sqrt()
    model.accuracy = _accuracy(model, held_out)
    return model


def _fit(model: FeatureClassifier, images: ObservedImages) -> None:
    """Minimize the cross-entropy of random batches with Adam and a one-cycle learning rate."""
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    labels = _labels(images)
    for _ in range(STEPS):
        chosen = torch.randint(len(images), (BATCH,))
        loss = F.cross_entropy(model.logits(images.batch(chosen)), labels[chosen.to(images.device)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _accuracy(model: FeatureClassifier, images: ObservedImages) -> Tensor:
    predicted = [model.logits(x).argmax(1) for x, _ in images.batches(IMAGES_AT_ONCE)]
    return (torch.cat(predicted) == _labels(images)).float().mean() if predicted else torch.tensor(torch.nan)


def _labels(images: ObservedImages) -> Tensor:
    assert images.classes is not None  # the dataset has classes
    return images.classes
