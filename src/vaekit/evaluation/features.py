"""Images become points between which distances mean something: the spaces that sample quality is measured in.

- `classifier`: what a small network sees before it names the class, trained on the dataset's own labels. The
  usual network is one trained on photographs (Heusel et al. 2017): it has to be downloaded, and knows nothing
  of digits. The numbers of this one compare models of the same data, and no others.
- `pixels`: principal components of the pixels, for data without labels.
- a function of the user's own, as `FILE.py:FUNCTION` or `MODULE:FUNCTION`.

The first two are shifted and scaled so that over the training images a feature has mean 0 and, averaged over
the features, variance 1.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.machinery import SourceFileLoader
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset, split
from vaekit.data.observation import observe
from vaekit.errors import InvalidError, NotFoundError, did_you_mean
from vaekit.evaluation.feature_classifier import N_FEATURES, Say, feature_classifier

COMPONENTS, PCA_IMAGES = 64, 5000  # principal components, and the images they are found from
_KINDS = "classifier, pixels, FILE.py:FUNCTION or MODULE:FUNCTION"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureSpace:
    """A space of features.

    Attributes:
        kind: `classifier`, `pixels`, or what the user named.
        description: what it is, in words.
        function: images (B, C, H, W), float32 in [0, 1] -> features (B, F).
        accuracy: of the classifier on test images; None without one.
    """

    kind: str
    description: str
    function: Callable[[Tensor], Tensor]
    accuracy: float | None = None

    @torch.no_grad()
    def extract(self, batches: Iterable[Tensor]) -> Tensor:
        """The features of all images in batches (B, C, H, W): (N, F), float64 on the CPU."""
        return torch.cat([self.function(batch).double().cpu() for batch in batches])


def feature_space(
    dataset: Dataset, kind: str | None = None, device: str | torch.device = "cpu", say: Say = _log.info
) -> FeatureSpace:
    """The features by which images of a dataset are compared.

    Args:
        kind: `classifier`, `pixels`, or `FILE.py:FUNCTION` or `MODULE:FUNCTION`, a function of an array of
            images (B, C, H, W), float32 in [0, 1], that gives one of features (B, F). Without it the
            classifier, or for data without labels the pixels.
        device: where the images are.
        say: is told when a classifier has to be trained.

    Raises:
        InvalidError: a classifier is wanted of data without labels, or the kind is none of these.
        NotFoundError: the user's file, module or function is not there.
    """
    kind = kind or ("classifier" if dataset.classes > 1 else "pixels")
    if kind == "classifier":
        return _classifier_space(dataset, device, say)
    return _pixel_space(dataset) if kind == "pixels" else _function_space(kind)


def _classifier_space(dataset: Dataset, device: str | torch.device, say: Say) -> FeatureSpace:
    if dataset.classes < 2:
        raise InvalidError(
            f"features: data {dataset.name!r} have no labels that a classifier could learn; use pixels, or a "
            "function of your own as FILE.py:FUNCTION"
        )
    model = feature_classifier(dataset, device, say)
    accuracy = model.accuracy.item()
    known = "" if np.isnan(accuracy) else f", {accuracy:.1%} right on test images"
    words = f"{N_FEATURES} features of a small classifier of {dataset.name}{known}"
    return FeatureSpace("classifier", words, model, None if np.isnan(accuracy) else accuracy)


def _pixel_space(dataset: Dataset) -> FeatureSpace:
    from sklearn.decomposition import PCA

    chosen = split(dataset, validation=0, test=0.1).train
    chosen = np.random.default_rng(0).permutation(chosen)[:PCA_IMAGES]
    images = observe(dataset, np.sort(chosen), "continuous").all().flatten(1).numpy()
    found = PCA(min(COMPONENTS, *images.shape), random_state=0).fit(images)
    scale = np.sqrt(found.explained_variance_.mean()) or 1.0
    words = f"{len(found.components_)} principal components of the pixels of {dataset.name}"
    project = lambda x: torch.from_numpy(found.transform(x.flatten(1).cpu().numpy()) / scale)
    return FeatureSpace("pixels", words, project)


# ------------------------------------------------------------------------------------------- the user's own


def _function_space(name: str) -> FeatureSpace:
    place, _, function = name.rpartition(":")
    if not place or not function:
        raise InvalidError(
            f"features: expected {_KINDS}, got {name!r}{did_you_mean(name, ['classifier', 'pixels'])}"
        )
    module = _import_module(place)
    found = getattr(module, function, None)
    if not callable(found):
        raise NotFoundError(
            f"features: {place} has no function {function!r}{did_you_mean(function, vars(module))}"
        )
    return FeatureSpace(name, f"features of the user's own, {name}", partial(_call_checked, found, name))


def _import_module(place: str) -> ModuleType:
    """A module by its name, or by the path of its file."""
    try:
        return _import_file(place) if place.endswith(".py") else importlib.import_module(place)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise NotFoundError(f"features: {place}: not there ({error}); expected {_KINDS}") from error
    except Exception as error:
        raise InvalidError(
            f"features: {place}: fails when it is read ({type(error).__name__}: {error}); mend it"
        ) from error


def _import_file(path: str) -> ModuleType:
    loader = SourceFileLoader("vaekit_features", path)
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


def _call_checked(function: Callable[[np.ndarray], np.ndarray], name: str, images: Tensor) -> Tensor:
    try:
        found = np.asarray(function(images.cpu().numpy()), np.float64)
    except Exception as error:
        raise InvalidError(
            f"features: {name}: fails on images of shape {tuple(images.shape)}: {error}"
        ) from error
    if found.ndim != 2 or len(found) != len(images) or not np.isfinite(found).all():
        raise InvalidError(
            f"features: {name}: expected finite numbers of shape ({len(images)}, F), one row an image, got "
            f"shape {found.shape}"
        )
    return torch.from_numpy(found)
