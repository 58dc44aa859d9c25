"""The key numbers of a run made readable: each with its name, its unit, and what to know to read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from vaekit.utils.format import format_duration, format_number, format_significant
from vaekit.utils.io import best_epoch


class MetricCard(NamedTuple):
    """A key number: what it is, its value with unit, and what to know to read it."""

    name: str
    value: str
    unit: str = ""
    note: str = ""


def evaluation_cards(evaluation: Mapping[str, Any]) -> list[MetricCard]:
    """The key numbers of evaluation.json; those that it lacks, or that are not defined, are left out."""
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
    return [tile for make in makers if (tile := make(known))] + _quality(known)


def describe_quality(quality: Mapping[str, Any]) -> str:
    """What was compared to measure the quality of samples, for the middle of a sentence."""
    pixels = {"drawn": "drawn pixels", "means": "means of the pixels"}[quality["pixels"]]
    return (
        f"{quality['images']:,} samples ({pixels}) against as many training images, by "
        f"{quality['description']}"
    )


def ais_cards(evaluation: Mapping[str, Any]) -> list[MetricCard]:
    """The log-likelihood by annealed chains, from evaluation-ais.json."""
    found = _log_likelihood({key: value for key, value in evaluation.items() if value is not None})
    return [found._replace(name=f"{found.name}, annealed")] if found else []


def bdmc_cards(sandwich: Mapping[str, Any]) -> list[MetricCard]:
    """The gap of importance sampling, and in words those of the other bounds, from bdmc.json."""
    if not sandwich:
        return []
    gaps = {bound["name"]: bound for bound in sandwich["bounds"]}
    weighted = gaps["importance-sampled"]
    error = f" ± {format_number(weighted['gap_stderr'])}" if weighted["gap_stderr"] is not None else ""
    note = (
        f"below the upper bound, on {sandwich['images']:,} images of the model, {sandwich['samples']:,} "
        f"samples; annealed {format_number(gaps['annealed']['gap'])}, "
        f"ELBO {format_number(gaps['ELBO']['gap'])}"
    )
    return [MetricCard("Gap of importance sampling", format_number(weighted["gap"]) + error, "nats", note)]


def describe_estimator(evaluation: Mapping[str, Any]) -> str:
    """By what log p(x) was estimated, for the middle of a sentence."""
    if evaluation.get("estimator", "importance") == "importance":
        return f"{evaluation['samples']:,} importance samples"
    return (
        f"{evaluation['samples']:,} annealed chains of {evaluation['steps']:,} steps from the "
        f"{evaluation['init']}"
    )


def training_cards(metrics: Sequence[Mapping[str, Any]], n_parameters: int | None) -> list[MetricCard]:
    """The key numbers of the training: parameters, epochs, time."""
    tiles = [MetricCard("Parameters", f"{n_parameters:,}")] if n_parameters else []
    if metrics:
        tiles.append(MetricCard("Epochs", str(metrics[-1].get("epoch", len(metrics))), note=_best(metrics)))
    if seconds := sum(record.get("seconds") or 0 for record in metrics):
        tiles.append(MetricCard("Training time", format_duration(seconds), note=_speed(metrics)))
    return tiles


def _log_likelihood(known: Mapping[str, Any]) -> MetricCard | None:
    if "log_likelihood" not in known:
        return None
    error = known.get("log_likelihood_stderr")
    value = format_number(known["log_likelihood"]) + (
        f" ± {format_number(error)}" if error is not None else ""
    )
    name = "Log-likelihood" if known.get("is_likelihood", True) else "Score (no likelihood of the data)"
    name += {"condition": " given labels", "marginalize": " without labels"}.get(known.get("labels", ""), "")
    samples = f"{describe_estimator(known)}, " if "samples" in known else ""
    return MetricCard(name, value, "nats", samples + _images(known))


def _elbo(known: Mapping[str, Any]) -> MetricCard | None:
    return (
        MetricCard("ELBO", format_number(known["elbo"]), "nats", "lower bound") if "elbo" in known else None
    )


def _reconstruction(known: Mapping[str, Any]) -> MetricCard | None:
    if "reconstruction" not in known:
        return None
    return MetricCard(
        "Reconstruction", format_number(known["reconstruction"]), "nats", "log p(x|z), mean over q(z|x)"
    )


def _kl(known: Mapping[str, Any]) -> MetricCard | None:
    levels = known.get("kl")
    if not levels:
        return None
    each = (
        f"by level: {', '.join(map(format_number, levels))}"
        if len(levels) > 1
        else "KL of q(z|x) from the prior"
    )
    return MetricCard("Rate", format_number(sum(levels)), "nats", each)


def _information(known: Mapping[str, Any]) -> MetricCard | None:
    if "mutual_information" not in known:
        return None
    most = format_number(math.log(known["surgery_images"]))
    gap = f"of the top level with its {known['surgery_images']:,} images, at most {most}"
    return MetricCard(
        "Mutual information",
        format_number(known["mutual_information"]),
        "nats",
        f"{gap}; aggregated posterior from the prior: {format_number(known['marginal_kl'])}",
    )


def _label(known: Mapping[str, Any]) -> MetricCard | None:
    if "label_kl" not in known:
        return None
    right = f"; largest p(y|x) right for {known['label_accuracy']:.1%}" if "label_accuracy" in known else ""
    return MetricCard(
        "Label rate", format_number(known["label_kl"]), "nats", f"KL of the label from p(y){right}"
    )


def _bits(known: Mapping[str, Any]) -> MetricCard | None:
    if "bits_per_dimension" not in known:
        return None
    observation = known.get("observation")
    note = f"observation {observation}" if observation else ""
    return MetricCard("Bits per dimension", format_number(known["bits_per_dimension"], 3), note=note)


def _active(known: Mapping[str, Any]) -> MetricCard | None:
    if not known.get("active_units"):
        return None
    levels = [
        f"{active} of {of}" for active, of in zip(known["active_units"], known["layer_dims"], strict=True)
    ]
    each = f"by level: {', '.join(levels)}" if len(levels) > 1 else "latents that vary over images"
    return MetricCard(
        "Active units", f"{sum(known['active_units'])} of {sum(known['layer_dims'])}", note=each
    )


def _quality(known: Mapping[str, Any]) -> list[MetricCard]:
    quality = known.get("quality")
    if not quality:
        return []

    def tile(key: str, name: str, form: Callable[[float], str]) -> MetricCard:
        return MetricCard(name, form(quality[key]), note=f"held-out images: {form(quality[f'floor_{key}'])}")

    return [
        tile("frechet", "Fréchet distance", format_significant),
        tile("kernel", "Kernel distance", format_significant),
        tile("precision", "Precision", partial(format_number, digits=3)),
        tile("recall", "Recall", partial(format_number, digits=3)),
    ]


def _effective(known: Mapping[str, Any]) -> MetricCard | None:
    if "ess_mean" not in known:
        return None
    least = f", least {format_number(known['ess_min'], 1)}" if "ess_min" in known else ""
    each = " for each label" if known.get("labels") == "marginalize" else ""
    of = f"of {known['samples']:,}{each}, " if "samples" in known else ""
    note = f"{of}mean over images{least}{_tails(known)}"
    return MetricCard("Effective samples", format_number(known["ess_mean"], 1), note=note)


def _tails(known: Mapping[str, Any]) -> str:
    """The median shape, which may be infinite and is then left out, and how many are too heavy."""
    shape = [format_number(known["pareto_k"])] if math.isfinite(known.get("pareto_k", math.inf)) else []
    heavy = [f"above 0.7 for {known['unreliable']:.1%}"] if "unreliable" in known else []
    return f"; Pareto shape {', '.join(shape + heavy)}" if shape or heavy else ""


def _images(known: Mapping[str, Any]) -> str:
    count = f"{known['images']:,} " if "images" in known else ""
    return f"{count}{known.get('split') or 'held-out'} images"


def _best(metrics: list[dict[str, Any]]) -> str:
    best = best_epoch(metrics)
    return f"best validation: {best}" if best else ""


def _speed(metrics: list[dict[str, Any]]) -> str:
    speeds = sorted(record["images_per_second"] for record in metrics if record.get("images_per_second"))
    return f"{format_number(speeds[len(speeds) // 2], 0)} images/s" if speeds else ""
