"""A small network that names the class of an image, kept for what it sees before it does.

It is trained once on a dataset's own labels and published splits, whatever a recipe says of them, and kept in
the cache: all models of a dataset are then measured in the same space. A file that is damaged, or of other
data, is made anew; of two processes that want it, one waits while the other trains.
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
from vaekit.utils.random import seeded

VERSION = 1  # of what is kept: another one is trained anew
N_FEATURES = 64
STEPS, BATCH, LEARNING_RATE = 1000, 128, 2e-3  # two passes over MNIST
IMAGES_AT_ONCE = 500

Say = Callable[[str], None]
_log = logging.getLogger(__name__)


class FeatureClassifier(nn.Module):
    """Images (B, C, H, W) -> features (B, 64), which over the training images have mean 0.

    Averaged over the features their variance is 1, so that distances are in units of the data's own spread.

    Attributes:
        accuracy: share of the test images that it names rightly; NaN without test images.
    """

    center: Tensor
    scale: Tensor
    accuracy: Tensor

    def __init__(self, shape: tuple[int, int, int], classes: int):
        super().__init__()
        self.body = (
            convolutional([shape], (N_FEATURES,), (32, 64), ())
            if min(shape[1:]) > 1
            else Dense([shape], (N_FEATURES,))
        )
        self.last = nn.Linear(N_FEATURES, classes)
        for name, start in (
            ("center", torch.zeros(N_FEATURES)),
            ("scale", torch.ones(())),
            ("accuracy", torch.nan),
        ):
            self.register_buffer(name, torch.as_tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        return (self._raw(x) - self.center) / self.scale

    def logits(self, x: Tensor) -> Tensor:
        """(B, classes)."""
        return self.last(self._raw(x))

    def _raw(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x))


def feature_classifier(
    dataset: Dataset, device: str | torch.device = "cpu", say: Say = _log.info
) -> FeatureClassifier:
    """The classifier of a dataset with at least two classes, from the cache, else trained and kept there.

    Args:
        device: where it is trained and used.
        say: is told when it has to be trained.

    Raises:
        VaekitError: the disk is full.
    """
    shelf = cache.cache_folder() / "features"
    file = shelf / f"{_cache_key(dataset)}.safetensors"
    if known := _load_cached(file, dataset):
        return known.to(device)
    if not cache.is_writable(shelf):
        _log.warning(
            "%s cannot be written, so the classifier is trained anew each time; set VAEKIT_CACHE", shelf
        )
        return _train(dataset, device, say)
    with cache.lock_dataset(shelf, file.stem):
        return (_load_cached(file, dataset) or _save(file, _train(dataset, device, say))).to(device)


def _cache_key(dataset: Dataset) -> str:
    """The name, and a digest of all that the classifier comes of."""
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
    say(f"training a small classifier of {dataset.name}, once, for its features")
    parts = split(dataset, validation=0, test=0.1)
    seen, held_out = (
        observe(dataset, part, "continuous", device=device) for part in (parts.train, parts.test)
    )
    with seeded(0):
        model = FeatureClassifier(dataset.shape, dataset.classes).to(device)
        _fit(model, seen)
    model.eval().requires_grad_(False)
    raw = torch.cat([model(x) for x, _ in seen.batches(IMAGES_AT_ONCE)])
    model.center, model.scale = raw.mean(0), raw.var(0).mean().sqrt()
    model.accuracy = _accuracy(model, held_out)
    return model


def _fit(model: FeatureClassifier, seen: ObservedImages) -> None:
    """Adam on the cross-entropy of random batches, its rate up and down once."""
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    labels = _labels(seen)
    for _ in range(STEPS):
        chosen = torch.randint(len(seen), (BATCH,))
        loss = F.cross_entropy(model.logits(seen.batch(chosen)), labels[chosen.to(seen.device)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _accuracy(model: FeatureClassifier, seen: ObservedImages) -> Tensor:
    named = [model.logits(x).argmax(1) for x, _ in seen.batches(IMAGES_AT_ONCE)]
    return (torch.cat(named) == _labels(seen)).float().mean() if named else torch.tensor(torch.nan)


def _labels(seen: ObservedImages) -> Tensor:
    assert seen.classes is not None  # there are classes
    return seen.classes
