"""What the numbers of a run say is wrong with it, each with the cure to try.

An advice is a function of what was recorded, and of nothing else: the recipe, one record an epoch, and the
evaluation. It yields a sentence that says what was seen, by which number, and what to change. To add one,
write it and put it into `ADVICE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from vaekit.config.schema.model import FlowPrior, Prior, StandardNormalPrior
from vaekit.config.schema.recipe import Recipe

HALF = 0.5  # a share of active latents below which many are idle
LATE = 0.2  # the last part of the epochs, in which a training that is done gains nothing
GAIN = 0.002  # of the bound: what counts as gain or loss over several epochs
OVERFIT = 0.03  # of the bound: a gap between training and validation that is worth a word
SATURATED = 0.25  # of the pixels
SILENT = 0.05  # nats: a label of which p(y | x) knows less than this is not heard
HEAVY = 0.05  # the share of images with unreliable estimates
FAR = 2.0  # nats between aggregated posterior and prior
FULL = 0.9  # of log N: mutual information that N images cannot show the rest of


class RunRecords(NamedTuple):
    """What is known of a run.

    Attributes:
        path: of it, for the commands.
        recipe: of it.
        metrics: one record an epoch.
        evaluation: what evaluation.json says; empty where it was not measured.
        events: one record each time training diverged and went back.
        finished: whether all was done that the recipe asks for.
    """

    path: str
    recipe: Recipe
    metrics: Sequence[Mapping[str, Any]]
    evaluation: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    finished: bool = True


Diagnosis = Callable[[RunRecords], Iterator[str]]


def diagnose(run: RunRecords) -> list[str]:
    """All that there is to say of a run, the gravest first; empty where nothing is wrong."""
    return [sentence for look in DIAGNOSES for sentence in look(run)]


def diverged(run: RunRecords) -> Iterator[str]:
    """A loss that is not finite, or far above what it was."""
    if run.events:
        times = f"{len(run.events)} time{'s' * (len(run.events) > 1)}"
        yield f"training diverged and went back {times}, each with half the learning rate; {_calmer(run)}"
    losses = [record.get("loss") for record in run.metrics]
    known = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    if len(known) < len(losses):
        epoch = next(i for i, loss in enumerate(losses, 1) if loss is None or not math.isfinite(loss))
        yield f"training diverged: the loss of epoch {epoch} is not finite; {_calmer(run)}"
    elif known and known[-1] - min(known) > 0.5 * abs(min(known)) and not _rising_beta(run):
        yield (f"training went astray: the loss was {min(known):.1f} and is {known[-1]:.1f}; {_calmer(run)}")


def unfinished(run: RunRecords) -> Iterator[str]:
    """A training that was cut off."""
    if not run.finished:
        done, of = len(run.metrics), run.recipe.training.epochs
        yield f"training ended after {done} of {of} epochs; go on by: vaekit train --resume {run.path}"


def still_warming_up(run: RunRecords) -> Iterator[str]:
    """A beta that had not come to its end."""
    schedule, last = run.recipe.objective.beta, run.metrics[-1].get("beta") if run.metrics else None
    final = getattr(schedule, "value", None)
    if schedule.kind == "linear" and run.finished and last is not None and final and last < 0.99 * final:
        yield (
            f"training ended while beta was {last:.2g} of {final:g}: the rate has not been weighed in full; "
            f"train longer, or warm up sooner (objective.beta.warmup={max(1, run.recipe.training.epochs // 3)})"
        )


def collapsed(run: RunRecords) -> Iterator[str]:
    """Levels, or many latents, that say nothing of an image (posterior collapse)."""
    active, latents = run.evaluation.get("active_units") or [], run.evaluation.get("layer_dims") or []
    for level, (used, of) in enumerate(zip(active, latents, strict=True), 1):
        where = f"level {level}: " if len(latents) > 1 else ""
        if used == 0:
            yield f"{where}none of the {of} latents is active: the posterior has collapsed; {_cures(run)}"
        elif used < HALF * of:
            yield (
                f"{where}{used} of {of} latents are active, the others say nothing of an image; as many "
                f"would do (model.latent_dim), or let more be used: {_cures(run)}"
            )


def overfitted(run: RunRecords) -> Iterator[str]:
    """Validation that got worse while training went on, or lies far below training."""
    bounds = _validation(run)
    trained = [-(r["reconstruction"] + r["kl"]) for r in run.metrics if r.get("kl") is not None]
    if len(bounds) < 3 or not trained:
        return
    best = max(range(len(bounds)), key=lambda i: bounds[i])
    loss, gap = bounds[best] - bounds[-1], trained[-1] - bounds[-1]
    if gap > OVERFIT * abs(bounds[-1]) and loss > GAIN * abs(bounds[-1]):
        yield (
            f"it overfits: validation was best at epoch {best + 1} of {len(bounds)} and lost {loss:.2f} nats "
            f"since, while training is {gap:.2f} nats better; stop there (training.patience=10), "
            f"{_regularizers(run)}"
        )
    elif gap > OVERFIT * abs(bounds[-1]):
        yield (
            f"training is {gap:.2f} nats better than validation: more data or {_regularizers(run)} would "
            "narrow the gap"
        )


def too_short(run: RunRecords) -> Iterator[str]:
    """Validation that was still rising when training ended."""
    bounds = _validation(run)
    late = max(1, round(LATE * len(bounds)))
    if len(bounds) < 3 or bounds[-1] < max(bounds) or not run.finished:
        return
    gain = bounds[-1] - max(bounds[:-late])
    if gain > GAIN * abs(bounds[-1]):
        last = "the last epoch" if late == 1 else f"the last {late} epochs"
        yield (
            f"training was too short: validation still gained {gain:.2f} nats in {last}; go on by: "
            f"vaekit train --resume {run.path} training.epochs={2 * run.recipe.training.epochs}"
        )


def unreliable(run: RunRecords) -> Iterator[str]:
    """Importance sampling that cannot be trusted."""
    share = run.evaluation.get("unreliable") or 0.0
    if share > HEAVY:
        yield (
            "the log-likelihood is a bound that may be far too low: the Pareto shape of the importance "
            f"weights is above 0.7 for {share:.0%} of the images; measure some by annealed chains: "
            f"vaekit evaluate {run.path} --estimator ais --images 100, or see the gap: "
            f"vaekit evaluate {run.path} --bdmc"
        )


def unheard(run: RunRecords) -> Iterator[str]:
    """A label that is told, and that the decoder makes nothing of."""
    known = run.evaluation.get("label_kl")
    if known is not None and known < SILENT:
        yield (
            f"the label is not heard: p(y|x) tells {known:.3f} nats of it; the latents hold it already: use "
            "fewer of them (model.latent_dim), or begin with a large beta that falls to 1"
        )


def saturated(run: RunRecords) -> Iterator[str]:
    """A scale of the likelihood at its bounds."""
    share = run.evaluation.get("saturated") or 0.0
    if share > SATURATED:
        yield (
            f"the scale of the likelihood is at its bounds for {share:.0%} of the pixels, so that the bounds "
            "decide the likelihood; widen model.decoder.likelihood.bounds, or where the data are constant or "
            "of few levels, choose a likelihood for that"
        )


def far_from_the_prior(run: RunRecords) -> Iterator[str]:
    """Codes that are not where the prior is."""
    gap, information, images = (
        run.evaluation.get(key) for key in ("marginal_kl", "mutual_information", "surgery_images")
    )
    if gap is None or information is None or images is None or information > FULL * math.log(images):
        return
    if gap > FAR:
        yield (
            f"the codes are not where the prior is: KL(q(z), p(z)) is {gap:.2f} nats, and samples come from "
            f"places that the decoder never learned; {_freer_prior(run.recipe.model.prior)}"
        )


def no_likelihood(run: RunRecords) -> Iterator[str]:
    """Numbers that are no log-likelihood of the data."""
    if run.evaluation.get("is_likelihood", True):
        return
    why = next(iter(run.evaluation.get("caveats", [])), "")
    yield f"its numbers are no log-likelihood of the data: {why}"


def unmeasured(run: RunRecords) -> Iterator[str]:
    """A run without an evaluation, of which little can be said."""
    if run.finished and not run.evaluation:
        yield f"it was not measured: only its training was looked at; do it by: vaekit evaluate {run.path}"


DIAGNOSES: tuple[Diagnosis, ...] = (
    diverged, unfinished, still_warming_up, collapsed, overfitted, too_short, unreliable, unheard, saturated,
    far_from_the_prior, no_likelihood, unmeasured,
)  # fmt: skip


# -------------------------------------------------------------------------------------------------- cures


def _calmer(run: RunRecords) -> str:
    cures = [f"a smaller training.learning_rate (now {run.recipe.training.learning_rate:g})"]
    if run.recipe.training.gradient_clip is None:
        cures.append("training.gradient_clip=100")
    return f"try {', or '.join(cures)}"


def _cures(run: RunRecords) -> str:
    """Against posterior collapse; what the recipe has already is left out."""
    cures = []
    if run.recipe.objective.beta.final > 1:
        cures.append(f"a smaller beta (now {run.recipe.objective.beta.final:g})")
    if run.recipe.objective.beta.kind == "constant":
        warmup = max(1, run.recipe.training.epochs // 3)
        cures.append(f'a warm-up ("objective.beta={{kind: linear, warmup: {warmup}}}")')
    if not run.recipe.objective.free_bits:
        cures.append("free bits (objective.free_bits=2)")
    return f"try {', '.join([*cures, 'or a smaller decoder'])}"


def _freer_prior(prior: Prior) -> str:
    """A prior that can follow the codes further than the one there is."""
    if isinstance(prior, StandardNormalPrior):
        return "try a prior that is learned: model.prior=vamp, mixture or flow"
    if isinstance(prior, FlowPrior):
        return f"give the prior more steps (model.prior.transforms={2 * prior.transforms})"
    if prior.weights == "class_conditional":
        return "try a prior of more than one Gaussian a class: model.prior=vamp or flow"
    return f"give the prior more components (model.prior.components={2 * prior.components})"


def _regularizers(run: RunRecords) -> str:
    weights = (
        "a moving average of the weights (training.ema=0.999), " if run.recipe.training.ema is None else ""
    )
    fixed = run.recipe.data.observation in ("static", "threshold")
    noise = "data.binarization=dynamic, " if fixed else ""
    return f"{noise}{weights}narrower networks, or training.weight_decay"


def _validation(run: RunRecords) -> list[float]:
    """The bound on validation images epoch by epoch, where it is known."""
    return [r["validation_elbo"] for r in run.metrics if r.get("validation_elbo") is not None]


def _rising_beta(run: RunRecords) -> bool:
    """Whether the loss rises because its weight of the rate does."""
    return run.recipe.objective.beta.kind != "constant"
