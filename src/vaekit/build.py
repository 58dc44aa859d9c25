"""A recipe becomes objects: data, model, objective.

This is the only place that knows both the names in a recipe and the functions they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaekit import recipe as schema
from vaekit.conditionals import Chain, Conditional
from vaekit.errors import RecipeError
from vaekit.heads import LIKELIHOODS, POSTERIORS, Posterior
from vaekit.missing import filled
from vaekit.networks import NETWORKS
from vaekit.objectives import OBJECTIVES, SCHEDULES, Objective
from vaekit.priors import PRIORS, Around, Images
from vaekit.randomness import seeded
from vaekit.vae import VAE

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.data.missing import Missing
    from vaekit.data.splits import Splits

Shape = tuple[int, ...]


def build_data(data: schema.Data) -> tuple[Dataset, Splits]:
    """The dataset that a recipe names, and its splits."""
    from vaekit.data import load
    from vaekit.data.splits import split

    dataset = load(data.name, size=data.size, crop=data.crop, colour=data.colour)
    parts = split(dataset, validation=data.validation, test=data.test, train=data.train, seed=data.seed)
    return dataset, parts


def build_missing(data: schema.Data) -> Missing | None:
    """What a recipe hides of every image; None for nothing."""
    from vaekit.data.missing import MISSING

    return None if data.missing is None else MISSING[data.missing.kind](**_options(data.missing))


def training_images(data: schema.Data, dataset: Dataset, splits: Splits) -> Images:
    """What gives so many training images at random, as the model will see them, for a prior to be made of.

    It raises RecipeError where more are asked for than there are.
    """
    from vaekit.data.observations import observe

    seen = observe(
        dataset, splits.train, data.observation, training=True, seed=data.seed, resident=False,
        missing=build_missing(data),
    )  # fmt: skip

    def some(n: int) -> Tensor:
        if n > len(seen):
            raise RecipeError(
                f"model.prior.components: expected at most {len(seen)}, the training images of {data.name}, "
                f"got {n}; ask for fewer, or for another prior"
            )
        return filled(seen.batch(torch.randperm(len(seen))[:n]))

    return some


def build_model(model: schema.Model, shape: Shape, seed: int = 0, images: Images | None = None) -> VAE:
    """A VAE for images of a shape (C, H, W), its weights drawn from `seed`.

    Args:
        images: takes n and gives n training images at random, for a prior that is made of such; without it
            other images stand in for them, which is enough where weights are loaded afterwards.
    """
    levels = model.levels
    likelihood = LIKELIHOODS[model.decoder.likelihood.kind](**_options(model.decoder.likelihood))
    with seeded(seed):
        encoder = _links(model.encoder.network, [shape], levels, model.encoder.posterior)
        decoder = _conditional(model.decoder.network, [(sum(levels),)], shape, likelihood)
        prior = _prior(model, Around(levels[0], encoder[0], shape, images))
    return VAE(Chain(prior, levels), Chain(encoder, levels), decoder)


def _prior(model: schema.Model, around: Around) -> list[nn.Module]:
    """That of the top level, and of each below, in the encoder's form unless that is a point."""
    top = PRIORS[model.prior.kind](around, **_options(model.prior, "network"))
    posterior = model.encoder.posterior
    form = schema.GaussianPosterior() if posterior.kind == "dirac" else posterior
    return [top, *_links(model.prior.network or model.encoder.network, [], model.levels, form)]


def _links(network: Any, inputs: Sequence[Shape], levels: Sequence[int], posterior: Any) -> list[Conditional]:
    """The conditional of each level, given inputs and the levels above; the top needs inputs to have one."""
    links = []
    for i, size in enumerate(levels):
        if given := [*inputs, *((above,) for above in levels[:i])]:
            links.append(_conditional(network, given, (size,), _posterior(posterior, size)))
    return links


def _posterior(posterior: Any, size: int) -> Posterior:
    """The head of a level of a size, which only one with weights of its own must know."""
    known = (size,) if posterior.kind == "flow" else ()
    return POSTERIORS[posterior.kind](*known, **_options(posterior))


def build_objective(objective: schema.Objective) -> Objective:
    """The bound that a recipe names, with its schedule of beta."""
    options = _options(objective.beta)
    unit = options.pop("unit", "epoch")
    settles = float(options.get("over", options.get("period", 0)))
    return Objective(
        bound=OBJECTIVES[objective.kind],
        samples=objective.samples,
        beta=SCHEDULES[objective.beta.kind](**options),
        unit=unit,
        settles=settles,
        free_bits=objective.free_bits,
    )


def check(recipe: schema.Recipe) -> None:
    """Refuse combinations to which no number could be given.

    Raises:
        RecipeError: for a likelihood of levels on real values, or a prior of posteriors that are points.
    """
    _check_likelihood(recipe)
    _check_prior(recipe)


def _check_likelihood(recipe: schema.Recipe) -> None:
    support = LIKELIHOODS[recipe.model.decoder.likelihood.kind]().support
    if support == "levels" and recipe.data.observation == "unit":
        raise RecipeError(
            f"{recipe.name}: model.decoder.likelihood: {recipe.model.decoder.likelihood.kind} gives "
            "probabilities to 256 levels, but data.observation is unit; use data.observation=grey, or the "
            "likelihood gaussian"
        )


def _check_prior(recipe: schema.Recipe) -> None:
    model = recipe.model
    if model.prior.kind in ("vamp", "exemplars") and model.encoder.posterior.kind == "dirac":
        raise RecipeError(
            f"{recipe.name}: model.prior: {model.prior.kind} is a mixture of posteriors, but those of "
            "model.encoder.posterior=dirac are points without a density; use model.prior=standard_normal or "
            "mixture, or another posterior"
        )


def _conditional(network: Any, inputs: Sequence[Shape], event: Shape, head: Posterior) -> Conditional:
    make = NETWORKS[network.kind]
    return Conditional(make(inputs, head.network_output(event), **_options(network)), head)


def _options(part: Any, *others: str) -> dict[str, Any]:
    """What a part says, but for its kind and for what other functions take."""
    return part.model_dump(exclude={"kind", *others})
