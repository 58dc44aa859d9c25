"""Build what a recipe names: data, model, objective.

    data: settings -> Dataset, Splits
    model: settings, image shape, training images, labels -> VAE
    objective: settings -> Objective

Only this module knows both the names in a recipe and the functions that they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaekit.config.components import (
    Options,
    build_component,
    default_of,
    option_values,
)
from vaekit.config.schema.data import DataSettings, dataset_options, is_dataset_function
from vaekit.config.schema.model import ModelSettings
from vaekit.config.schema.objective import ObjectiveSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.distributions.units import DataUnits, DataUnitsHook
from vaekit.errors import DataError, RecipeError, VaekitError, first_line
from vaekit.models.build_context import BuildContext, Examples
from vaekit.models.closed_form import start_from_factors
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.head import DENSITIES, Head
from vaekit.models.labels import LabelPrior, attribute_prior, class_prior
from vaekit.models.masking import fill_missing
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.nn.columns import ColumnFeatures, OnFeatures
from vaekit.spec import Preprocessing, Scaling
from vaekit.training.accumulation import check_accumulation
from vaekit.training.freezing import frozen
from vaekit.training.settings import TrainingSettings
from vaekit.training.torch_optimizer import check_optimizer
from vaekit.utils.paths import exists
from vaekit.utils.random import all_seeded, seeded

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.data.masks import MaskSampler
    from vaekit.data.splits import Splits

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Experiment:
    """What a recipe names, built: the data, the model with its initial weights, the objective.

    Attributes:
        recipe: the settings.
        dataset, splits: the data.
        preprocessing: how data become model values, found on the training rows.
        model: with random weights, on the CPU.
        objective: with its schedule.

    >>> recipe = Recipe(data=DataSettings(dataset="digits", validation=200, test=297))
    >>> experiment = build(recipe)
    >>> experiment.model.latent_dim, len(experiment.splits.train), experiment.training.epochs
    (16, 1300, 10)
    """

    recipe: Recipe
    dataset: Dataset
    splits: Splits
    preprocessing: Preprocessing
    model: VAE
    objective: Objective

    @property
    def training(self) -> TrainingSettings:
        """The settings of training."""
        return self.recipe.training


def build(recipe: Recipe, dataset: Dataset | None = None, model: VAE | None = None) -> Experiment:
    """Build everything that a recipe names.

    Args:
        recipe: the settings.
        dataset: the data; those that the recipe names if None.
        model: a model that was built by hand, in place of that of the recipe.

    Raises:
        RecipeError: parts of the recipe do not fit together or do not fit the data.
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    Example:
        >>> recipe = Recipe(data=DataSettings(dataset="digits", validation=200, test=297))
        >>> build(recipe).objective
        Objective(elbo, free_bits=0.0, samples=1, warmup_end=0 epochs)
    """
    objective = build_objective(recipe.objective)
    check_optimizer(recipe.training)
    check_accumulation(objective, recipe.training)
    dataset, splits = build_data(recipe.data, dataset)
    preprocessing = build_preprocessing(recipe.data, dataset, splits)
    if model is None:
        model = _initial_model(recipe, dataset, splits, preprocessing)
    else:
        use_data_units(model, preprocessing)
    with frozen(model, recipe.training.freeze):
        pass  # which refuses parts that the model does not have
    return Experiment(recipe, dataset, splits, preprocessing, model, objective)


def _initial_model(recipe: Recipe, dataset: Dataset, splits: Splits, preprocessing: Preprocessing) -> VAE:
    """The model of a recipe before training."""
    labels = build_labels(recipe, dataset, splits)
    images = training_images(recipe, dataset, splits, preprocessing)
    model = build_model(
        recipe.model, dataset.shape, recipe.training.seed, images, labels, len(splits.train),
        preprocessing=preprocessing,
    )  # fmt: skip
    start(recipe, model, dataset, splits, preprocessing)
    return model


def start(recipe: Recipe, model: VAE, dataset: Dataset, splits: Splits, preprocessing: Preprocessing) -> None:
    """Set the weights of a model of a table to a closed form of its training rows, where there is one.

    See `vaekit.models.closed_form`. Other models are not changed.
    """
    from vaekit.data.observation import observe

    if not dataset.columns or recipe.model.condition:
        return
    data = recipe.data
    rows = observe(
        dataset, splits.train, data.observation, training=True, seed=data.seed, resident=False,
        missing=build_missing(data), preprocessing=preprocessing,
    )  # fmt: skip
    start_from_factors(model, rows.all(), recipe.training.seed)


def build_data(data: DataSettings, dataset: Dataset | None = None) -> tuple[Dataset, Splits]:
    """Load the dataset of a recipe, and split it.

    Args:
        data: the settings.
        dataset: the data; those that the settings name if None.

    Raises:
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    Example:
        >>> dataset, splits = build_data(DataSettings(dataset="digits", validation=200, test=297))
        >>> len(dataset), len(splits.train)
        (1797, 1300)
    """
    from vaekit.data.attributes import with_attributes
    from vaekit.data.splits import split

    dataset = load_data(data) if dataset is None else dataset
    if isinstance(data.attributes, str):
        dataset = with_attributes(dataset, data.attributes)
    parts = split(dataset, validation=data.validation, test=data.test, train=data.train, seed=data.seed)
    return dataset, parts


def load_data(data: DataSettings) -> Dataset:
    """Load the dataset of a recipe: from the catalog, from a path, or from a registered function.

    A function is called with fixed random seeds, so that it returns the same data each time.

    Raises:
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    Example:
        >>> load_data(DataSettings(dataset="digits"))
        Dataset('digits', 1797 images of (1, 8, 8), uint8, 10 classes)
    """
    from vaekit.data import cache, catalog, load_dataset
    from vaekit.data.own_dataset import to_dataset

    reference = data.dataset
    plain: dict[str, Any] = {"size": data.size, "crop": data.crop, "color": data.color}
    if stored := cache.load_stored(reference):
        return stored  # by vaekit itself, which read it by these settings
    if not is_dataset_function(reference):
        more: dict[str, Any] = {"strict": data.strict, "kind": data.points, "array": data.array}
        return load_dataset(reference, **plain, **more, **data.table_options)
    if reference in (*catalog.names(), *cache.dataset_names(cache.import_folder())) or exists(reference):
        raise DataError(
            f"data {reference!r}: is a registered function, and also a dataset or a path; name the function "
            "by MODULE:NAME, or rename one"
        )
    if plain != {"size": None, "crop": "resize", "color": "auto"}:
        raise DataError(f"data {reference}: size, crop and color apply to folders of images; leave them out")
    where = f"data {PurePath(reference).name}"
    try:
        options = dataset_options(reference, data.options)
        with all_seeded(0):
            returned = type(options).component.factory(**option_values(options))
    except VaekitError:
        raise
    except Exception as error:
        raise DataError(f"{where}: {type(error).__name__}: {first_line(error)}") from error
    return to_dataset(returned, reference.rpartition(":")[2], where, data.points, **data.table_options)


def build_preprocessing(data: DataSettings, dataset: Dataset, splits: Splits) -> Preprocessing:
    """Find how data become model values, on the training rows. Counts stay as they are.

    Example:
        >>> settings = DataSettings(dataset="digits", validation=200, test=297)
        >>> build_preprocessing(settings, *build_data(settings)).levels
        256
    """
    from vaekit.data.preprocessing import fit_preprocessing

    scaling: Scaling = "none" if data.observation == "counts" else data.scaling
    return fit_preprocessing(dataset, splits.train, scaling)


def build_missing(data: DataSettings) -> MaskSampler | None:
    """The mask sampler of a recipe, which hides a part of every image; None for nothing.

    Example:
        >>> import numpy as np
        >>> mask = build_missing(DataSettings(missing="square:2"))
        >>> int(mask(np.random.default_rng(0), (4, 4)).sum())  # 4 of 16 pixels are hidden
        12
    """
    return None if data.missing is None else build_component(data.missing)


def training_images(
    recipe: Recipe, dataset: Dataset, splits: Splits, preprocessing: Preprocessing | None = None
) -> Examples:
    """A function that samples n training images, as the model sees them, with their labels.

    A prior made of training images calls it.

    Example:
        >>> recipe = Recipe(data=DataSettings(dataset="digits", validation=200, test=297))
        >>> images, labels = training_images(recipe, *build_data(recipe.data))(3)
        >>> images.shape
        torch.Size([3, 1, 8, 8])
    """
    from vaekit.data.observation import observe

    data = recipe.data
    observed = observe(
        dataset, splits.train, data.observation, training=True, seed=data.seed, resident=False,
        missing=build_missing(data), condition_on=recipe.model.condition_on, preprocessing=preprocessing,
    )  # fmt: skip

    def sample(n: int) -> tuple[Tensor, Tensor | None]:
        chosen = torch.randperm(len(observed))[:n]
        labels = None if observed.labels is None else observed.labels[chosen]
        return fill_missing(observed.batch(chosen)), labels

    return sample


def build_labels(recipe: Recipe, dataset: Dataset, splits: Splits) -> LabelPrior | None:
    """p(y) of a conditional model, with the label frequencies of training; None for any other model.

    Raises:
        RecipeError: the dataset has no labels, or no attributes.

    Example:
        >>> recipe = Recipe.model_validate(
        ...     {"data": {"dataset": "digits", "validation": 200}, "model": {"condition": "label"}}
        ... )
        >>> len(build_labels(recipe, *build_data(recipe.data)))
        10
    """
    variable = recipe.model.condition_on
    if not variable:
        return None
    rows = {"label": dataset.labels, "attributes": dataset.attributes}[variable]
    if rows is None:
        lacking = {"label": "labels", "attributes": "attributes; add data.attributes=FILE, or columns"}
        raise RecipeError(
            f"model.condition.variable: {variable}, but the data {recipe.data.dataset} have no "
            f"{lacking[variable]}"
        )
    train = torch.from_numpy(rows[splits.train])
    if variable == "label":
        return class_prior(dataset.classes, train)
    return attribute_prior(train, recipe.data.seed)


def build_model(
    model: ModelSettings,
    shape: Shape,
    seed: int = 0,
    images: Examples | None = None,
    labels: LabelPrior | None = None,
    rows: int | None = None,
    covariates: LabelPrior | None = None,
    preprocessing: Preprocessing | None = None,
) -> VAE:
    """Build a VAE for data points of a shape, with random weights from `seed`.

    Args:
        shape: (C, H, W) for images.
        images: samples n training examples with their labels, for a prior that is made of them. Without it
            the prior starts from placeholders, which is enough if weights are loaded afterwards.
        labels: p(y) of a conditional model.
        rows: the number of training examples, if known.
        covariates: those of training, for a model that is conditioned on them.
        preprocessing: how data become model values. With it, log-densities are in units of the data, and the
            encoder sees categories as one feature per word.

    Raises:
        RecipeError: a component cannot be built, or its options do not fit the data.

    Example:
        >>> build_model(ModelSettings(latent_dim=[2, 3]), (1, 8, 8)).layer_dims
        (2, 3)
    """
    layer_dims, parts = model.layer_dims, model.conditioned_parts
    given = sum(known.label_dim for known in (labels, covariates) if known is not None)
    inputs: dict[str, list[Shape]] = {part: [(given,)] for part in parts} if given else {}
    context = replace(
        model.known_context, event_shape=shape, labels=labels, covariates=covariates, rows=rows,
        sample_training=_with_label_inputs(images, labels), preprocessing=preprocessing,
    )  # fmt: skip
    features = _column_features(preprocessing)
    try:
        model.check_components(context)
        with seeded(seed):
            likelihood = build_component(model.decoder.likelihood, context=context, event_dims=len(shape))
            _use_data_units(likelihood, preprocessing)
            encoder_inputs = [(features.size,) if features else shape, *inputs.get("encoder", [])]
            encoder = _build_layers(
                model.encoder.network, encoder_inputs, layer_dims, model.encoder.posterior, context
            )
            if features is not None:
                for layer in encoder:
                    layer.network = OnFeatures(features, layer.network)
            decoder = _build_conditional(
                model.decoder.network, [(sum(layer_dims),), *inputs.get("decoder", [])], shape, likelihood
            )
            context = replace(context, posterior=encoder[0])
            prior = _build_prior(model, context, inputs.get("prior", []))
            borrow: Any = getattr(encoder[0].head, "borrow", None)
            if borrow is not None:
                borrow(prior[0])
    except RecipeError:
        raise
    except ValueError as error:
        raise RecipeError(f"model: {error}") from error
    return VAE(
        Hierarchy(prior, layer_dims), Hierarchy(encoder, layer_dims), decoder, labels, parts, covariates
    )


def _column_features(preprocessing: Preprocessing | None) -> ColumnFeatures | None:
    """What the encoder sees of a table that has other columns than scaled numbers; None otherwise."""
    if preprocessing is None or all(
        column.is_numeric and not preprocessing.is_count for column in preprocessing.columns
    ):
        return None
    return ColumnFeatures(preprocessing.columns)


def use_data_units(model: VAE, preprocessing: Preprocessing | None) -> None:
    """Let the densities of a model that was built by hand be in units of the data.

    Its decoder may be any module; what it returned for other data is forgotten.

    >>> from vaekit.config.schema.model import ModelSettings
    >>> model = build_model(ModelSettings(), (4,))
    >>> use_data_units(model, Preprocessing((4,), scale=10.0))
    """
    head = getattr(model.decoder, "head", None)
    if isinstance(head, Head):
        _use_data_units(head, preprocessing)
        return
    hooks = model.decoder._forward_hooks
    for key in [key for key, hook in hooks.items() if isinstance(hook, DataUnitsHook)]:
        del hooks[key]
    if preprocessing is not None:
        model.decoder.register_forward_hook(DataUnitsHook(preprocessing))


def _use_data_units(likelihood: Any, preprocessing: Preprocessing | None) -> None:
    """Let a density over model values be one over the data."""
    if preprocessing is None or not isinstance(likelihood, Head) or likelihood.support not in DENSITIES:
        return
    units = DataUnits(preprocessing)
    likelihood.units = None if units.is_identity else units


def _with_label_inputs(images: Examples | None, labels: LabelPrior | None) -> Examples | None:
    """Training images with their labels as networks take them."""
    if images is None or labels is None:
        return images

    def sample(n: int) -> tuple[Tensor, Tensor | None]:
        x, y = images(n)
        return x, None if y is None else labels(y)

    return sample


def _build_prior(model: ModelSettings, context: BuildContext, inputs: Sequence[Shape]) -> list[nn.Module]:
    """The conditional of each layer, top first. A layer below is never a point, but a Gaussian instead."""
    own = model.prior.network
    if own is not None:
        context = replace(context, network=partial(_build_network, own))
    top = build_component(model.prior, context=context)
    if not isinstance(top, nn.Module):
        raise ValueError(
            f"prior: expected {model.prior.kind} to return an nn.Module, got {type(top).__name__}"
        )
    point = context.latent_kind == "point"
    family = default_of("posterior", "gaussian") if point else model.encoder.posterior
    network = own or model.encoder.network
    return [top, *_build_layers(network, inputs, model.layer_dims, family, context, first=1)]


def _build_layers(
    network: Options,
    inputs: Sequence[Shape],
    layer_dims: Sequence[int],
    posterior: Options,
    context: BuildContext,
    first: int = 0,
) -> list[Conditional]:
    """The conditional of each layer from `first` on, given the inputs and the layers above."""
    above = [(dim,) for dim in layer_dims]
    return [
        _build_conditional(
            network,
            [*inputs, *above[:i]],
            (dim,),
            build_component(posterior, context=replace(context, latent_dim=dim), latent_dim=dim),
        )
        for i, dim in enumerate(layer_dims)
        if i >= first
    ]


def build_objective(objective: ObjectiveSettings) -> Objective:
    """Build the objective of a recipe, with its schedule of beta.

    Example:
        >>> recipe = Recipe(objective={"beta": {"kind": "linear", "warmup": 10}})
        >>> objective = build_objective(recipe.objective)
        >>> objective.beta_at(epoch=5, step=1)
        0.5
    """
    schedule = option_values(objective.beta)
    component = type(objective).component
    options = option_values(objective)
    return Objective(
        bound=partial(component.factory, **options) if options else component.factory,
        samples=objective.samples,
        beta=build_component(objective.beta),
        unit=objective.beta.unit,
        warmup_end=float(schedule.get("warmup", schedule.get("period", 0))),
    )


def _build_network(options: Options, inputs: Sequence[Shape], output: Shape) -> nn.Module:
    network = build_component(options, inputs, output)
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"network: expected {options.kind} to return an nn.Module, got {type(network).__name__}"
        )
    return network


def _build_conditional(network: Options, inputs: Sequence[Shape], event: Shape, head: Any) -> Conditional:
    if not isinstance(head, nn.Module) or not hasattr(head, "network_output"):
        raise ValueError(
            f"expected a likelihood or posterior that is an nn.Module with network_output(event), got "
            f"{type(head).__name__}; return a vaekit.models.head.Head"
        )
    size: Any = head.network_output
    return Conditional(_build_network(network, inputs, size(event)), head)
