"""Whether a number is a log-likelihood of the data, and the caveats if it is not.

A likelihood assigns probability, or density, to one kind of value: `binary`, `discrete` (the 256 gray levels
k / 255), reals in the `unit_interval`, `real` numbers, or a `count` 0, 1, 2, ... Its values are comparable
with published ones only on observations of that kind.
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
    "the model is conditioned on the labels: the numbers are of log p(x | y) and not comparable with "
    "log p(x); to estimate log p(x): vaekit evaluate RUN --labels marginalize"
)
OFFSET_CAVEAT = (
    "the likelihood takes the total of each row from the row itself: the numbers are of log p(x | total) and "
    "comparable only with those of models that take it as given"
)
BELOW_ELBO = (
    "the importance-sampled estimate is below the ELBO, which takes the KL in closed form if it has one: "
    "with one sample both have the same mean, and only the estimate has the noise of log q - log p; more "
    "samples raise it"
)
MAX_UNRELIABLE = 0.05  # a larger fraction of images with unreliable estimates gives a caveat
_BOUND_FIELDS = (
    "elbo",
    "log_likelihood",
    "log_likelihood_stderr",
    "mc_error",
    "shortfall",
    "log_likelihood_interval",
    "bits_per_dimension",
    "ess_mean",
    "ess_min",
    "label_kl",
    "label_accuracy",
    "pareto_k",
    "unreliable",
)


def likelihood_caveats(observation: str, kind: str, support: str, dataset: Dataset) -> list[str]:
    """Reasons why the value of a likelihood is not a log-likelihood of the data; empty if there are none.

    Args:
        observation: how values are observed: threshold, static, dynamic, discrete, continuous or counts.
        kind: of the likelihood.
        support: the kind of value that the likelihood is for: binary, discrete, unit_interval, real or count.
        dataset: the images.

    Example:
        >>> from vaekit.data import load_dataset
        >>> digits = load_dataset("digits")
        >>> likelihood_caveats("threshold", "bernoulli", "binary", digits)
        []
        >>> len(likelihood_caveats("continuous", "bernoulli", "binary", digits))
        1
    """
    if (support == "count") != (observation == "counts"):
        return [_count_caveat(observation, kind, support)]
    reasons = []
    if support == "binary" and observation not in BINARY_OBSERVATIONS:
        reasons.append(
            f"the {kind} likelihood is for binary values, but the observation is {observation}: over gray "
            "values it does not sum to 1; compare reconstructions instead of likelihoods, observe dynamic, "
            "or use discretized_logistic or continuous_bernoulli"
        )
    if support in ("unit_interval", "real") and observation in BINARY_OBSERVATIONS:
        reasons.append(
            f"the {kind} likelihood is a density over real values, but the observation is {observation}, "
            "which has two values: the density can grow without limit; use the likelihood bernoulli"
        )
    whole = [column.name for column in dataset.columns if column.kind != "real"]
    if support in ("unit_interval", "real") and whole:
        reasons.append(
            f"the {kind} likelihood is a density over real values, evaluated on columns that are none, such "
            f"as {whole[0]!r}: over integers and categories a density is no probability; use the likelihood "
            "columns, or one for counts"
        )
    if (
        support in ("unit_interval", "real")
        and observation not in BINARY_OBSERVATIONS
        and dataset.is_discrete
    ):
        reasons.append(
            f"the {kind} likelihood is a density over real values, evaluated on "
            f"{dataset.n_levels or 256:,} gray levels: it is not a probability of the gray levels and not "
            "comparable with one; for that use data.binarization=none "
            "with discretized_logistic"
        )
    return reasons


def mixed_caveats(dataset: Dataset) -> list[str]:
    """A caveat if a total adds densities of real columns and probabilities of others; else empty.

    Args:
        dataset: the data.

    Example:
        >>> from vaekit.data import load_dataset
        >>> mixed_caveats(load_dataset("digits"))
        []
    """
    real = [column.name for column in dataset.columns if column.kind == "real"]
    others = [column.name for column in dataset.columns if column.kind != "real"]
    if not real or not others:
        return []
    return [
        f"the total is mixed: it adds the log-densities of {len(real)} real columns and the "
        f"log-probabilities of {len(others)} others, such as {others[0]!r}; compare it only with models "
        "of the same columns"
    ]


def _count_caveat(observation: str, kind: str, support: str) -> str:
    """Why a likelihood of counts does not fit other values, or another likelihood counts."""
    if support == "count":
        return (
            f"the {kind} likelihood is for counts 0, 1, 2, ..., but the observation is {observation}: over "
            "such values it does not sum to 1; use data.values=counts if they are counts"
        )
    return (
        f"the {kind} likelihood is for {support} values, but the observation is counts: it does not sum to 1 "
        "over 0, 1, 2, ...; use poisson, negative_binomial or zero_inflated_negative_binomial"
    )


def check_labels(model: VAE, images: ObservedImages, labels: str) -> None:
    """Raise an error if labels cannot be conditioned on, or marginalized, as asked for.

    Args:
        model: any VAE.
        images: the images, with or without labels.
        labels: "condition" or "marginalize".

    Raises:
        InvalidError: the images of a conditional model have no labels to condition on; or labels are to be
            marginalized for a model that is not conditional.

    Example:
        >>> import vaekit
        >>> from vaekit.data import load_dataset
        >>> from vaekit.data.observation import observe
        >>> import numpy as np
        >>> images = observe(load_dataset("digits"), np.arange(2), "threshold")
        >>> check_labels(vaekit.demo().model, images, "condition")
    """
    if labels == "marginalize" and model.labels is None:
        raise InvalidError(
            "--labels marginalize: expected a conditional model, got one without labels; leave it out"
        )
    if labels == "condition" and model.labels is not None and images.labels is None:
        raise InvalidError(
            "labels: the model is conditioned on labels, but these images have none; average over p(y) with "
            "--labels marginalize"
        )


def with_labels(
    evaluation: Evaluation, metrics: PerImageMetrics, model: VAE, images: ObservedImages
) -> Evaluation:
    """Add to an evaluation how labels were treated, and the accuracy of p(y | x).

    Args:
        evaluation: to be completed.
        metrics: of its images.
        model: any VAE.
        images: the images.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> from vaekit.data import load_dataset
        >>> from vaekit.data.observation import observe
        >>> import numpy as np
        >>> from vaekit.evaluation.importance_sampling import measure_batches, summarize
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> images = observe(load_dataset("digits"), np.arange(2), "threshold")
        >>> metrics = measure_batches(model, images.batches(2), samples=2)
        >>> evaluation = summarize(metrics, model.layer_dims, samples=2, seed=0, seconds=0.0)
        >>> with_labels(evaluation, metrics, model, images).labels  # not a conditional model
        ''
    """
    if model.labels is None:
        return evaluation
    if not len(metrics.label_posterior):
        return dataclasses.replace(evaluation, labels="condition")
    accuracy = None
    if model.labels.one_hot and images.labels is not None:
        accuracy = (metrics.label_posterior.argmax(0) == images.labels.cpu()).double().mean().item()
    return dataclasses.replace(evaluation, labels="marginalize", label_accuracy=accuracy)


def is_bound(model: VAE) -> bool:
    """Whether the posterior has a density; without one, as in an autoencoder, there is no bound.

    Example:
        >>> import vaekit
        >>> is_bound(vaekit.demo().model)
        True
    """
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
    """Add the protocol and the caveats to an evaluation, and remove numbers that are not defined.

    Args:
        evaluation: to be completed.
        model: any VAE or autoencoder.
        dataset: the images.
        split: the part of the data.
        observation: how pixels are observed.
        kind: of the likelihood.
        hidden: what was hidden from every image, such as `square:12`; empty for nothing.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> from vaekit.data import load_dataset
        >>> from vaekit.data.observation import observe
        >>> import numpy as np
        >>> from vaekit.evaluation.importance_sampling import measure_batches, summarize
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> digits = load_dataset("digits")
        >>> metrics = measure_batches(model, observe(digits, np.arange(2), "threshold").batches(2), samples=2)
        >>> evaluation = summarize(metrics, model.layer_dims, samples=2, seed=0, seconds=0.0)
        >>> annotate(evaluation, model, digits, "test", "threshold", "bernoulli").is_likelihood
        True
        >>> annotate(evaluation, model, digits, "test", "continuous", "bernoulli").is_likelihood
        False
    """
    likelihood = getattr(model.decoder, "head", None)
    support, warning = getattr(likelihood, "support", "real"), getattr(likelihood, "warning", "")
    undefined = [head.warning for head in _heads(model.encoder) if head.warning]
    reasons = undefined + likelihood_caveats(observation, kind, support, dataset)
    reasons += [warning] if warning else []
    missing = describe_missing(hidden, dataset)
    in_units = support in ("binary", "discrete", "count") or getattr(likelihood, "units", None) is not None
    notes = [] if in_units or dataset.columns else _rescaling_caveats(dataset, whole=not missing)
    notes += mixed_caveats(dataset)
    notes += _missing_caveats(missing, dataset)
    notes += [OFFSET_CAVEAT] if getattr(likelihood, "takes_offset", False) else []
    notes += [CONDITIONAL_CAVEAT] if evaluation.labels == "condition" else []
    notes += [] if undefined else below_elbo_caveats(evaluation)
    notes += [] if undefined else unreliable_caveats(dataclasses.replace(evaluation, noun=dataset.noun))
    changes: dict[str, Any] = {**dict.fromkeys(_BOUND_FIELDS), "kl": [], "growth": []} if undefined else {}
    return dataclasses.replace(
        evaluation,
        split=split,
        noun=dataset.noun,
        observation=observation,
        missing=missing,
        is_likelihood=not reasons,
        caveats=reasons + notes,
        **changes,
    )


def unreliable_caveats(evaluation: Evaluation) -> list[str]:
    """A caveat if the importance weights of many images have too heavy a tail; else empty.

    Args:
        evaluation: with the fraction `unreliable`.

    Example:
        >>> evaluation = Evaluation(100, 10, -80.0, [20.0], -100.0, -95.0, 1.5, 0.2, 4.0, 2.0, 0.1, seed=0)
        >>> unreliable_caveats(evaluation)
        []
        >>> len(unreliable_caveats(dataclasses.replace(evaluation, unreliable=0.5)))
        1
    """
    fraction = evaluation.unreliable or 0.0
    if fraction <= MAX_UNRELIABLE:
        return []
    return [
        f"for {fraction:.0%} of the {evaluation.noun} the Pareto shape of the importance weights is above "
        "0.7: their estimates may be too low by much more than the standard error; use more samples, or "
        "--estimator ais"
    ]


def below_elbo_caveats(evaluation: Evaluation) -> list[str]:
    """A caveat if log p(x) was estimated below the ELBO, as happens for few samples; else empty.

    Args:
        evaluation: with both numbers.

    Example:
        >>> evaluation = Evaluation(100, 1, -80.0, [20.0], -100.0, -101.0, 1.5, 0.2, 1.0, 1.0, 0.1, seed=0)
        >>> len(below_elbo_caveats(evaluation))
        1
        >>> below_elbo_caveats(dataclasses.replace(evaluation, log_likelihood=-99.0))
        []
    """
    estimate, elbo = evaluation.log_likelihood, evaluation.elbo
    is_below = estimate is not None and elbo is not None and estimate < elbo
    return [BELOW_ELBO] if is_below and evaluation.estimator == "importance" else []


def _heads(part: nn.Module) -> list[Head]:
    return [module for module in part.modules() if isinstance(module, Head)]


def describe_missing(hidden: str, dataset: Dataset) -> str:
    """Describe what is not observed: values missing in the data, and hidden pixels; empty for nothing.

    Args:
        hidden: what was hidden from every image, such as `square:12`; empty for nothing.
        dataset: the images.

    Example:
        >>> from vaekit.data import load_dataset
        >>> describe_missing("square:2", load_dataset("digits"))
        'square:2'
    """
    return " and ".join(filter(None, ["NaN in the data" * dataset.has_missing, hidden]))


def _missing_caveats(missing: str, dataset: Dataset) -> list[str]:
    if not missing:
        return []
    return [
        f"all numbers are of the observed part of each {dataset.noun.removesuffix('s')}, log p(x_observed); "
        f"missing: {missing}"
    ]


def _rescaling_caveats(dataset: Dataset, whole: bool) -> list[str]:
    if dataset.scale == 1.0:
        return []
    shift = -(math.prod(dataset.shape) if whole else 1) * math.log(abs(dataset.scale))
    unit = "" if whole else " for each observed value"
    return [
        f"densities are over values rescaled to [0, 1]; in the data's own units, add {shift:.6g} nats{unit} "
        "to the log-likelihood"
    ]
