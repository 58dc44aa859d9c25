"""The numbers that a table may have as columns: each a function of one finished run.

A number is comparable with another only where both were measured in the same way: the same part of the same
data, the same images, observed alike to the pixel, and for an importance-sampled bound as many samples.
`protocol` says which way that was, in words, with a digest of the pixels; a table never puts two of them into
one column. `worded` leaves the digest out where the other words tell the ways apart.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vaekit.errors import InvalidError, did_you_mean
from vaekit.evaluation.optimal_sigma import decoder_sigma, optimal_sigma
from vaekit.runs.summary import describe_estimator, describe_quality
from vaekit.studies.results import RunResult, VariantResult
from vaekit.utils.format import format_significant

Value = float | str | None

_SET = re.compile(r" \(set [0-9a-f]+\)")
_SCORES = {"frechet": "Fréchet", "kernel": "kernel", "precision": "precision", "recall": "recall"}


@dataclass(frozen=True)
class Metric:
    """A column.

    Attributes:
        title, unit: for people.
        value: of a run; a list for one a level; None where it is not known.
        better: "higher" or "lower", where one is.
        digits: after the point; None for three that say something.
        protocol: how it was measured, in words; empty where there is but one way.
        of_likelihood: whether the evaluation's caveats concern it.
        setting: whether it was chosen, not measured; then it is written as short as it is.
    """

    title: str
    unit: str
    value: Callable[[RunResult], Any]
    better: str | None = None
    digits: int | None = 2
    protocol: Callable[[RunResult], str] = lambda run: ""
    of_likelihood: bool = False
    setting: bool = False


def _measured(run: RunResult) -> str:
    """Which images were measured, and how the model saw them."""
    return f"{_images(run, run.evaluation)}." if run.evaluation else ""


def _sampled(run: RunResult) -> str:
    """The same, and the estimator."""
    return _estimated(run, run.evaluation)


def _annealed(run: RunResult) -> str:
    """The same of annealed chains, which have an evaluation of their own."""
    return _estimated(run, run.ais)


def _estimated(run: RunResult, found: Mapping[str, Any]) -> str:
    return f"{_images(run, found)}, {describe_estimator(found)} an image." if found else ""


def _images(run: RunResult, found: Mapping[str, Any]) -> str:
    data = run.recipe.data.dataset
    hidden = f", hidden {found['missing']}" if found.get("missing") else ""
    told = {"condition": ", labels given", "marginalize": ", labels averaged over"}.get(
        found.get("labels", ""), ""
    )
    how = f"observation {found['observation']}{hidden}{told}"
    which = f" (set {found['pixels']})" if found.get("pixels") else ""
    return f"Measured on {found['images']:,} {found['split']} images{which} of {data}, {how}"


def worded(ways: Iterable[str]) -> dict[str, str]:
    """Ways of measuring as they are told: the set of images is named only where it makes the difference."""
    short = {way: _SET.sub("", way) for way in ways}
    alike = Counter(short.values())
    return {way: words if alike[words] == 1 else way for way, words in short.items()}


def _featured(run: RunResult) -> str:
    """What samples were compared with, and by which features."""
    found = run.evaluation.get("quality")
    if not found:
        return ""
    floor = ", ".join(f"{name} {format_significant(found[f'floor_{key}'])}" for key, name in _SCORES.items())
    said = f"{run.recipe.data.dataset}: {describe_quality(found)}"
    return f"{said}; held-out images in place of the samples reach {floor}."


def _evaluated(key: str) -> Callable[[RunResult], Any]:
    return lambda run: run.evaluation.get(key)


def _fitted(key: str) -> Callable[[RunResult], Any]:
    """Of a Gaussian decoder, what `evaluation.fitted` finds; None for another, or for want of a rate."""

    def found(run: RunResult) -> float | None:
        known, model = run.evaluation, run.recipe.model
        if model.decoder.likelihood.kind != "gaussian" or not known.get("kl") or known.get("missing"):
            return None
        sigma, dimensions = decoder_sigma(run.trained.model), math.prod(run.trained.shape)
        if sigma is None:
            return None
        return float(
            getattr(optimal_sigma(sigma, dimensions, known["reconstruction"], sum(known["kl"])), key)
        )

    return found


def _refitted(run: RunResult) -> str:
    """What the bound with its own sigma is good for."""
    return (
        f"{_measured(run)} With the best sigma the ELBO is one of a density of real gray values: "
        "comparable between these runs, and no log-likelihood of 8-bit images."
    )


def _quality(key: str) -> Callable[[RunResult], Any]:
    return lambda run: (run.evaluation.get("quality") or {}).get(key)


def _seconds(run: RunResult) -> float | None:
    seconds = [record["seconds"] for record in run.metrics if record.get("seconds") is not None]
    return statistics.median(seconds) if seconds else None


def _beta(run: RunResult) -> float | None:
    return run.metrics[-1].get("beta") if run.metrics else None


METRICS: dict[str, Metric] = {
    "log_likelihood": Metric(
        "log-likelihood", "nats", _evaluated("log_likelihood"), "higher", 2, _sampled, True
    ),
    "ais": Metric(
        "log-likelihood, annealed",
        "nats",
        lambda t: t.ais.get("log_likelihood"),
        "higher",
        2,
        _annealed,
        True,
    ),
    "elbo": Metric("ELBO", "nats", _evaluated("elbo"), "higher", 2, _measured, True),
    "reconstruction": Metric(
        "log p(x|z)", "nats", _evaluated("reconstruction"), "higher", 2, _measured, True
    ),
    "kl": Metric("kl", "nats", _evaluated("kl"), None, 2, _measured),
    "elbo_optimal_sigma": Metric("ELBO at best sigma", "nats", _fitted("elbo"), "higher", 1, _refitted),
    "optimal_sigma": Metric("best sigma", "", _fitted("sigma"), None, 3, _measured),
    "bits_per_dimension": Metric(
        "bits/dim", "bits", _evaluated("bits_per_dimension"), "lower", 3, _sampled, True
    ),
    "active_units": Metric("active units", "", _evaluated("active_units"), None, 0, _measured),
    "mse": Metric("squared error", "a pixel", _evaluated("mse"), "lower", 4, _measured),
    "frechet": Metric("Fréchet distance", "", _quality("frechet"), "lower", None, _featured),
    "kernel": Metric("kernel distance", "", _quality("kernel"), "lower", None, _featured),
    "precision": Metric("precision", "", _quality("precision"), "higher", 3, _featured),
    "recall": Metric("recall", "", _quality("recall"), "higher", 3, _featured),
    "seconds_per_epoch": Metric("time an epoch", "s", _seconds, "lower", 1),
    "seconds": Metric("training time", "s", lambda t: sum(r["seconds"] for r in t.metrics), "lower", 0),
    "parameters": Metric("parameters", "", lambda t: t.parameters, None, 0),
    "epochs": Metric("epochs", "", lambda t: len(t.metrics), None, 0),
    "best_epoch": Metric("best epoch", "", lambda t: t.run_dir.summary()["best_epoch"], None, 0),
    "beta": Metric("beta", "", _beta, None, 4),
}


def metric(name: str) -> Metric:
    """A column by its name: one of METRICS, `name:2` for the second level of it, or `recipe:key.path`.

    Raises:
        InvalidError: there is none of that name.
    """
    kind, _, rest = name.partition(":")
    if kind == "recipe" and rest:
        return Metric(_called(rest), "", lambda run: _key(run, rest), setting=True)
    if kind not in METRICS or (rest and not rest.isdecimal()):
        raise InvalidError(
            f"columns: no number is called {name!r}{did_you_mean(kind, METRICS)}; there are "
            f"{', '.join(METRICS)}, NAME:LEVEL, and recipe:KEY.PATH"
        )
    found = METRICS[kind]
    return _of_level(found, int(rest)) if rest else found


def _called(path: str) -> str:
    """A key of the recipe for people: its last word, and whose it is, of what both networks have."""
    words = path.removesuffix(".value").split(".")
    whose = [word for word in ("encoder", "decoder") if word in words and "network" in words]
    return " ".join([*whose, words[-1].replace("_", " ")])


def number(found: Metric, run: RunResult) -> Value:
    """The metric of a run, levels summed; None where it is not known."""
    value = found.value(run)
    if isinstance(value, list):
        return sum(value) if value else None
    return value


def numbers(name: str, variant: VariantResult) -> list[float]:
    """A metric of a variant, one number for each finished run that knows it."""
    found = metric(name)
    values = [number(found, run) for run in variant.finished]
    return [value for value in values if value is not None and not isinstance(value, str)]


def _of_level(found: Metric, level: int) -> Metric:
    """The metric of one level, counted from 1, the top first."""

    def value(run: RunResult) -> Any:
        levels = found.value(run)
        return levels[level - 1] if isinstance(levels, list) and 0 < level <= len(levels) else None

    return replace(found, title=f"{found.title}, level {level}", value=value)


def _key(run: RunResult, path: str) -> Value:
    """What a recipe says at a path of keys; the kind alone of a part that has several."""
    value: Any = run.recipe.model_dump(mode="json")
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    value = value.get("kind") if isinstance(value, Mapping) else value
    plain = value is None or (isinstance(value, int | float | str) and not isinstance(value, bool))
    return value if plain else str(value)
