"""Build what a recipe names: data, model, objective.

    data: settings -> Dataset, Splits
    model: settings, image shape, training images, labels -> VAE
    objective: settings -> Objective

Only this module knows both the names in a recipe and the functions that they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.model import GaussianPosterior, ModelSettings
from vaekit.config.schema.objective import ObjectiveSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import RecipeError
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.labels import LabelPrior, attribute_prior, class_prior
from vaekit.models.likelihoods import LIKELIHOODS
from vaekit.models.masking import fill_missing
from vaekit.models.objectives import OBJECTIVES, SCHEDULES, Objective
from vaekit.models.posteriors import POSTERIORS, Posterior
from vaekit.models.priors import PRIORS, BuildContext, Examples
from vaekit.models.vae import VAE
from vaekit.nn.networks import NETWORKS
from vaekit.utils.random import seeded

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.data.masks import MaskSampler
    from vaekit.data.splits import Splits

Shape = tuple[int, ...]


def build_data(data: DataSettings) -> tuple[Dataset, Splits]:
    """Load the dataset of a recipe, and split it.

    Raises:
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    Example:
        >>> dataset, splits = build_data(DataSettings(dataset="digits", validation=200, test=297))
        >>> len(dataset), len(splits.train)
        (1797, 1300)
    """
    from vaekit.data import load_dataset
    from vaekit.data.attributes import with_attributes
    from vaekit.data.splits import split

    dataset = load_dataset(data.dataset, size=data.size, crop=data.crop, color=data.color)
    if data.attributes is not None:
        dataset = with_attributes(dataset, data.attributes)
    parts = split(dataset, validation=data.validation, test=data.test, train=data.train, seed=data.seed)
    return dataset, parts


def build_missing(data: DataSettings) -> MaskSampler | None:
    """The mask sampler of a recipe, which hides a part of every image; None for nothing.

    Example:
        >>> import numpy as np
        >>> mask = build_missing(DataSettings(missing="square:2"))
        >>> int(mask(np.random.default_rng(0), (4, 4)).sum())  # 4 of 16 pixels are hidden
        12
    """
    from vaekit.data.masks import MASKS

    return None if data.missing is None else MASKS[data.missing.kind](**_options(data.missing))


def training_images(recipe: Recipe, dataset: Dataset, splits: Splits) -> Examples:
    """A function that samples n training images, as the model sees them, with their labels.

    A prior made of training images calls it. It raises RecipeError if n exceeds the number of images.

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
        missing=build_missing(data), condition_on=recipe.model.condition_on,
    )  # fmt: skip

    def sample(n: int) -> tuple[Tensor, Tensor | None]:
        if n > len(observed):
            raise RecipeError(
                f"model.prior.components: expected at most {len(observed)}, the number of training images "
                f"of {data.dataset}, got {n}; use fewer, or another prior"
            )
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
        lacking = {"label": "labels", "attributes": "attributes; add data.attributes=FILE, a CSV file"}
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
) -> VAE:
    """Build a VAE for images of a shape (C, H, W), with random weights from `seed`.

    Args:
        images: samples n training images with their labels, for a prior that is made of them. Without it
            the prior starts from placeholders, which is enough if weights are loaded afterwards.
        labels: p(y) of a conditional model.

    Raises:
        RecipeError: the prior has one component per class, and another number of components.

    Example:
        >>> build_model(ModelSettings(latent_dim=[2, 3]), (1, 8, 8)).layer_dims
        (2, 3)
    """
    layer_dims, parts = model.layer_dims, model.conditioned_parts
    label_inputs: dict[str, list[Shape]] = {part: [(labels.label_dim,)] for part in parts} if labels else {}
    likelihood = LIKELIHOODS[model.decoder.likelihood.kind](**_options(model.decoder.likelihood))
    with seeded(seed):
        encoder = _build_layers(
            model.encoder.network,
            [shape, *label_inputs.get("encoder", [])],
            layer_dims,
            model.encoder.posterior,
        )
        decoder = _build_conditional(
            model.decoder.network, [(sum(layer_dims),), *label_inputs.get("decoder", [])], shape, likelihood
        )
        examples = _with_label_inputs(images, labels)
        context = BuildContext(layer_dims[0], encoder[0], shape, examples, labels, parts)
        prior = _build_prior(model, context, label_inputs.get("prior", []))
    return VAE(Hierarchy(prior, layer_dims), Hierarchy(encoder, layer_dims), decoder, labels, parts)


def _with_label_inputs(images: Examples | None, labels: LabelPrior | None) -> Examples | None:
    """Training images with their labels as networks take them."""
    if images is None or labels is None:
        return images

    def sample(n: int) -> tuple[Tensor, Tensor | None]:
        x, y = images(n)
        return x, None if y is None else labels(y)

    return sample


def _build_prior(model: ModelSettings, context: BuildContext, inputs: Sequence[Shape]) -> list[nn.Module]:
    """The conditional of each layer, top first. A layer below never has the delta family, but a Gaussian."""
    if (own := model.prior.network) is not None:
        context = context._replace(network=partial(NETWORKS[own.kind], **_options(own)))
    top = PRIORS[model.prior.kind](context, **_options(model.prior, "network"))
    posterior = model.encoder.posterior
    family = GaussianPosterior() if posterior.kind == "delta" else posterior
    return [top, *_build_layers(own or model.encoder.network, inputs, model.layer_dims, family, first=1)]


def _build_layers(
    network: Any, inputs: Sequence[Shape], layer_dims: Sequence[int], posterior: Any, first: int = 0
) -> list[Conditional]:
    """The conditional of each layer from `first` on, given the inputs and the layers above."""
    above = [(dim,) for dim in layer_dims]
    return [
        _build_conditional(network, [*inputs, *above[:i]], (dim,), _build_posterior(posterior, dim))
        for i, dim in enumerate(layer_dims)
        if i >= first
    ]


def _build_posterior(posterior: Any, latent_dim: int) -> Posterior:
    """The head of a layer. Only a flow has weights that depend on the number of latents."""
    dims = (latent_dim,) if posterior.kind == "flow" else ()
    return POSTERIORS[posterior.kind](*dims, **_options(posterior))


def build_objective(objective: ObjectiveSettings) -> Objective:
    """Build the objective of a recipe, with its schedule of beta.

    Example:
        >>> objective = build_objective(ObjectiveSettings(beta={"kind": "linear", "warmup": 10}))
        >>> objective.beta_at(epoch=5, step=1)
        0.5
    """
    options = _options(objective.beta)
    unit = options.pop("unit", "epoch")
    warmup_end = float(options.get("warmup", options.get("period", 0)))
    return Objective(
        bound=OBJECTIVES[objective.kind],
        samples=objective.samples,
        beta=SCHEDULES[objective.beta.kind](**options),
        unit=unit,
        warmup_end=warmup_end,
        free_bits=objective.free_bits,
    )


def check_recipe(recipe: Recipe) -> None:
    """Refuse combinations that have no probability or density.

    Raises:
        RecipeError: a likelihood of gray levels with continuous values, or a prior made of posteriors that
            are points.

    Example:
        >>> check_recipe(Recipe())
    """
    _check_likelihood(recipe)
    _check_prior(recipe)


def _check_likelihood(recipe: Recipe) -> None:
    support = LIKELIHOODS[recipe.model.decoder.likelihood.kind]().support
    if support == "discrete" and recipe.data.observation == "continuous":
        raise RecipeError(
            f"{recipe.name}: model.decoder.likelihood: {recipe.model.decoder.likelihood.kind} is a "
            "distribution over 256 gray levels, but data.values is continuous; use data.values=discrete, or "
            "the likelihood gaussian"
        )


def _check_prior(recipe: Recipe) -> None:
    model = recipe.model
    if model.prior.kind in ("vamp", "exemplars") and model.encoder.posterior.kind == "delta":
        raise RecipeError(
            f"{recipe.name}: model.prior: {model.prior.kind} is a mixture of posteriors, but "
            "model.encoder.posterior=delta gives points without a density; use "
            "model.prior=standard_normal or mixture, or another posterior"
        )


def _build_conditional(network: Any, inputs: Sequence[Shape], event: Shape, head: Posterior) -> Conditional:
    build = NETWORKS[network.kind]
    return Conditional(build(inputs, head.network_output(event), **_options(network)), head)


def _options(section: Any, *excluded: str) -> dict[str, Any]:
    """The keys of a section without its kind and those that other functions take."""
    return section.model_dump(exclude={"kind", *excluded})
