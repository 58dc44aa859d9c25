"""A recipe becomes objects: data, model, objective.

This is the only place that knows both the names in a recipe and the functions they stand for.
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
from vaekit.models import labels as known
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.labels import LabelPrior
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
    """The dataset that a recipe names, and its splits."""
    from vaekit.data import load_dataset
    from vaekit.data.attributes import with_attributes
    from vaekit.data.splits import split

    dataset = load_dataset(data.dataset, size=data.size, crop=data.crop, color=data.color)
    if data.attributes is not None:
        dataset = with_attributes(dataset, data.attributes)
    parts = split(dataset, validation=data.validation, test=data.test, train=data.train, seed=data.seed)
    return dataset, parts


def build_missing(data: DataSettings) -> MaskSampler | None:
    """What a recipe hides of every image; None for nothing."""
    from vaekit.data.masks import MASKS

    return None if data.missing is None else MASKS[data.missing.kind](**_options(data.missing))


def training_images(recipe: Recipe, dataset: Dataset, splits: Splits) -> Examples:
    """What gives so many training images at random, as the model will see them, and what it is told of them.

    It raises RecipeError where more are asked for than there are.
    """
    from vaekit.data.observation import observe

    data = recipe.data
    seen = observe(
        dataset, splits.train, data.observation, training=True, seed=data.seed, resident=False,
        missing=build_missing(data), condition_on=recipe.model.condition_on,
    )  # fmt: skip

    def some(n: int) -> tuple[Tensor, Tensor | None]:
        if n > len(seen):
            raise RecipeError(
                f"model.prior.components: expected at most {len(seen)}, the training images of "
                f"{data.dataset}, "
                f"got {n}; ask for fewer, or for another prior"
            )
        chosen = torch.randperm(len(seen))[:n]
        return fill_missing(seen.batch(chosen)), None if seen.labels is None else seen.labels[chosen]

    return some


def build_labels(recipe: Recipe, dataset: Dataset, splits: Splits) -> LabelPrior | None:
    """What a conditional model may be told, and how often each came in training; None for any other model.

    Raises:
        RecipeError: where the data have no labels, or no attributes, to tell.
    """
    told = recipe.model.condition_on
    rows = {"": None, "label": dataset.labels, "attributes": dataset.attributes}[told]
    if not told:
        return None
    if rows is None:
        what = {"label": "labels", "attributes": "attributes; name a CSV of them by data.attributes=FILE"}[
            told
        ]
        raise RecipeError(
            f"model.condition.variable: {told}, but the data {recipe.data.dataset} have no {what}"
        )
    train = torch.from_numpy(rows[splits.train])
    if told == "label":
        return known.class_prior(dataset.classes, train)
    return known.attribute_prior(train, recipe.data.seed)


def build_model(
    model: ModelSettings,
    shape: Shape,
    seed: int = 0,
    images: Examples | None = None,
    labels: LabelPrior | None = None,
) -> VAE:
    """A VAE for images of a shape (C, H, W), its weights drawn from `seed`.

    Args:
        images: takes n and gives n training images at random, with their labels or None, for a prior that is
            made of such; without it others stand in for them, which is enough where weights are loaded after.
        labels: what a conditional model may be told.

    Raises:
        RecipeError: a prior whose components are to be classes has another number of them.
    """
    levels, given = model.layer_dims, model.conditioned_parts
    told = {part: [(labels.label_dim,)] for part in given} if labels else {}
    likelihood = LIKELIHOODS[model.decoder.likelihood.kind](**_options(model.decoder.likelihood))
    with seeded(seed):
        encoder = _links(
            model.encoder.network, [shape, *told.get("encoder", [])], levels, model.encoder.posterior
        )
        decoder = _conditional(
            model.decoder.network, [(sum(levels),), *told.get("decoder", [])], shape, likelihood
        )
        around = BuildContext(levels[0], encoder[0], shape, _told(images, labels), labels, given)
        prior = _prior(model, around, told.get("prior", []))
    return VAE(Hierarchy(prior, levels), Hierarchy(encoder, levels), decoder, labels, given)


def _told(images: Examples | None, labels: LabelPrior | None) -> Examples | None:
    """Training images with what a network is told of them."""
    if images is None or labels is None:
        return images

    def some(n: int) -> tuple[Tensor, Tensor | None]:
        x, y = images(n)
        return x, None if y is None else labels(y)

    return some


def _prior(model: ModelSettings, around: BuildContext, told: Sequence[Shape]) -> list[nn.Module]:
    """That of the top level, and of each below, in the encoder's form unless that is a point."""
    if (own := model.prior.network) is not None:
        around = around._replace(network=partial(NETWORKS[own.kind], **_options(own)))
    top = PRIORS[model.prior.kind](around, **_options(model.prior, "network"))
    posterior = model.encoder.posterior
    form = GaussianPosterior() if posterior.kind == "delta" else posterior
    return [top, *_links(own or model.encoder.network, told, model.layer_dims, form, first=1)]


def _links(
    network: Any, inputs: Sequence[Shape], levels: Sequence[int], posterior: Any, first: int = 0
) -> list[Conditional]:
    """The conditional of each level from `first` on, given inputs and the levels above."""
    above = [(size,) for size in levels]
    return [
        _conditional(network, [*inputs, *above[:i]], (size,), _posterior(posterior, size))
        for i, size in enumerate(levels)
        if i >= first
    ]


def _posterior(posterior: Any, size: int) -> Posterior:
    """The head of a level of a size, which only one with weights of its own must know."""
    known = (size,) if posterior.kind == "flow" else ()
    return POSTERIORS[posterior.kind](*known, **_options(posterior))


def build_objective(objective: ObjectiveSettings) -> Objective:
    """The bound that a recipe names, with its schedule of beta."""
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
    """Refuse combinations to which no number could be given.

    Raises:
        RecipeError: for a likelihood of levels on real values, or a prior of posteriors that are points.
    """
    _check_likelihood(recipe)
    _check_prior(recipe)


def _check_likelihood(recipe: Recipe) -> None:
    support = LIKELIHOODS[recipe.model.decoder.likelihood.kind]().support
    if support == "levels" and recipe.data.observation == "continuous":
        raise RecipeError(
            f"{recipe.name}: model.decoder.likelihood: {recipe.model.decoder.likelihood.kind} gives "
            "probabilities to 256 levels, but data.values is continuous; use data.values=discrete, "
            "or the likelihood gaussian"
        )


def _check_prior(recipe: Recipe) -> None:
    model = recipe.model
    if model.prior.kind in ("vamp", "exemplars") and model.encoder.posterior.kind == "delta":
        raise RecipeError(
            f"{recipe.name}: model.prior: {model.prior.kind} is a mixture of posteriors, but those of "
            "model.encoder.posterior=delta are points without a density; use model.prior=standard_normal or "
            "mixture, or another posterior"
        )


def _conditional(network: Any, inputs: Sequence[Shape], event: Shape, head: Posterior) -> Conditional:
    make = NETWORKS[network.kind]
    return Conditional(make(inputs, head.network_output(event), **_options(network)), head)


def _options(part: Any, *others: str) -> dict[str, Any]:
    """What a part says, but for its kind and for what other functions take."""
    return part.model_dump(exclude={"kind", *others})
