"""The key numbers of a run as cards: name, value, unit, and a note on how the value was obtained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from vaekit.evaluation.elbo_surgery import is_at_cap
from vaekit.runs.headline import TwoEstimates
from vaekit.utils.format import format_duration, format_number, format_significant
from vaekit.utils.io import best_epoch


class MetricCard(NamedTuple):
    """A key number.

    Attributes:
        name: of the quantity.
        value: formatted, with its standard error where it has one.
        unit: such as nats; empty if it has none.
        note: how the value was obtained.

    >>> MetricCard("ELBO", "−89.15", "nats").unit
    'nats'
    """

    name: str
    value: str
    unit: str = ""
    note: str = ""


def evaluation_cards(evaluation: Mapping[str, Any]) -> list[MetricCard]:
    """The cards of evaluation.json, without those of missing or undefined values.

    Args:
        evaluation: the fields of an `Evaluation`.

    >>> [card.value for card in evaluation_cards({"elbo": -89.149})]
    ['−89.15']
    """
    known = {key: value for key, value in evaluation.items() if value is not None}
    makers = (
        _log_likelihood,
        _elbo,
        _reconstruction,
        _kl,
        _information,
        _label,
        _bits,
        _active,
        _effective,
    )
    return [card for make in makers if (card := make(known))] + _quality(known) + _own_metrics(known)


def describe_quality(quality: Mapping[str, Any]) -> str:
    """What the quality of samples compares, for the middle of a sentence.

    Args:
        quality: the field `quality` of evaluation.json.

    >>> describe_quality({"images": 5000, "pixels": "drawn", "description": "64 pixel components"})
    '5,000 samples (sampled pixels) against as many training images, by 64 pixel components'
    """
    pixels = {"drawn": "sampled pixels", "means": "pixel means"}[quality["pixels"]]
    return (
        f"{quality['images']:,} samples ({pixels}) against as many training images, by "
        f"{quality['description']}"
    )


def lead_cards(
    importance: Sequence[MetricCard], annealed: Sequence[MetricCard], two: TwoEstimates | None
) -> list[MetricCard]:
    """The cards of both estimators of log p(x), that of the better bound first.

    Args:
        importance: the cards of evaluation.json.
        annealed: the cards of evaluation-ais.json.
        two: the comparison of both estimates; None if there is none.

    >>> importance, annealed = MetricCard("Log-likelihood", "−9"), MetricCard("Log-likelihood (AIS)", "−8")
    >>> [card.value for card in lead_cards([importance], [annealed], None)]
    ['−9', '−8']
    """
    if two is None or not importance or not annealed:
        return [*importance, *annealed]
    (first, *rest), (second, *more) = importance, annealed
    first = first._replace(name=f"{first.name} (importance sampling)")
    leading, other = (second, first) if two.leader == "ais" else (first, second)
    leading = leading._replace(note=f"{leading.note}; {two.describe()}")
    return [leading, other, *rest, *more]


def ais_cards(evaluation: Mapping[str, Any]) -> list[MetricCard]:
    """The card of the log-likelihood by annealed importance sampling, from evaluation-ais.json.

    Args:
        evaluation: the fields of an `Evaluation`; no cards if it is empty.

    >>> [card.name for card in ais_cards({"log_likelihood": -86.2})]
    ['Log-likelihood (AIS)']
    """
    card = _log_likelihood({key: value for key, value in evaluation.items() if value is not None})
    return [card._replace(name=f"{card.name} (AIS)")] if card else []


def bdmc_cards(bounds: Mapping[str, Any]) -> list[MetricCard]:
    """The card of the gap of importance sampling, from bdmc.json. Its note names the other gaps.

    Args:
        bounds: the fields of `BDMCBounds`; no cards if it is empty.

    >>> bdmc_cards({})
    []
    """
    if not bounds:
        return []
    gaps = {bound["name"]: bound for bound in bounds["bounds"]}
    importance = gaps["importance-sampled"]
    stderr = importance["gap_stderr"]
    error = f" ± {format_number(stderr)}" if stderr is not None else ""
    note = (
        f"below the upper bound, on {bounds['images']:,} images from the model, {bounds['samples']:,} "
        f"samples; AIS {format_number(gaps['annealed']['gap'])}, "
        f"ELBO {format_number(gaps['ELBO']['gap'])}"
    )
    return [MetricCard("Gap of importance sampling", format_number(importance["gap"]) + error, "nats", note)]


def describe_estimator(evaluation: Mapping[str, Any]) -> str:
    """How log p(x) was estimated, for the middle of a sentence.

    Args:
        evaluation: the fields of an `Evaluation`.

    >>> describe_estimator({"samples": 5000})
    '5,000 importance samples'
    """
    if evaluation.get("estimator", "importance") == "importance":
        return f"{evaluation['samples']:,} importance samples"
    return (
        f"{evaluation['samples']:,} AIS chains with {evaluation['steps']:,} steps from the "
        f"{evaluation['init']}"
    )


def training_cards(metrics: Sequence[Mapping[str, Any]], n_parameters: int | None) -> list[MetricCard]:
    """The cards of the training: parameters, epochs, time.

    Args:
        metrics: one record per epoch.
        n_parameters: None if unknown.

    >>> [card.value for card in training_cards([{"epoch": 1, "seconds": 80.0}], 22_000)]
    ['22,000', '1', '1 min 20 s']
    """
    cards = [MetricCard("Parameters", f"{n_parameters:,}")] if n_parameters else []
    if metrics:
        cards.append(MetricCard("Epochs", str(metrics[-1].get("epoch", len(metrics))), note=_best(metrics)))
    if seconds := sum(record.get("seconds") or 0 for record in metrics):
        cards.append(MetricCard("Training time", format_duration(seconds), note=_speed(metrics)))
    return cards


def _log_likelihood(known: Mapping[str, Any]) -> MetricCard | None:
    if "log_likelihood" not in known:
        return None
    error = known.get("log_likelihood_stderr")
    value = format_number(known["log_likelihood"]) + (
        f" ± {format_number(error)}" if error is not None else ""
    )
    name = "Log-likelihood" if known.get("is_likelihood", True) else "Log-score (not a likelihood)"
    name += {"condition": " given labels", "marginalize": " without labels"}.get(known.get("labels", ""), "")
    samples = f"{describe_estimator(known)}, " if "samples" in known else ""
    return MetricCard(name, value, "nats", "; ".join([samples + _images(known), *_interval(known)]))


def _interval(known: Mapping[str, Any]) -> list[str]:
    """The interval of the mean of log p(x), and the error of the estimator itself."""
    if "log_likelihood_interval" not in known or "mc_error" not in known:
        return []
    low, high = (format_number(end) for end in known["log_likelihood_interval"])
    repeats = f" over {known['repeats']:,} repeats" if known.get("repeats", 1) > 1 else ""
    error, shortfall = format_number(known["mc_error"]), format_number(known["shortfall"])
    return [
        f"95 % {low} to {high}",
        f"Monte Carlo error {error}{repeats}",
        f"too low by {shortfall} on average",
    ]


def _elbo(known: Mapping[str, Any]) -> MetricCard | None:
    if "elbo" not in known:
        return None
    return MetricCard("ELBO", format_number(known["elbo"]), "nats", "lower bound of log p(x)")


def _reconstruction(known: Mapping[str, Any]) -> MetricCard | None:
    if "reconstruction" not in known:
        return None
    return MetricCard(
        "Reconstruction", format_number(known["reconstruction"]), "nats", "log p(x|z), mean over q(z|x)"
    )


def _kl(known: Mapping[str, Any]) -> MetricCard | None:
    layers = known.get("kl")
    if not layers:
        return None
    by_layer = f"by layer: {', '.join(map(format_number, layers))}"
    note = by_layer if len(layers) > 1 else "KL(q(z|x), p(z))"
    return MetricCard("KL", format_number(sum(layers)), "nats", note)


def _information(known: Mapping[str, Any]) -> MetricCard | None:
    if "mutual_information" not in known:
        return None
    maximum = format_number(math.log(known["surgery_images"]))
    noun = _noun(known)
    latents = "top layer" if len(known.get("layer_dims") or ()) > 1 else "latents"
    note = (
        f"between {noun.removesuffix('s')} and {latents}, over {known['surgery_images']:,} {noun}; at most "
        f"{maximum}"
    )
    if is_at_cap(known["mutual_information"], known["surgery_images"]):
        note += f", which it has reached: it is a lower bound, and more {noun} would raise it"
    value = _with_error(known["mutual_information"], known.get("mutual_information_stderr"))
    marginal = _with_error(known["marginal_kl"], known.get("marginal_kl_stderr"))
    return MetricCard("Mutual information", value, "nats", f"{note}; KL(q(z), p(z)): {marginal}")


def _with_error(value: float, error: float | None, form: Callable[[float], str] = format_number) -> str:
    return form(value) if error is None else f"{form(value)} ± {form(error)}"


def _label(known: Mapping[str, Any]) -> MetricCard | None:
    if "label_kl" not in known:
        return None
    accuracy = known.get("label_accuracy")
    note = "" if accuracy is None else f"; accuracy of the most probable label: {accuracy:.1%}"
    return MetricCard("KL of the label", format_number(known["label_kl"]), "nats", f"KL(p(y|x), p(y)){note}")


def _bits(known: Mapping[str, Any]) -> MetricCard | None:
    if "bits_per_dimension" not in known:
        return None
    observation = known.get("observation")
    note = f"observation {observation}" if observation else ""
    return MetricCard("Bits per dimension", format_number(known["bits_per_dimension"], 3), note=note)


def _active(known: Mapping[str, Any]) -> MetricCard | None:
    if not known.get("active_units"):
        return None
    layers = [
        f"{active} of {of}" for active, of in zip(known["active_units"], known["layer_dims"], strict=True)
    ]
    note = (
        f"by layer: {', '.join(layers)}"
        if len(layers) > 1
        else f"latents whose mean varies across {_noun(known)}"
    )
    return MetricCard(
        "Active units", f"{sum(known['active_units'])} of {sum(known['layer_dims'])}", note=note
    )


def _quality(known: Mapping[str, Any]) -> list[MetricCard]:
    quality = known.get("quality")
    if not quality:
        return []

    def card(key: str, name: str, form: Callable[[float], str]) -> MetricCard:
        seeds = quality.get("sample_seeds") or 1
        over = f"; ± over {seeds} sets of samples" if seeds > 1 else ""
        value = _with_error(quality[key], quality.get(f"{key}_stderr"), form)
        return MetricCard(name, value, note=f"held-out images: {form(quality[f'floor_{key}'])}{over}")

    return [
        card("frechet", "Fréchet distance", format_significant),
        card("kernel", "Kernel distance", format_significant),
        card("precision", "Precision", partial(format_number, digits=3)),
        card("recall", "Recall", partial(format_number, digits=3)),
    ]


def _own_metrics(known: Mapping[str, Any]) -> list[MetricCard]:
    values = known.get("metrics") or {}
    note = f"your metric, on {_images(known)}"
    return [
        MetricCard(name, format_significant(value), note=note)
        for name, value in values.items()
        if value is not None
    ]


def _effective(known: Mapping[str, Any]) -> MetricCard | None:
    if "ess_mean" not in known:
        return None
    minimum = f", minimum {format_number(known['ess_min'], 1)}" if "ess_min" in known else ""
    per_label = " per label" if known.get("labels") == "marginalize" else ""
    total = f"of {known['samples']:,}{per_label}, " if "samples" in known else ""
    note = f"{total}mean over {_noun(known)}{minimum}{_tails(known)}"
    return MetricCard("Effective sample size", format_number(known["ess_mean"], 1), note=note)


def _tails(known: Mapping[str, Any]) -> str:
    """The median Pareto k, left out if it is infinite, and the share of images where it is above 0.7."""
    k = [format_number(known["pareto_k"])] if math.isfinite(known.get("pareto_k", math.inf)) else []
    share = [f"above 0.7 for {known['unreliable']:.1%} of {_noun(known)}"] if "unreliable" in known else []
    return f"; Pareto k {', '.join(k + share)}" if k or share else ""


def _images(known: Mapping[str, Any]) -> str:
    count = f"{known['images']:,} " if "images" in known else ""
    return f"{count}{known.get('split') or 'held-out'} {_noun(known)}"


def _noun(known: Mapping[str, Any]) -> str:
    """What the data points are."""
    return str(known.get("noun") or "images")


def _best(metrics: Sequence[Mapping[str, Any]]) -> str:
    best = best_epoch(metrics)
    return f"best epoch: {best}" if best else ""


def _speed(metrics: Sequence[Mapping[str, Any]]) -> str:
    speeds = sorted(record["images_per_second"] for record in metrics if record.get("images_per_second"))
    return f"{format_number(speeds[len(speeds) // 2], 0)} examples/s" if speeds else ""
