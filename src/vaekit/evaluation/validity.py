"""When a number is a log-likelihood of the data, and what to say where it is not.

A likelihood gives probability, or density, to one kind of value: `binary`, `levels` (k / 255), reals in the
`unit` interval, or `real` numbers. Only on that kind of observation are its numbers comparable with anybody
else's.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from torch import nn

from vaekit.data import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.results import Evaluation, PerImageMetrics
from vaekit.models.head import Head
from vaekit.models.vae import VAE

BINARY_OBSERVATIONS = ("threshold", "static", "dynamic")
CONDITIONAL_CAVEAT = (
    "the model was told the labels: the numbers are of log p(x | y), not of log p(x), and not comparable "
    "with those of a model that is told none; for log p(x): vaekit evaluate RUN --labels marginalize"
)
MAX_UNRELIABLE = 0.05  # the share of images with unreliable estimates that is worth a warning
_BOUND_FIELDS = (
    "elbo",
    "log_likelihood",
    "log_likelihood_stderr",
    "bits_per_dimension",
    "ess_mean",
    "ess_min",
    "label_kl",
    "label_accuracy",
    "pareto_k",
    "unreliable",
)


def likelihood_caveats(observation: str, kind: str, support: str, dataset: Dataset) -> list[str]:
    """Why the number is no log-likelihood of the data as it is; empty where it is one."""
    found = []
    if support == "binary" and observation not in BINARY_OBSERVATIONS:
        found.append(
            f"the {kind} likelihood gives probability to black and white alone, but the observation is "
            f"{observation}: on gray values its numbers do not sum to 1; compare reconstructions, not "
            "likelihoods, or observe dynamic, or use discretized_logistic or continuous_bernoulli"
        )
    if support in ("unit", "real") and observation in BINARY_OBSERVATIONS:
        found.append(
            f"the {kind} likelihood is a density over real values, but the observation is {observation}, "
            "two values: the density can grow without limit; use the likelihood bernoulli"
        )
    if support in ("unit", "real") and observation not in BINARY_OBSERVATIONS and dataset.has_levels:
        found.append(
            f"the {kind} likelihood is a density over real values, taken at 256 levels: it is no probability "
            "of the levels and not comparable with one; for that use data.binarization=none with "
            "discretized_logistic"
        )
    return found


def check_labels(model: VAE, seen: ObservedImages, labels: str) -> None:
    """Whether labels can be given, or missing, as is asked for.

    Raises:
        InvalidError: there are none to give, or the model is told none, so that none can be missing.
    """
    if labels == "marginalize" and model.labels is None:
        raise InvalidError(
            "labels: missing ones are averaged over, but this model is told none; leave it out"
        )
    if labels == "condition" and model.labels is not None and seen.labels is None:
        raise InvalidError(
            "labels: the model is told them, but these images have none; average over what they may be with "
            "--labels marginalize"
        )


def with_labels(
    evaluation: Evaluation, parts: PerImageMetrics, model: VAE, seen: ObservedImages
) -> Evaluation:
    """The evaluation with what was done about labels, and how often p(y | x) names the class of an image."""
    if model.labels is None:
        return evaluation
    if not len(parts.label_posterior):
        return dataclasses.replace(evaluation, labels="condition")
    accuracy = None
    if model.labels.one_hot and seen.labels is not None:
        accuracy = (parts.label_posterior.argmax(0) == seen.labels.cpu()).double().mean().item()
    return dataclasses.replace(evaluation, labels="marginalize", label_accuracy=accuracy)


def is_bound(model: VAE) -> bool:
    """Whether the posterior has a density, without which (an autoencoder) there is no bound."""
    return not any(head.warning for head in _heads(model.encoder))


def annotate(
    evaluation: Evaluation,
    model: VAE,
    dataset: Dataset,
    split: str,
    observation: str,
    kind: str,
    hidden: str = "",
) -> Evaluation:
    """The evaluation with its protocol, and without the numbers that are not defined.

    Args:
        split, observation: what was measured.
        kind: of the likelihood.
        hidden: what was hidden of every image, such as `square:12`; empty for nothing.
    """
    [likelihood] = _heads(model.decoder)
    undefined = [head.warning for head in _heads(model.encoder) if head.warning]
    reasons = undefined + likelihood_caveats(observation, kind, likelihood.support, dataset)
    reasons += [likelihood.warning] if likelihood.warning else []
    missing = describe_missing(hidden, dataset)
    notes = (
        [] if likelihood.support in ("binary", "levels") else _rescaling_caveats(dataset, whole=not missing)
    )
    notes += _missing_caveats(missing)
    notes += [CONDITIONAL_CAVEAT] if evaluation.labels == "condition" else []
    notes += [] if undefined else unreliable_caveats(evaluation)
    changes: dict[str, Any] = {**dict.fromkeys(_BOUND_FIELDS), "kl": [], "growth": []} if undefined else {}
    return dataclasses.replace(
        evaluation,
        split=split,
        observation=observation,
        missing=missing,
        is_likelihood=not reasons,
        caveats=reasons + notes,
        **changes,
    )


def unreliable_caveats(evaluation: Evaluation) -> list[str]:
    """What to know where the importance weights of not a few images have too heavy a tail."""
    share = evaluation.unreliable or 0.0
    if share <= MAX_UNRELIABLE:
        return []
    return [
        f"for {share:.0%} of the images the Pareto shape of the importance weights is above 0.7: their "
        "estimates are lower bounds that may be far too low, by more than the standard error shows; use more "
        "samples, or --estimator ais"
    ]


def _heads(part: nn.Module) -> list[Head]:
    return [module for module in part.modules() if isinstance(module, Head)]


def describe_missing(hidden: str, dataset: Dataset) -> str:
    """What is not observed: what the data lack, and what is hidden of them; empty where nothing."""
    return " and ".join(filter(None, ["NaN in the data" * dataset.has_missing, hidden]))


def _missing_caveats(missing: str) -> list[str]:
    if not missing:
        return []
    return [
        f"all numbers are those of the observed part of each image, log p(x observed); missing: {missing}"
    ]


def _rescaling_caveats(dataset: Dataset, whole: bool) -> list[str]:
    if dataset.scale == 1.0:
        return []
    shift = -(math.prod(dataset.shape) if whole else 1) * math.log(abs(dataset.scale))
    each = "" if whole else " for each observed value"
    return [
        f"densities are over values rescaled to [0, 1]; in the data's own units, add {shift:.6g} nats{each} "
        "to the log-likelihood"
    ]
