"""A trained model with all that is needed to use it: weights, recipe, preprocessing, names of classes.

It loads its own data, and brings other data to the form that it was trained on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from vaekit.config.build import build_data, build_missing, load_data
from vaekit.config.loading import override_recipe
from vaekit.config.schema.data import TABLE_KEYS, DataSettings, is_dataset_function
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset, cache, catalog
from vaekit.data.conform import conform
from vaekit.data.dataset import NOUNS, to_layout
from vaekit.data.fingerprint import covers_all, is_same_data
from vaekit.data.in_memory import dataset_of, is_reference
from vaekit.data.labels import renumber_labels
from vaekit.data.observation import ObservedImages, observe
from vaekit.data.readers.pictures import read_pictures
from vaekit.data.readers.user import ARCHIVES, holds_pictures
from vaekit.data.splits import Splits, split
from vaekit.data.table_source import TableSource
from vaekit.data.tables import read_like
from vaekit.data.tables.files import is_table_path
from vaekit.data.tables.frames import is_frame
from vaekit.data.tables.kinds import ColumnChoice
from vaekit.data.tables.table import LABELS
from vaekit.errors import InvalidError, NotFoundError
from vaekit.models.vae import VAE
from vaekit.spec import Column, Preprocessing
from vaekit.utils.paths import exists, real_path, user_path

_log = logging.getLogger(__name__)


@dataclass(repr=False)
class LoadedModel:
    """A model in evaluation mode, with the recipe that made it.

    Attributes:
        model: the VAE, on the device that it was loaded to.
        recipe: the settings of data, model, objective and training.
        shape: the shape of a data point, such as (C, H, W).
        label_names: names of the classes of its data; empty without labels.
        source: the folder it was read from.
        fingerprint: of its training data, see `vaekit.data.fingerprint`; empty if unknown.
        attribute_names: names of the attributes of its data; empty without attributes.
        preprocessing: how data become model values, found on the training rows; None for a model that was
            saved without it.
        table: how the table of the training data is written; None for other data.
        data: the training data, where a program gave them; None for data that have a name or a path.

    Example:
        >>> import vaekit
        >>> vaekit.demo().shape
        (1, 28, 28)
    """

    model: VAE
    recipe: Recipe
    shape: tuple[int, ...]
    label_names: tuple[str, ...]
    source: Path
    fingerprint: str = ""
    attribute_names: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    table: TableSource | None = None
    data: Dataset | None = None

    def __repr__(self) -> str:
        if self.columns:
            seen = f"{len(self.columns)} columns"
        else:
            seen = f"{_format_shape(self.shape)} {NOUNS[len(self.shape)]}"
        return f"{type(self).__name__}({self.recipe.name!r}, {seen}, {self.model.latent_dim} latents)"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table that the model was trained on; empty for other data."""
        return self.preprocessing.columns if self.preprocessing else ()

    def to_data(self, x: np.ndarray) -> np.ndarray:
        """Model values (..., *shape) in the units and the layout of the data, unclamped."""
        known = self.preprocessing or Preprocessing(self.shape)
        return to_layout(known.to_data(x), self.shape, known.layout)

    @property
    def title(self) -> str:
        """Title of the recipe, or its name and data, for figures."""
        return self.recipe.title or f"{self.recipe.name} on {Path(self.recipe.data.dataset).name}"

    def with_missing(self, missing: str | None) -> Self:
        """Return a copy with a different missing-data mask.

        Args:
            missing: the mask, such as "square:12", or "none"; None keeps that of the recipe.

        Raises:
            RecipeError: no such mask.
        """
        if missing is None:
            return self
        return replace(self, recipe=override_recipe(self.recipe, [f"data.missing={missing}"]))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.model.parameters()).device

    def load_data(self, name: Any = None, labels: Any = None) -> tuple[Dataset, Splits]:
        """Load the training dataset of the model with its splits, or another dataset.

        All rows of another dataset are its test split, in order, unless it has published splits. They become
        model values as those of training did.

        Args:
            name: name or path of the other dataset, or its values, as for `vaekit.data.in_memory`.
            labels: of values that have none of their own, (N,).

        Raises:
            InvalidError: the data have another shape, or the training dataset has changed.
            NotFoundError: the training dataset is not where it was.
        """
        if not (name is None or is_reference(name)):
            return self._as_other(self._read_values(name, labels))
        if name is None and self.data is not None:
            return build_data(self.recipe.data, self.data)
        name = None if name is None else str(name)
        if not self._is_own(name):
            return self._as_other(self._read_other(self._other_settings(str(name))))
        dataset, splits = build_data(self._own_settings(name))
        if dataset.shape != self.shape:
            raise self._other_shape(dataset)
        if self.fingerprint and not covers_all(self.fingerprint):
            _log.warning(
                "%s: from an earlier vaekit, which recorded a sample of its data, so changes elsewhere in %s "
                "are not noticed",
                self.source,
                dataset.name,
            )
        if not is_same_data(self.fingerprint, dataset):
            raise InvalidError(
                f"data {dataset.name!r}: changed since {self.source} was trained on it, so its test split "
                "may contain training images; restore it, or name other data with --data"
            )
        return dataset, splits

    def _as_other(self, dataset: Dataset) -> tuple[Dataset, Splits]:
        """Another dataset, in the form of the training data, and all of its rows as the test split."""
        dataset = conform(dataset, self.preprocessing, self.shape)
        if dataset.shape != self.shape:
            raise self._other_shape(dataset)
        dataset = self._match_labels(dataset)
        if dataset.published:
            return dataset, split(dataset, validation=0, test=0.1, seed=self.recipe.data.seed)
        none = np.empty(0, np.int64)
        return dataset, Splits(none, none, np.arange(len(dataset)))

    def _read_values(self, data: Any, labels: Any) -> Dataset:
        """The dataset of values that a program gives: a table by names, or by the places of its columns."""
        if self.columns and is_frame(data):
            found = self._read_table(data)
            return found if labels is None else dataset_of(found, labels)
        dataset = dataset_of(data, labels)
        if not self.columns or isinstance(data, Dataset):
            return dataset
        if dataset.shape != (len(self.columns),):
            raise InvalidError(
                f"data {dataset.name!r}: {self.source} was trained on rows of {len(self.columns)} columns, "
                f"got {_format_shape(dataset.shape)}"
            )
        return replace(dataset, columns=())  # those of an array have places only

    def _read_table(self, path: Any) -> Dataset:
        """Another table, a file or a frame, read by the columns of the training data."""
        data = self.recipe.data
        return read_like(
            path,
            self.columns,
            label=data.label or (LABELS if self.label_names else None),
            attributes=self.attribute_names,
            weight=data.weight,
            missing_values=data.missing_values,
            missing_by_column={
                name: ColumnChoice.parse(c).missing_values for name, c in data.columns.items()
            },
        )

    def _read_other(self, settings: DataSettings) -> Dataset:
        """Other data: pictures as the model takes them, a table by its columns, or what else there is."""
        if self.columns and is_table_path(settings.dataset):
            return self._read_table(settings.dataset)
        path, like = user_path(settings.dataset), self.preprocessing
        named = (*catalog.names(), *cache.dataset_names(cache.import_folder()))
        known = settings.dataset in named or is_dataset_function(settings.dataset)
        if like is None or len(self.shape) != 3 or known or not holds_pictures(path):
            return load_data(settings)
        return read_pictures(path, like, crop=self.recipe.data.crop, strict=settings.strict)

    def _other_shape(self, dataset: Dataset) -> InvalidError:
        return InvalidError(
            f"data {dataset.name!r}: {self.source} was trained on {NOUNS[len(self.shape)]} of "
            f"{_format_shape(self.shape)}, got {_format_shape(dataset.shape)}; name other data with --data"
        )

    def _match_labels(self, dataset: Dataset) -> Dataset:
        """Number the classes of other data as in training, or check that it has the same attributes.

        Raises:
            InvalidError: the model does not know its classes or attributes.
        """
        variable, attributes = self.recipe.model.condition_on, dataset.attribute_names
        if variable == "attributes" and attributes and len(attributes) != len(self.attribute_names):
            raise InvalidError(
                f"data {dataset.name!r}: {len(attributes)} attributes, but {self.source} is conditioned on "
                f"{len(self.attribute_names)}: {', '.join(self.attribute_names)}"
            )
        return renumber_labels(dataset, self.label_names) if variable == "label" else dataset

    def _is_own(self, name: str | None) -> bool:
        """Whether a name means the training dataset, which may have moved."""
        if name is None or name == self.recipe.data.dataset:
            return True
        here, there = real_path(name), Path(self.recipe.data.dataset)
        moved = there.is_absolute() and here.name == there.name and not exists(there)
        return here == there or moved

    def _own_settings(self, name: str | None) -> DataSettings:
        """The settings of the training dataset, with the same splits.

        Raises:
            NotFoundError: no name is given, and the dataset is not where it was.
        """
        known = self.recipe.data.dataset
        moved = Path(known).is_absolute() and not exists(known) and not is_dataset_function(known)
        if name is None and moved:
            raise NotFoundError(
                f"data {known}: not found, but {self.source} was trained on it; restore it, or give its "
                "new path with --data"
            )
        return self.recipe.data.model_copy(update={"dataset": name or known})

    def _other_settings(self, name: str) -> DataSettings:
        """The settings of another dataset; images of a folder are resized to the image size of the model."""
        plain: dict[str, Any] = {
            "size": None,
            "crop": "resize",
            "color": "auto",
            "attributes": None,
            "options": {},
            **{key: DataSettings.model_fields[key].default for key in TABLE_KEYS},
            "array": self.recipe.data.array if Path(name).suffix.lower() in ARCHIVES else None,
            "points": self.recipe.data.points if exists(name) else "auto",
        }
        options = {**plain, "size": self.shape[1:]} if Path(name).is_dir() and len(self.shape) == 3 else plain
        return self.recipe.data.model_copy(update={"dataset": name, **options})

    def load_split(
        self,
        split: str = "test",
        data: str | None = None,
        images: int | None = None,
        observation: str | None = None,
    ) -> ObservedImages:
        """Load a split as the model sees it.

        Args:
            split: train, validation, test, or "all".
            data: name or path of another dataset; all of it is its test split, unless it has published ones.
            images: size of a seeded random subset; all images if not given.
            observation: another observation than that of the recipe.

        Raises:
            InvalidError: the split is empty or unknown.
        """
        dataset, splits = self.load_data(data)
        indices = self.choose(split_indices(splits, split), images)
        return self.subset(dataset, indices, observation=observation)

    def choose(self, indices: np.ndarray, images: int | None) -> np.ndarray:
        """A random subset of indices, which depends on the seed of the data; all if `images` is None."""
        if images is None or images >= len(indices):
            return indices
        order = torch.randperm(len(indices), generator=torch.Generator().manual_seed(self.recipe.data.seed))
        return indices[order[:images].sort().values.numpy()]

    def subset(
        self,
        dataset: Dataset,
        indices: np.ndarray,
        training: bool = False,
        observation: str | None = None,
    ) -> ObservedImages:
        """Observe images of a dataset by their indices, as the recipe says or by another observation."""
        spec = self.recipe.data
        return observe(
            dataset, indices, observation or spec.observation, training=training, seed=spec.seed,
            device=self.device, missing=build_missing(spec), condition_on=self.recipe.model.condition_on,
            preprocessing=self.preprocessing,
        )  # fmt: skip


def row_names(dataset: Dataset, indices: np.ndarray) -> dict[str, np.ndarray]:
    """What the rows of a result belong to: `file` names, or `row` numbers from 0.

    Example:
        >>> import vaekit
        >>> row_names(vaekit.demo().load_data()[0], np.array([5, 7]))
        {'row': array([5, 7])}
    """
    if dataset.files:
        return {"file": np.array([dataset.files[index] for index in indices])}
    return {"row": np.asarray(indices)}


def split_indices(splits: Splits, name: str) -> np.ndarray:
    """The indices (N,) of a split by its name, or of "all".

    Raises:
        InvalidError: the split is empty or unknown.

    Example:
        >>> splits = Splits(np.arange(3), np.arange(3, 4), np.arange(4, 6))
        >>> split_indices(splits, "test").tolist()
        [4, 5]
    """
    if name == "all":
        return np.sort(np.concatenate(list(vars(splits).values())))
    indices = getattr(splits, name, None)
    if indices is None or not len(indices):
        filled = [other for other, members in vars(splits).items() if len(members)]
        raise InvalidError(f"split {name!r}: no images; expected one of {', '.join(filled)}")
    return indices


def _format_shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
