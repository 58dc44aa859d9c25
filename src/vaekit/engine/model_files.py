"""Write a trained model into a folder, and read it back.

    model/config.json           recipe, preprocessing, names of classes and attributes, versions
    model/model.safetensors     the weights, and the labels of a conditional model with their probabilities

config.json has the SHA-256 of the weights, and of its own content (`vaekit.utils.seal`). Both files are plain
data. Loading a model runs no code that came with it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

import vaekit
from vaekit.config.build import build_model, use_data_units
from vaekit.config.loading import parse_recipe
from vaekit.config.outside_code import check_copies, copy_components, with_absolute_files
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.fingerprint import fingerprint
from vaekit.data.table_source import TableSource
from vaekit.engine.trained_model import TrainedModel
from vaekit.engine.untrusted import MAX_CONFIG, bounded_building, check_model_folder
from vaekit.errors import InvalidError, NotFoundError, brief, first_line
from vaekit.models.labels import LabelPrior
from vaekit.models.vae import VAE
from vaekit.registry import Trust
from vaekit.spec import Preprocessing
from vaekit.utils.io import write_whole
from vaekit.utils.paths import exists, is_file
from vaekit.utils.seal import read_sealed, sealed

FORMAT = 2
MAX_VALUES = 2**31  # of a data point


def save_model(
    folder: Path, model: VAE, recipe: Recipe, dataset: Dataset, preprocessing: Preprocessing | None = None
) -> Path:
    """Write config.json and model.safetensors into a folder, each whole or not at all.

    Args:
        preprocessing: how data become model values; None if it is not known.

    Raises:
        VaekitError: a file cannot be written.

    Example:
        >>> import tempfile, vaekit
        >>> trained = vaekit.demo()
        >>> folder = Path(tempfile.mkdtemp())
        >>> saved = save_model(folder, trained.model, trained.recipe, trained.load_data()[0])
        >>> sorted(file.name for file in saved.iterdir())
        ['config.json', 'model.safetensors']
    """
    seen = TrainedModel(
        model, recipe, dataset.shape, dataset.label_names, folder, fingerprint(dataset),
        dataset.attribute_names, preprocessing, dataset.table,
    )  # fmt: skip
    return save(seen, folder)


def save(trained: TrainedModel, folder: str | Path) -> Path:
    """Write a trained model into a folder, from which `vaekit.load` reads it.

    Args:
        trained: as `vaekit.fit` returns it.
        folder: is made if it does not exist; a model that it holds is replaced.

    Raises:
        VaekitError: a file cannot be written.

    Example:
        >>> import tempfile, vaekit
        >>> folder = save(vaekit.demo(), Path(tempfile.mkdtemp()) / "model")
        >>> vaekit.load(folder)
        TrainedModel('demo', 1 x 28 x 28 images, 2 latents)
    """
    folder, recipe, model = Path(folder), trained.recipe, trained.model
    training = recipe.training.model_copy(update={"callbacks": [], "logger": []})  # using a model calls none
    tree, components = copy_components(recipe.model_copy(update={"training": training}), folder)
    preprocessing, table = trained.preprocessing, trained.table
    config = {
        "format": FORMAT,
        "vaekit": vaekit.__version__,
        "shape": list(trained.shape),
        "label_names": list(trained.label_names),
        "attribute_names": list(trained.attribute_names),
        "data": trained.fingerprint,
        "preprocessing": preprocessing and preprocessing.to_dict(),
        **({"table": table.to_dict()} if table else {}),
        "recipe": tree,
        **({"components": components} if components else {}),
    }
    weights = weights_bytes(model.state_dict())
    config["weights"] = hashlib.sha256(weights).hexdigest()
    write_whole(folder / "model.safetensors", weights)
    write_whole(folder / "config.json", (json.dumps(sealed(config), indent=2) + "\n").encode())
    return folder


def weights_bytes(weights: Mapping[str, torch.Tensor]) -> bytes:
    """The content of model.safetensors for the weights of a model.

    Example:
        >>> import vaekit
        >>> trained = vaekit.demo()
        >>> file = trained.source / "model.safetensors"
        >>> weights_bytes(trained.model.state_dict()) == file.read_bytes()
        True
    """
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})


def weights_digest(weights: Mapping[str, torch.Tensor]) -> str:
    """The SHA-256 of the file of some weights, as in config.json and in evaluations.

    Example:
        >>> weights_digest({"w": torch.zeros(2)})[:8]
        '...'
    """
    return hashlib.sha256(weights_bytes(weights)).hexdigest()


def load_model(
    path: str | Path,
    device: str | torch.device = "cpu",
    trust: Trust = False,
    model: VAE | None = None,
) -> TrainedModel:
    """Load a trained model from its folder, or from its file of weights with config.json beside it.

    Args:
        path: the folder or file.
        device: where the model is put.
        trust: the modules and files from outside vaekit that may be imported, if the model names any; True
            for all.
        model: a module that was built by hand, of the architecture that was saved; it gets the weights.

    Raises:
        NotFoundError: a file is missing.
        InvalidError: a file is damaged, or the files do not belong together.
        UntrustedError: the model names code from outside vaekit that is not trusted.

    Example:
        >>> import vaekit
        >>> load_model(vaekit.demo().source)
        TrainedModel('demo', 1 x 28 x 28 images, 2 latents)
    """
    if not exists(path):
        raise NotFoundError(f"{path}: no such run directory, model directory or file of weights")
    if is_file(path):
        folder = Path(path).parent
    else:
        folder = Path(path)
        check_model_folder(folder)
    config = read_config(folder / "config.json")
    recipe = parse_config_recipe(config, folder, trust)
    shape, names = tuple(config["shape"]), tuple(config["label_names"])
    file = folder / "model.safetensors"
    preprocessing, table = _read_preprocessing(config, folder)
    weights = read_weights(file)
    if model is None:
        model = restore_model(recipe, shape, weights, str(file), preprocessing)
    else:
        load_weights_into(model, weights, str(file))
        use_data_units(model, preprocessing)
    data, attributes = str(config.get("data", "")), tuple(config.get("attribute_names", ()))
    return TrainedModel(
        model.to(device).eval(), recipe, shape, names, folder, data, attributes, preprocessing, table
    )


def _read_preprocessing(
    config: dict[str, Any], folder: Path
) -> tuple[Preprocessing | None, TableSource | None]:
    tree, table = config.get("preprocessing"), config.get("table")
    try:
        preprocessing = Preprocessing.from_dict(tree) if tree else None
        return preprocessing, TableSource.from_dict(table) if table else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidError(
            f"{folder / 'config.json'}: preprocessing: {first_line(error)}; save the model anew"
        ) from error


def parse_config_recipe(config: dict[str, Any], folder: Path, trust: Trust = False) -> Recipe:
    """The recipe in the configuration of a model, with the components that are saved beside it.

    Args:
        config: the content of config.json.
        folder: where it lies.
        trust: as for `load_model`.

    Raises:
        RecipeError: it does not fit the schema.
        UntrustedError: it names code from outside vaekit that is not trusted.
        InvalidError: the file of a component was changed.

    Example:
        >>> import vaekit
        >>> folder = vaekit.demo().source
        >>> parse_config_recipe(read_config(folder / "config.json"), folder).name
        'demo'
    """
    check_copies(config.get("components", ()), folder)
    return parse_recipe(with_absolute_files(config["recipe"], folder), str(folder / "config.json"), trust)


def restore_model(
    recipe: Recipe,
    shape: tuple[int, ...],
    weights: dict[str, torch.Tensor],
    source: str,
    preprocessing: Preprocessing | None = None,
) -> VAE:
    """Build the model of a recipe and load saved weights into it.

    Args:
        source: the file of the weights, for messages.
        preprocessing: how data become model values.

    Raises:
        InvalidError: the weights are of another architecture.

    Example:
        >>> import vaekit
        >>> trained = vaekit.demo()
        >>> restore_model(trained.recipe, trained.shape, trained.model.state_dict(), "demo").latent_dim
        2
    """
    values = weights.get("labels.values")
    if recipe.model.condition and (values is None or values.dim() != 2):
        raise InvalidError(
            f"{source}: expected labels.values (M, m), the labels of a conditional model, got none"
        )
    labels = None if values is None or not recipe.model.condition else LabelPrior(values)
    with bounded_building(sum(tensor.numel() for tensor in weights.values()), source):
        model = build_model(recipe.model, shape, labels=labels, preprocessing=preprocessing)
    load_weights_into(model, weights, source)
    return model


def load_weights_into(model: VAE, weights: dict[str, torch.Tensor], source: str) -> None:
    """Load weights into a model of the same architecture.

    Raises:
        InvalidError: names or shapes differ.

    Example:
        >>> import vaekit
        >>> load_weights_into(vaekit.demo().model, {}, "weights")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        vaekit.errors.InvalidError: weights: the weights are of another architecture: ...
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
    """Read config.json of a model.

    Raises:
        NotFoundError, InvalidError: as `load_model`.

    Example:
        >>> import vaekit
        >>> read_config(vaekit.demo().source / "config.json")["format"]
        2
    """
    try:
        config = read_sealed(file, "copy the model again", MAX_CONFIG)
        shape, names, form = config["shape"], config["label_names"], config["format"]
        attributes = config.get("attribute_names", [])
        sound = (
            1 <= len(shape) <= 4
            and all(type(n) is int and 0 < n < 10**9 for n in shape)
            and math.prod(shape) < MAX_VALUES
            and isinstance(names, list)
            and isinstance(attributes, list)
            and all(isinstance(name, str) for name in (*names, *attributes))
            and "recipe" in config
        )
    except FileNotFoundError:
        raise NotFoundError(
            f"{file}: not found; expected a run directory, a model directory or its weights' file"
        ) from None
    except InvalidError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise InvalidError(f"{file}: not a model's configuration ({brief(first_line(error), 200)})") from None
    if form == 1:
        raise InvalidError(
            f"{file}: format 1, from an earlier vaekit; convert it with: vaekit migrate {file.parent}"
        )
    if not sound or form != FORMAT:
        raise InvalidError(
            f"{file}: expected format {FORMAT} with the shape of a data point, such as (C, H, W); "
            f"got format {brief(form)}, shape {brief(shape)}"
        )
    return config


def check_weights(content: bytes, file: Path) -> None:
    """Check that the content of model.safetensors is what config.json beside it was saved with.

    Raises:
        InvalidError: its SHA-256 differs, or config.json is damaged.

    Example:
        >>> import vaekit
        >>> check_weights(b"", vaekit.demo().source / "model.safetensors")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        vaekit.errors.InvalidError: ...model.safetensors: not the weights that ...
    """
    config = file.parent / "config.json"
    recorded = read_config(config).get("weights") if config.is_file() else None
    if recorded is not None and hashlib.sha256(content).hexdigest() != recorded:
        raise InvalidError(
            f"{file}: not the weights that {config} was saved with: their SHA-256 differs; copy both files "
            "again, or train again"
        )


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Read model.safetensors, and check it against config.json beside it.

    Raises:
        NotFoundError, InvalidError: it is missing, damaged, or of another model.

    Example:
        >>> import vaekit
        >>> len(read_weights(vaekit.demo().source / "model.safetensors")) > 10
        True
    """
    if not is_file(file):
        raise NotFoundError(f"{file}: not found; a model directory holds config.json and model.safetensors")
    try:
        content = file.read_bytes()
        check_weights(content, file)
        return load_tensors(content)
    except InvalidError:
        raise
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidError(f"{file}: damaged weights ({error}); copy or train the model again") from None
