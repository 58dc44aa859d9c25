"""When a number is a log-likelihood of the data, and what to say where it is not.

A likelihood gives probability, or density, to one kind of value: `binary`, `levels` (k / 255), reals in the
`unit` interval, or `real` numbers. Only on that kind of observation are its numbers comparable with anybody
else's.
"""

from __future__ import annotations

import dataclasses
import math

from vaekit.data import Dataset
from vaekit.evaluation.likelihood import Evaluation
from vaekit.recipe import Recipe

BINARY = ("threshold", "static", "dynamic")


def caveats(recipe: Recipe, support: str, dataset: Dataset) -> list[str]:
    """Why the number is no log-likelihood of the data as it is; empty where it is one."""
    observation, kind = recipe.data.observation, recipe.model.decoder.likelihood.kind
    found = []
    if support == "binary" and observation not in BINARY:
        found.append(
            f"the {kind} likelihood gives probability to black and white alone, but the observation is {observation}: "
            "on grey values its numbers do not sum to 1; compare reconstructions, not likelihoods, or observe "
            "dynamic, or use discretised_logistic or continuous_bernoulli"
        )
    if support in ("unit", "real") and observation in BINARY:
        found.append(
            f"the {kind} likelihood is a density over real values, but the observation is {observation}, "
            "two values: the density can grow without limit; use the likelihood bernoulli"
        )
    if support in ("unit", "real") and observation not in BINARY and dataset.is_levels:
        found.append(
            f"the {kind} likelihood is a density over real values, taken at 256 levels: it is no probability of the "
            "levels and not comparable with one; use data.observation=grey with discretised_logistic for that"
        )
    return found


def annotate(evaluation: Evaluation, recipe: Recipe, model, dataset: Dataset, split: str) -> Evaluation:
    """The evaluation with its protocol written on it, and without the numbers that are not defined."""
    head = model.decoder.head
    posterior = [link.head.caveat for link in model.encoder.links if link.head.caveat]
    reasons = posterior + caveats(recipe, head.support, dataset)
    if head.caveat:
        reasons.append(head.caveat)
    changes: dict = {"split": split, "observation": recipe.data.observation, "is_likelihood": not reasons}
    if posterior:
        undefined = (
            "elbo",
            "log_likelihood",
            "log_likelihood_stderr",
            "bits_per_dimension",
            "ess_mean",
            "ess_min",
        )
        changes |= dict.fromkeys(undefined)
    notes = [] if head.support in ("binary", "levels") else _rescaled(dataset)
    return dataclasses.replace(evaluation, caveats=reasons + notes, **changes)


def _rescaled(dataset: Dataset) -> list[str]:
    if dataset.scale == 1.0:
        return []
    dimensions = math.prod(dataset.shape)
    shift = -dimensions * math.log(abs(dataset.scale))
    return [
        f"densities are over values rescaled to [0, 1]; in the data's own units, add {shift:.6g} nats to the "
        "log-likelihood"
    ]
