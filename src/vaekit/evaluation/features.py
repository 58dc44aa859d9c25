"""Feature spaces in which samples are compared with images.

- `classifier`: the last hidden layer of a small classifier, trained on the dataset's own labels. The usual
  network is trained on photographs (Heusel et al. 2017): it has to be downloaded, and does not fit digits.
  Scores with this classifier are comparable only between models of the same dataset.
- `pixels`: principal components of the pixels, for data without labels.
- a function of the user, as `FILE.py:FUNCTION` or `MODULE:FUNCTION`.

The first two are standardized: over the training images each feature has mean 0, and the mean variance is 1.
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
from vaekit.spec import Preprocessing

COMPONENTS, PCA_IMAGES = 64, 5000  # principal components, and the number of images that they are fitted on
_KINDS = "classifier, pixels, FILE.py:FUNCTION or MODULE:FUNCTION"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureSpace:
    """A map from images to features.

    Args:
        kind: `classifier`, `pixels`, or the name that the user gave.
        description: a short description for reports.
        function: maps data points (B, *event) as the model sees them, float32, to features (B, F).
        accuracy: of the classifier on test images; None for other features.

    Example:
        >>> space = FeatureSpace("flat", "the pixels themselves", lambda x: x.flatten(1))
        >>> space.extract([torch.zeros(3, 1, 2, 2), torch.zeros(1, 1, 2, 2)]).shape
        torch.Size([4, 4])
    """

    kind: str
    description: str
    function: Callable[[Tensor], Tensor]
    accuracy: float | None = None

    @torch.no_grad()
    def extract(self, batches: Iterable[Tensor]) -> Tensor:
        """The features of batches of data points (B, *event): (N, F), float64 on the CPU."""
        return torch.cat([self.function(batch).double().cpu() for batch in batches])


def feature_space(
    dataset: Dataset,
    kind: str | None = None,
    device: str | torch.device = "cpu",
    say: Say = _log.info,
    preprocessing: Preprocessing | None = None,
) -> FeatureSpace:
    """The feature space for a dataset.

    Args:
        dataset: the data points.
        kind: `classifier`, `pixels`, or `FILE.py:FUNCTION` or `MODULE:FUNCTION`, a function of an array of
            data points (B, *event) as the model sees them, float32, that returns features (B, F). If None,
            the classifier for labeled images, and the pixels (or values) for anything else.
        device: where the images are.
        say: called with a message before a classifier is trained.
        preprocessing: that of the model, for tables and other values in units of their source.

    Raises:
        InvalidError: the kind is unknown, or a classifier is asked for but the data are not labeled images.
        NotFoundError: the file, module or function of the user does not exist.

    Example:
        >>> from vaekit.data import load_dataset
        >>> feature_space(load_dataset("digits"), "pixels").description
        '64 principal components of the pixels of digits'
    """
    kind = kind or ("classifier" if dataset.classes > 1 and _is_image_data(dataset) else "pixels")
    if kind == "classifier":
        return _classifier_space(dataset, device, say)
    return _pixel_space(dataset, preprocessing) if kind == "pixels" else _function_space(kind)


def _is_image_data(dataset: Dataset) -> bool:
    """Whether these are images with gray levels, or with values in [0, 1]: what a classifier is made for."""
    return len(dataset.shape) == 3 and (dataset.has_levels or dataset.scaled)


def _classifier_space(dataset: Dataset, device: str | torch.device, say: Say) -> FeatureSpace:
    if dataset.classes < 2:
        raise InvalidError(
            f"features: a classifier needs labels, but data {dataset.name!r} has none; use pixels, or your "
            "own function as FILE.py:FUNCTION"
        )
    if not _is_image_data(dataset):
        raise InvalidError(
            f"features: a classifier needs images, but data {dataset.name!r} are {dataset.noun} of shape "
            f"{dataset.shape}; use pixels, or your own function as FILE.py:FUNCTION"
        )
    model = feature_classifier(dataset, device, say)
    accuracy = model.accuracy.item()
    accuracy_text = "" if np.isnan(accuracy) else f", {accuracy:.1%} correct on test images"
    description = f"{N_FEATURES} features of a small classifier of {dataset.name}{accuracy_text}"
    return FeatureSpace("classifier", description, model, None if np.isnan(accuracy) else accuracy)


def _pixel_space(dataset: Dataset, preprocessing: Preprocessing | None) -> FeatureSpace:
    from sklearn.decomposition import PCA

    chosen = split(dataset, validation=0, test=0.1).train
    chosen = np.random.default_rng(0).permutation(chosen)[:PCA_IMAGES]
    observed = observe(dataset, np.sort(chosen), "continuous", preprocessing=preprocessing)
    images = observed.all().flatten(1).numpy()
    pca = PCA(min(COMPONENTS, *images.shape), random_state=0).fit(images)
    scale = np.sqrt(pca.explained_variance_.mean()) or 1.0
    elements = "pixels" if len(dataset.shape) == 3 else "values"
    description = f"{len(pca.components_)} principal components of the {elements} of {dataset.name}"
    project = lambda x: torch.from_numpy(pca.transform(x.flatten(1).cpu().numpy()) / scale)
    return FeatureSpace("pixels", description, project)


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
    return FeatureSpace(name, f"user-defined features {name}", partial(_call_checked, found, name))


def _import_module(place: str) -> ModuleType:
    """Import a module by its name, or by the path of its file."""
    try:
        return _import_file(place) if place.endswith(".py") else importlib.import_module(place)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise NotFoundError(f"features: {place}: not found ({error}); expected {_KINDS}") from error
    except Exception as error:
        raise InvalidError(
            f"features: {place}: fails on import ({type(error).__name__}: {error}); fix it"
        ) from error


def _import_file(path: str) -> ModuleType:
    loader = SourceFileLoader("vaekit_features", path)
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


def _call_checked(function: Callable[[np.ndarray], np.ndarray], name: str, images: Tensor) -> Tensor:
    try:
        features = np.asarray(function(images.cpu().numpy()), np.float64)
    except Exception as error:
        raise InvalidError(
            f"features: {name}: fails on images of shape {tuple(images.shape)}: {error}"
        ) from error
    if features.ndim != 2 or len(features) != len(images) or not np.isfinite(features).all():
        raise InvalidError(
            f"features: {name}: expected finite numbers of shape ({len(images)}, F), one row per image, got "
            f"shape {features.shape}"
        )
    return torch.from_numpy(features)
