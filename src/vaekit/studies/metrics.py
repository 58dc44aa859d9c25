"""The metrics that a table can have as columns: each a function of one finished run.

Two numbers are comparable only if they have the same protocol (see `vaekit.studies.protocol`): the same data
by their fingerprint, the same images and observed pixels, the same things conditioned on, and, for an
estimate of log p(x), the same estimator. A table never puts two protocols into one column.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vaekit.errors import InvalidError, did_you_mean
from vaekit.evaluation.optimal_sigma import decoder_sigma, optimal_sigma
from vaekit.studies import renamed
from vaekit.studies.protocol import (
    NO_PROTOCOL,
    Fact,
    Protocol,
    error_protocol,
    gap_protocol,
    images_protocol,
    likelihood_protocol,
    quality_protocol,
)
from vaekit.studies.results import RunResult, VariantResult

Value = float | str | None


@dataclass(frozen=True)
class Metric:
    """A metric of a run, and how it is shown.

    Attributes:
        title, unit: title and unit of its column.
        value: the number of a run; a list with one number per latent layer; None if unknown.
        better: "higher" or "lower", or None if neither is better.
        digits: after the decimal point; None for three significant digits.
        protocol: how it was measured; `NO_PROTOCOL` if it is always measured the same.
        error: the standard error of the number of a run, Monte Carlo error included; None if unknown.
        of_likelihood: True for log p(x), its bounds and terms, to which the caveats of an evaluation apply.
        setting: True for a value that was chosen, not measured.

    >>> METRICS["elbo"].title, METRICS["elbo"].unit, METRICS["elbo"].better
    ('ELBO', 'nats', 'higher')
    """

    title: str
    unit: str
    value: Callable[[RunResult], Any]
    better: str | None = None
    digits: int | None = 2
    protocol: Callable[[RunResult], Protocol] = lambda run: NO_PROTOCOL
    error: Callable[[RunResult], float | None] = lambda run: None
    of_likelihood: bool = False
    setting: bool = False


def _images_protocol(run: RunResult) -> Protocol:
    """The images and how they were observed."""
    return images_protocol(run.evaluation, run.recipe.data.dataset)


def _bound_protocol(run: RunResult) -> Protocol:
    """The images and the kind of density."""
    return likelihood_protocol(run.evaluation, run.recipe.data.dataset, estimator=False)


def _estimator_protocol(run: RunResult) -> Protocol:
    """The images, the kind of density, and the estimator."""
    return likelihood_protocol(run.evaluation, run.recipe.data.dataset, estimator=True)


def _ais_protocol(run: RunResult) -> Protocol:
    """The same of evaluation-ais.json, the file of annealed importance sampling."""
    return likelihood_protocol(run.ais, run.recipe.data.dataset, estimator=True)


def _error_protocol(run: RunResult) -> Protocol:
    """The images and the scale of model values."""
    return error_protocol(run.evaluation, run.recipe.data.dataset)


def _quality_protocol(run: RunResult) -> Protocol:
    """How the quality of samples was measured."""
    return quality_protocol(run.evaluation, run.recipe.data.dataset)


def _from_evaluation(key: str) -> Callable[[RunResult], Any]:
    return lambda run: run.evaluation.get(key)


def _at_optimal_sigma(key: str) -> Callable[[RunResult], Any]:
    """ELBO or sigma of `evaluation.optimal_sigma`; None without a Gaussian decoder or a KL."""

    def value(run: RunResult) -> float | None:
        known, model = run.evaluation, run.recipe.model
        if model.decoder.likelihood.kind != "gaussian" or not known.get("kl") or known.get("missing"):
            return None
        sigma, dimensions = decoder_sigma(run.trained.model), math.prod(run.trained.shape)
        if sigma is None:
            return None
        return float(
            getattr(optimal_sigma(sigma, dimensions, known["reconstruction"], sum(known["kl"])), key)
        )

    return value


def _optimal_sigma_protocol(run: RunResult) -> Protocol:
    """The images, and what the ELBO at the best sigma is comparable with."""
    note = (
        ". At the best sigma, the ELBO bounds the log-density of continuous gray values: comparable between "
        "these runs, but not a log-likelihood of 8-bit images"
    )
    return images_protocol(run.evaluation, run.recipe.data.dataset, [Fact("", "", note)])


def _quality(key: str) -> Callable[[RunResult], Any]:
    return lambda run: (run.evaluation.get("quality") or {}).get(key)


def _quality_metric(title: str, name: str, better: str, digits: int | None) -> Metric:
    """A score of samples, with its error over sample seeds."""
    error = _quality(f"{name}_stderr")
    return Metric(title, "", _quality(name), better, digits, _quality_protocol, error)


def _seconds(run: RunResult) -> float | None:
    seconds = [record["seconds"] for record in run.metrics if record.get("seconds") is not None]
    return statistics.median(seconds) if seconds else None


def _beta(run: RunResult) -> float | None:
    return run.metrics[-1].get("beta") if run.metrics else None


def _gap(name: str, key: str) -> Callable[[RunResult], float | None]:
    """A number of an estimator in bdmc.json."""

    def value(run: RunResult) -> float | None:
        bounds = {bound["name"]: bound for bound in run.bdmc.get("bounds") or ()}
        return bounds.get(name, {}).get(key)

    return value


def _gap_metric(title: str, name: str) -> Metric:
    """How far an estimator is below the upper bound of bidirectional Monte Carlo; no property of a model."""
    return Metric(
        title,
        "nats",
        _gap(name, "gap"),
        protocol=lambda run: gap_protocol(run.bdmc),
        error=_gap(name, "gap_stderr"),
    )


METRICS: dict[str, Metric] = {
    "log_likelihood": Metric(
        "log-likelihood", "nats", _from_evaluation("log_likelihood"), "higher", 2, _estimator_protocol,
        error=_from_evaluation("log_likelihood_stderr"), of_likelihood=True,
    ),
    "ais": Metric(
        "log-likelihood by AIS", "nats", lambda run: run.ais.get("log_likelihood"), "higher", 2,
        _ais_protocol, error=lambda run: run.ais.get("log_likelihood_stderr"), of_likelihood=True,
    ),
    "gap_importance": _gap_metric("gap of importance sampling", "importance-sampled"),
    "gap_ais": _gap_metric("gap of AIS", "annealed"),
    "elbo": Metric(
        "ELBO", "nats", _from_evaluation("elbo"), "higher", 2, _bound_protocol, of_likelihood=True
    ),
    "reconstruction": Metric(
        "log p(x|z)", "nats", _from_evaluation("reconstruction"), "higher", 2, _bound_protocol,
        of_likelihood=True,
    ),
    "kl": Metric("KL", "nats", _from_evaluation("kl"), None, 2, _images_protocol),
    "elbo_optimal_sigma": Metric(
        "ELBO at best sigma", "nats", _at_optimal_sigma("elbo"), "higher", 1, _optimal_sigma_protocol
    ),
    "optimal_sigma": Metric("best sigma", "", _at_optimal_sigma("sigma"), None, 3, _images_protocol),
    "bits_per_dimension": Metric(
        "bits/dim", "bits", _from_evaluation("bits_per_dimension"), "lower", 3, _estimator_protocol,
        of_likelihood=True,
    ),
    "mutual_information": Metric(
        "mutual information", "nats", _from_evaluation("mutual_information"), None, 2, _images_protocol,
        error=_from_evaluation("mutual_information_stderr"),
    ),
    "active_units": Metric("active units", "", _from_evaluation("active_units"), None, 0, _images_protocol),
    "mse": Metric("squared error", "per pixel", _from_evaluation("mse"), "lower", 4, _error_protocol),
    "frechet": _quality_metric("Fréchet distance", "frechet", "lower", None),
    "kernel": _quality_metric("kernel distance", "kernel", "lower", None),
    "precision": _quality_metric("precision", "precision", "higher", 3),
    "recall": _quality_metric("recall", "recall", "higher", 3),
    "seconds_per_epoch": Metric("time per epoch", "s", _seconds, None, 1),
    "seconds": Metric(
        "training time", "s", lambda run: sum(record["seconds"] for record in run.metrics), None, 0
    ),
    "parameters": Metric("parameters", "", lambda run: run.parameters, None, 0),
    "epochs": Metric("epochs", "", lambda run: len(run.metrics), None, 0),
    "best_epoch": Metric("best epoch", "", lambda run: run.best_epoch, None, 0),
    "beta": Metric("beta", "", _beta, None, 4),
}  # fmt: skip


def find_metric(name: str) -> Metric:
    """A metric by its name: one of METRICS, `name:2` for its second latent layer, or `recipe:key.path`.

    Raises:
        InvalidError: there is no metric of that name.

    >>> find_metric("kl:2").title
    'KL, layer 2'
    >>> find_metric("rate")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: metric: no metric is called 'rate'; did you mean 'kl'?...
    """
    kind, _, rest = name.partition(":")
    if kind == "recipe" and rest:
        return Metric(_key_title(rest), "", lambda run: _recipe_value(run, rest), setting=True)
    if kind not in METRICS or (rest and not rest.isdecimal()):
        new = renamed.METRICS.get(kind)
        near = f"; did you mean {new!r}?" if new else did_you_mean(kind, METRICS)
        raise InvalidError(
            f"metric: no metric is called {name!r}{near}; expected one of {', '.join(METRICS)}, NAME:LAYER, "
            "or recipe:KEY.PATH"
        )
    found = METRICS[kind]
    return _layer_metric(found, int(rest)) if rest else found


def _key_title(path: str) -> str:
    """The title of a recipe key: its last word, preceded by encoder or decoder for keys of their networks."""
    words = path.removesuffix(".value").split(".")
    part = [word for word in ("encoder", "decoder") if word in words and "network" in words]
    return " ".join([*part, words[-1].replace("_", " ")])


def metric_value(found: Metric, run: RunResult) -> Value:
    """The value of a metric for a run, summed over latent layers; None if unknown.

    >>> from vaekit.studies.example import example_results
    >>> metric_value(METRICS["elbo"], example_results().variants[0].first)
    -31.0
    """
    value = found.value(run)
    if isinstance(value, list):
        return sum(value) if value else None
    return value


def metric_values(name: str, variant: VariantResult) -> list[float]:
    """The values of a metric, one per finished run of a variant that has it.

    >>> from vaekit.studies.example import example_results
    >>> metric_values("mse", example_results().variants[0])
    [0.5]
    """
    found = find_metric(name)
    values = [metric_value(found, run) for run in variant.finished]
    return [value for value in values if value is not None and not isinstance(value, str)]


def _layer_metric(found: Metric, layer: int) -> Metric:
    """The metric of one latent layer, counted from 1, the top first."""

    def value(run: RunResult) -> Any:
        layers = found.value(run)
        return layers[layer - 1] if isinstance(layers, list) and 0 < layer <= len(layers) else None

    return replace(found, title=f"{found.title}, layer {layer}", value=value)


def _recipe_value(run: RunResult, path: str) -> Value:
    """The value of a recipe key; the kind of a part that has several keys."""
    value: Any = run.recipe.model_dump(mode="json")
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    value = value.get("kind") if isinstance(value, Mapping) else value
    plain = value is None or (isinstance(value, int | float | str) and not isinstance(value, bool))
    return value if plain else str(value)
