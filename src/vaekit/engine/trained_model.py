"""A trained model as it is shared: its weights, and all that is needed to use them.

    model/config.json           recipe, shape of the images, names of classes and attributes, versions
    model/model.safetensors     the weights, and what a conditional model may be told

Both are plain data: loading a model runs nothing that came with it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

import vaekit
from vaekit.config.build import build_data, build_missing, build_model
from vaekit.config.loading import override_recipe, parse_recipe
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.labels import renumber_labels
from vaekit.data.observation import ObservedImages, observe
from vaekit.data.splits import Splits
from vaekit.errors import InvalidError, NotFoundError
from vaekit.models.labels import LabelPrior
from vaekit.models.vae import VAE
from vaekit.utils.io import write_whole
from vaekit.utils.memory import release_pages

FORMAT = 2


@dataclass
class TrainedModel:
    """A model in evaluation mode, with the recipe that made it.

    Attributes:
        model: on the device it was loaded to.
        recipe: of data, model, objective and training.
        shape: (C, H, W) of its images.
        label_names: of the classes of its data; empty without labels.
        source: where it was read from.
        fingerprint: of the data it was trained on; empty where that is not known.
        attribute_names: of its data; empty without attributes.
    """

    model: VAE
    recipe: Recipe
    shape: tuple[int, int, int]
    label_names: tuple[str, ...]
    source: Path
    fingerprint: str = ""
    attribute_names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Model and data, for figures."""
        return self.recipe.title or f"{self.recipe.name} on {Path(self.recipe.data.dataset).name}"

    def hiding(self, missing: str | None) -> TrainedModel:
        """The same with something else hidden of every image: "square:12", "none"; None changes nothing.

        Raises:
            RecipeError: it is nothing that can be hidden.
        """
        if missing is None:
            return self
        return replace(self, recipe=override_recipe(self.recipe, [f"data.missing={missing}"]))

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def data(self, name: str | None = None) -> tuple[Dataset, Splits]:
        """The dataset that the model was trained on, or another of the same shape, and its splits.

        Raises:
            InvalidError: where the images have another shape, or the model's own have changed.
        """
        own = self._is_own(name)
        dataset, splits = build_data(self._own(name) if own else self._other(str(name)))
        if dataset.shape != self.shape:
            raise InvalidError(
                f"data {dataset.name!r}: images are {_by(dataset.shape)}, but {self.source} was trained on "
                f"{_by(self.shape)}"
            )
        if own and self.fingerprint not in ("", fingerprint(dataset)):
            raise InvalidError(
                f"data {dataset.name!r}: changed since {self.source} was trained on it, so its test part may "
                "hold images of that training; put it back as it was, or name other data with --data"
            )
        return (dataset if own else self._understood(dataset)), splits

    def _understood(self, dataset: Dataset) -> Dataset:
        """Other data with its classes numbered as those that the model is told of, or with such attributes.

        Raises:
            InvalidError: it has classes, or attributes, that the model does not know.
        """
        told, attributes = self.recipe.model.condition_on, dataset.attribute_names
        if told == "attributes" and attributes and len(attributes) != len(self.attribute_names):
            raise InvalidError(
                f"data {dataset.name!r}: {len(attributes)} attributes, but {self.source} is told "
                f"{len(self.attribute_names)}: {', '.join(self.attribute_names)}"
            )
        return renumber_labels(dataset, self.label_names) if told == "label" else dataset

    def _is_own(self, name: str | None) -> bool:
        """Whether a name means the data that the model was trained on, wherever they lie now."""
        if name is None or name == self.recipe.data.dataset:
            return True
        here, there = Path(name).expanduser().resolve(), Path(self.recipe.data.dataset)
        moved = there.is_absolute() and here.name == there.name and not there.exists()
        return here == there or moved

    def _own(self, name: str | None) -> DataSettings:
        """The model's own data, with the splits of its training.

        Raises:
            NotFoundError: no name is given, and they are not where they were.
        """
        if name is None:
            self._present(self.recipe.data.dataset)
        return self.recipe.data.model_copy(update={"dataset": name or self.recipe.data.dataset})

    def _present(self, name: str) -> None:
        if Path(name).is_absolute() and not Path(name).exists():
            raise NotFoundError(
                f"data {name}: not there any more, but {self.source} was trained on it; put it back, or say "
                "where it is with --data"
            )

    def _other(self, name: str) -> DataSettings:
        """The recipe's data under another name; a folder of images is brought to the model's size."""
        plain = {"size": None, "crop": "resize", "color": "auto", "attributes": None}
        framing = {**plain, "size": self.shape[1:]} if Path(name).is_dir() else plain
        return self.recipe.data.model_copy(
            update={"dataset": name, "validation": 0.1, "test": 0.1, **framing}
        )

    def observed(
        self,
        split: str = "test",
        data: str | None = None,
        images: int | None = None,
        observation: str | None = None,
    ) -> ObservedImages:
        """A split as the model sees it, or otherwise observed; `images` takes a seeded random subset.

        Raises:
            InvalidError: where the split is empty or unknown.
        """
        dataset, splits = self.data(data)
        indices = split_indices(splits, split)
        if images is not None and images < len(indices):
            order = torch.randperm(
                len(indices), generator=torch.Generator().manual_seed(self.recipe.data.seed)
            )
            indices = indices[order[:images].sort().values.numpy()]
        return self.split(dataset, indices, observation=observation)

    def split(
        self,
        dataset: Dataset,
        indices: np.ndarray,
        training: bool = False,
        observation: str | None = None,
    ) -> ObservedImages:
        """Images of a dataset by their indices, observed as the recipe says if not told otherwise."""
        spec = self.recipe.data
        return observe(
            dataset, indices, observation or spec.observation, training=training, seed=spec.seed,
            device=self.device, missing=build_missing(spec), condition_on=self.recipe.model.condition_on,
        )  # fmt: skip


def split_indices(splits: Splits, name: str) -> np.ndarray:
    """The indices of one of the splits, by its name, or of "all".

    Raises:
        InvalidError: it is empty or unknown.
    """
    if name == "all":
        return np.sort(np.concatenate(list(vars(splits).values())))
    indices = getattr(splits, name, None)
    if indices is None or not len(indices):
        filled = [other for other, members in vars(splits).items() if len(members)]
        raise InvalidError(f"split {name!r}: has no images; choose one that has: {', '.join(filled)}")
    return indices


def save_model(folder: Path, model: VAE, recipe: Recipe, dataset: Dataset) -> Path:
    """Write config.json and model.safetensors into a folder, each whole or not at all."""
    config = {
        "format": FORMAT,
        "vaekit": vaekit.__version__,
        "shape": list(dataset.shape),
        "label_names": list(dataset.label_names),
        "attribute_names": list(dataset.attribute_names),
        "data": fingerprint(dataset),
        "recipe": recipe.model_dump(mode="json"),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_whole(folder / "model.safetensors", save(weights))
    write_whole(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())
    return folder


def load_model(path: str | Path, device: str | torch.device = "cpu") -> TrainedModel:
    """A trained model from its folder, or from its weights' file with config.json beside it.

    Raises:
        NotFoundError: where a file is missing.
        InvalidError: where one is damaged, or they do not belong together.
    """
    if not Path(path).exists():
        raise NotFoundError(f"{path}: no such run directory, model directory or file of weights")
    folder = Path(path).parent if Path(path).is_file() else Path(path)
    config = read_config(folder / "config.json")
    recipe = parse_recipe(config["recipe"], str(folder / "config.json"))
    shape, names = tuple(config["shape"]), tuple(config["label_names"])
    file = folder / "model.safetensors"
    model = restore_model(recipe, shape, _weights(file), str(file))
    data, attributes = str(config.get("data", "")), tuple(config.get("attribute_names", ()))
    return TrainedModel(model.to(device).eval(), recipe, shape, names, folder, data, attributes)


def fingerprint(dataset: Dataset) -> str:
    """A digest of a dataset's size, of some 256 of its images and of its attributes, to see changes by."""
    n = len(dataset.images)
    some = np.ascontiguousarray(dataset.images[:: max(1, n // 256)])
    attributes = b"" if dataset.attributes is None else dataset.attributes.tobytes()
    release_pages(dataset.images)
    content = f"{n} {some.shape} {some.dtype}".encode() + some.tobytes() + attributes
    return hashlib.sha256(content).hexdigest()[:16]


def restore_model(
    recipe: Recipe, shape: tuple[int, int, int], weights: dict[str, torch.Tensor], source: str
) -> VAE:
    """The model of a recipe with weights that were kept.

    Raises:
        InvalidError: where they are those of another architecture.
    """
    values = weights.get("labels.values")
    if recipe.model.condition and (values is None or values.dim() != 2):
        raise InvalidError(
            f"{source}: expected the labels that a conditional model is told, labels.values, got none"
        )
    labels = None if values is None or not recipe.model.condition else LabelPrior(values)
    model = build_model(recipe.model, shape, labels=labels)
    load_weights_into(model, weights, source)
    return model


def load_weights_into(model: VAE, weights: dict[str, torch.Tensor], source: str) -> None:
    """Load weights into a model of the same architecture.

    Raises:
        InvalidError: where names or shapes differ.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    different = sorted(
        name for name in expected.keys() | given.keys() if expected.get(name) != given.get(name)
    )
    if different:
        name = different[0]
        raise InvalidError(
            f"{source}: the weights are of another architecture: {name}: expected "
            f"{expected.get(name, 'none')}, got {given.get(name, 'none')} ({len(different)} differ)"
        )
    model.load_state_dict(weights)


def read_config(file: Path) -> dict[str, Any]:
    """What config.json says of a model.

    Raises:
        NotFoundError, InvalidError: as `load_model`.
    """
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        shape, names, form = config["shape"], config["label_names"], config["format"]
        sound = (
            len(shape) == 3
            and all(isinstance(n, int) and 0 < n < 100_000 for n in shape)
            and isinstance(names, list)
            and "recipe" in config
        )
    except FileNotFoundError:
        raise NotFoundError(
            f"{file}: not found; expected a run directory, a model directory or its weights' file"
        ) from None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise InvalidError(f"{file}: not a model's configuration ({error!r})") from None
    if form == 1:
        raise InvalidError(
            f"{file}: format 1, of an earlier vaekit; convert it by: vaekit migrate {file.parent}"
        )
    if not sound or form != FORMAT:
        raise InvalidError(
            f"{file}: expected format {FORMAT} with a shape (C, H, W); got format {form}, shape {shape}"
        )
    return config


def _weights(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise NotFoundError(f"{file}: not found; a model directory holds config.json and model.safetensors")
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidError(f"{file}: damaged weights ({error}); copy or train the model again") from None


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
