"""A recipe becomes objects: data, model, objective.

This is the only place that knows both the names in a recipe and the functions they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vaekit import recipe as schema
from vaekit.conditionals import Chain, Conditional
from vaekit.errors import RecipeError
from vaekit.heads import LIKELIHOODS, POSTERIORS, Head
from vaekit.networks import NETWORKS
from vaekit.objectives import OBJECTIVES, SCHEDULES, Objective
from vaekit.priors import PRIORS, Around
from vaekit.randomness import seeded
from vaekit.vae import VAE

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.data.splits import Splits

Shape = tuple[int, ...]


def build_data(data: schema.Data) -> tuple[Dataset, Splits]:
    """The dataset that a recipe names, and its splits."""
    from vaekit.data import load
    from vaekit.data.splits import split

    dataset = load(data.name, size=data.size, crop=data.crop, colour=data.colour)
    return dataset, split(dataset, validation=data.validation, test=data.test, seed=data.seed)


def build_model(model: schema.Model, shape: Shape, seed: int = 0) -> VAE:
    """A VAE for images of a shape (C, H, W), its weights drawn from `seed`."""
    latent = (model.latent,)
    posterior = POSTERIORS[model.encoder.posterior.kind](**_options(model.encoder.posterior))
    likelihood = LIKELIHOODS[model.decoder.likelihood.kind](**_options(model.decoder.likelihood))
    with seeded(seed):
        encoder = _conditional(model.encoder.network, [shape], latent, posterior)
        decoder = _conditional(model.decoder.network, [latent], shape, likelihood)
        prior = PRIORS[model.prior.kind](Around(model.latent), **_options(model.prior))
    return VAE(Chain([prior], latent), Chain([encoder], latent), decoder)


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
    """Refuse combinations of observation and likelihood to which no number could be given.

    Raises:
        RecipeError: for a likelihood of levels on real values.
    """
    support = LIKELIHOODS[recipe.model.decoder.likelihood.kind]().support
    if support == "levels" and recipe.data.observation == "unit":
        raise RecipeError(
            f"{recipe.name}: model.decoder.likelihood: {recipe.model.decoder.likelihood.kind} gives "
            "probabilities to 256 levels, but data.observation is unit; use data.observation=grey, or the "
            "likelihood gaussian"
        )


def _conditional(network: Any, inputs: Sequence[Shape], event: Shape, head: Head) -> Conditional:
    make = NETWORKS[network.kind]
    return Conditional(make(inputs, head.network_output(event), **_options(network)), head)


def _options(part: Any) -> dict[str, Any]:
    return part.model_dump(exclude={"kind"})
