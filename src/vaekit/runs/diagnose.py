"""Problems of a run that its recorded numbers show, each with a remedy to try.

A diagnosis is a function of the records of a run only: the recipe, one record per epoch, and the evaluation.
It yields a sentence with the problem, the number that shows it, and what to change. To add one, write the
function and list it in `DIAGNOSES`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.config.build import build_objective
from vaekit.config.components import Options, option_values
from vaekit.config.schema.recipe import Recipe
from vaekit.runs.files import RunFiles
from vaekit.spec import Column, Preprocessing
from vaekit.utils.format import count_of

MIN_ACTIVE = 0.5  # share of active latents below which many are unused
LAST_EPOCHS = 0.2  # share of epochs at the end in which a converged training gains nothing
MIN_GAIN = 0.002  # relative change of the ELBO that counts as gain or loss over several epochs
MAX_GAP = 0.03  # relative gap of the ELBO between training and validation
MAX_SATURATED = 0.25  # share of pixels
MIN_LABEL_KL = 0.05  # nats; below, the decoder ignores the label
MAX_UNRELIABLE = 0.05  # share of images with unreliable importance weights
MAX_MARGINAL_KL = 2.0  # nats between aggregated posterior and prior
MAX_DEVIATIONS = 20.0  # of a column, beyond which a value is an outlier
MIN_ROWS = 10  # training rows per column
MAX_INFORMATION = 0.9  # share of log N; above, N images are too few to estimate KL(q(z), p(z))


class RunRecords(NamedTuple):
    """The records of a run.

    Attributes:
        path: of the run directory, for the commands in remedies.
        recipe: resolved.
        metrics: one record per epoch.
        evaluation: the content of evaluation.json; empty if the run was not evaluated.
        events: one record per rollback after a divergence.
        finished: whether training is complete.
        columns: of the table that the model was trained on; empty for other data.
        rows: the number of training rows; None if it was not recorded.

    >>> from vaekit.config.loading import load_recipe
    >>> RunRecords("runs/digits/1", load_recipe("digits"), metrics=[], evaluation={}).finished
    True
    """

    path: str
    recipe: Recipe
    metrics: Sequence[Mapping[str, Any]]
    evaluation: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    finished: bool = True
    columns: Sequence[Column] = ()
    rows: int | None = None


def records_of(run: RunFiles) -> RunRecords:
    """The records of a run directory.

    Raises:
        VaekitError: a file of the run is damaged.

    >>> import tempfile
    >>> from vaekit.runs.files import RunFiles
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> records_of(RunFiles(folder)).finished
    False
    """
    return RunRecords(
        str(run.path), run.recipe, run.metrics, run.evaluation, run.events, run.training_complete,
        _table_columns(run.path), run.environment.get("training_rows"),
    )  # fmt: skip


def _table_columns(run: Path) -> tuple[Column, ...]:
    """The columns of the table that the saved model was trained on; none without a model or a table."""
    file = run / "model" / "config.json"
    try:
        tree = json.loads(file.read_text(encoding="utf-8")).get("preprocessing")
        return Preprocessing.from_dict(tree).columns if tree else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()  # a damaged model is reported by the check of the model


Diagnosis = Callable[[RunRecords], Iterator[str]]


def diagnose(run: RunRecords) -> list[str]:
    """The problems of a run, the most serious first.

    Returns:
        One sentence per problem, without a final period; empty if no problem was found.

    >>> from vaekit.config.loading import load_recipe
    >>> diagnose(RunRecords("runs/digits/1", load_recipe("digits"), metrics=[], evaluation={}))
    ['the run was not evaluated, so only its training was checked; run: vaekit evaluate runs/digits/1']
    """
    return [sentence for diagnosis in DIAGNOSES for sentence in diagnosis(run)]


def diverged(run: RunRecords) -> Iterator[str]:
    """The loss is not finite, or far above its minimum.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [{"loss": 5.0}, {"loss": float("nan")}], {})
    >>> next(diverged(run))[:60]
    'training diverged: the loss of epoch 2 is not finite; try a '
    """
    if run.events:
        times = f"{count_of(len(run.events), 'time')}"
        yield (
            f"training diverged and was rolled back {times}, with half the learning rate each time; "
            f"{_stabilizers(run)}"
        )
    losses = [record.get("loss") for record in run.metrics]
    known = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    if len(known) < len(losses):
        epoch = next(i for i, loss in enumerate(losses, 1) if loss is None or not math.isfinite(loss))
        yield f"training diverged: the loss of epoch {epoch} is not finite; {_stabilizers(run)}"
    elif known and known[-1] - min(known) > 0.5 * abs(min(known)) and not _rising_beta(run):
        yield (
            f"training diverged slowly: the loss rose from {min(known):.1f} to {known[-1]:.1f}; "
            f"{_stabilizers(run)}"
        )


def unfinished(run: RunRecords) -> Iterator[str]:
    """Training is not complete.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [{"loss": 5.0}], {}, finished=False)
    >>> next(unfinished(run))[:60]
    'training stopped after 1 of 60 epochs; run: vaekit train --r'
    """
    if not run.finished:
        done, total = len(run.metrics), run.recipe.training.epochs
        yield f"training stopped after {done} of {total} epochs; run: vaekit train --resume {run.path}"


def still_warming_up(run: RunRecords) -> Iterator[str]:
    """Beta had not reached its final value when training ended.

    >>> from vaekit.config.loading import load_recipe
    >>> recipe = load_recipe("digits", ["objective.beta={kind: linear, warmup: 90}"])
    >>> run = RunRecords("r", recipe, [{"beta": 0.5}], {})
    >>> next(still_warming_up(run))[:60]
    'training ended at beta 0.5 of 1, so the KL never had its ful'
    """
    schedule, last = run.recipe.objective.beta, run.metrics[-1].get("beta") if run.metrics else None
    final = build_objective(run.recipe.objective).final_beta
    if schedule.kind == "linear" and run.finished and last is not None and final and last < 0.99 * final:
        yield (
            f"training ended at beta {last:.2g} of {final:g}, so the KL never had its full weight; train "
            "longer, or use a shorter warm-up "
            f"(objective.beta.warmup={max(1, run.recipe.training.epochs // 3)})"
        )


def collapsed(run: RunRecords) -> Iterator[str]:
    """Posterior collapse: layers, or many latents, that carry no information about the image.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [], {"active_units": [0], "layer_dims": [8]})
    >>> next(collapsed(run))[:60]
    'none of the 8 latents is active: the posterior has collapsed'
    """
    active, latents = run.evaluation.get("active_units") or [], run.evaluation.get("layer_dims") or []
    for layer, (used, total) in enumerate(zip(active, latents, strict=True), 1):
        where = f"layer {layer}: " if len(latents) > 1 else ""
        if used == 0 and run.columns:
            yield (
                f"{where}none of the {total} latents is active: the columns look independent of each other, "
                f"or training was too short; compare with: vaekit evaluate {run.path} --baselines"
            )
        elif used == 0:
            collapse = f"none of the {total} latents is active: the posterior has collapsed"
            yield f"{where}{collapse}; {_remedies(run)}"
        elif used < MIN_ACTIVE * total and not run.columns:
            yield (
                f"{where}{used} of {total} latents are active, the others carry no information; use fewer "
                f"latents (model.latent_dim), or {_remedies(run)}"
            )


def overfitted(run: RunRecords) -> Iterator[str]:
    """The validation ELBO fell while training continued, or is far below the training ELBO.

    >>> from vaekit.config.loading import load_recipe
    >>> metrics = [{"validation_elbo": b, "reconstruction": 10.0, "kl": 5.0} for b in (-50.0, -20.0, -40.0)]
    >>> run = RunRecords("r", load_recipe("digits"), metrics, {})
    >>> next(overfitted(run))[:60]
    'the model overfits: the validation ELBO was best at epoch 2 '
    """
    bounds = _validation(run)
    trained = [-(r["reconstruction"] + r["kl"]) for r in run.metrics if r.get("kl") is not None]
    if len(bounds) < 3 or not trained:
        return
    best = max(range(len(bounds)), key=lambda i: bounds[i])
    loss, gap = bounds[best] - bounds[-1], trained[-1] - bounds[-1]
    if gap > MAX_GAP * abs(bounds[-1]) and loss > MIN_GAIN * abs(bounds[-1]):
        yield (
            f"the model overfits: the validation ELBO was best at epoch {best + 1} of {len(bounds)}, then "
            f"fell by {loss:.2f} nats, {gap:.2f} nats below training; use early stopping "
            f"(training.patience=10), {_regularizers(run)}"
        )
    elif gap > MAX_GAP * abs(bounds[-1]):
        yield (
            f"the validation ELBO is {gap:.2f} nats below training; to narrow the gap, use more data, "
            f"{_regularizers(run)}"
        )


def too_short(run: RunRecords) -> Iterator[str]:
    """The validation ELBO was still rising when training ended.

    >>> from vaekit.config.loading import load_recipe
    >>> metrics = [{"validation_elbo": b, "reconstruction": 30.0, "kl": 10.0} for b in (-90.0, -60.0, -40.0)]
    >>> run = RunRecords("r", load_recipe("digits"), metrics, {})
    >>> next(too_short(run))[:60]
    'training was too short: the validation ELBO still rose by 20'
    """
    bounds = _validation(run)
    late = max(1, round(LAST_EPOCHS * len(bounds)))
    if len(bounds) < 3 or bounds[-1] < max(bounds) or not run.finished:
        return
    gain = bounds[-1] - max(bounds[:-late])
    if gain > MIN_GAIN * abs(bounds[-1]):
        last = "the last epoch" if late == 1 else f"the last {late} epochs"
        yield (
            f"training was too short: the validation ELBO still rose by {gain:.2f} nats in {last}; run: "
            f"vaekit train --resume {run.path} training.epochs={2 * run.recipe.training.epochs}"
        )


def unreliable(run: RunRecords) -> Iterator[str]:
    """Importance sampling is unreliable for many images.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [], {"unreliable": 0.4})
    >>> next(unreliable(run))[:60]
    'the log-likelihood estimate may be far too low: the Pareto k'
    """
    share = run.evaluation.get("unreliable") or 0.0
    if share > MAX_UNRELIABLE:
        yield (
            "the log-likelihood estimate may be far too low: the Pareto k of the importance weights is above "
            f"0.7 for {share:.0%} of the images; evaluate some images with AIS: "
            f"vaekit evaluate {run.path} --estimator ais --images 100, or bound the error: "
            f"vaekit evaluate {run.path} --bdmc"
        )


def ignored_label(run: RunRecords) -> Iterator[str]:
    """The decoder ignores the label that it is conditioned on.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [], {"label_kl": 0.0})
    >>> next(ignored_label(run))[:60]
    'the decoder ignores the label (KL(p(y|x), p(y)) is 0.000 nat'
    """
    known = run.evaluation.get("label_kl")
    if known is not None and known < MIN_LABEL_KL:
        yield (
            f"the decoder ignores the label (KL(p(y|x), p(y)) is {known:.3f} nats); the latents already "
            "encode it; use fewer latents (model.latent_dim), or start with a large beta that falls to 1"
        )


def saturated(run: RunRecords) -> Iterator[str]:
    """The scale of the likelihood is at its bounds.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [], {"saturated": 0.9})
    >>> next(saturated(run))[:60]
    'the scale of the likelihood is at its bounds for 90% of the '
    """
    share = run.evaluation.get("saturated") or 0.0
    if share > MAX_SATURATED:
        yield (
            f"the scale of the likelihood is at its bounds for {share:.0%} of the pixels, so the bounds "
            "determine the likelihood; widen model.decoder.likelihood.bounds, or choose a likelihood for "
            "data with constant pixels or few gray levels"
        )


def prior_mismatch(run: RunRecords) -> Iterator[str]:
    """The aggregated posterior q(z) is far from the prior.

    >>> from vaekit.config.loading import load_recipe
    >>> measured = {"marginal_kl": 9.0, "mutual_information": 2.0, "surgery_images": 1000}
    >>> run = RunRecords("r", load_recipe("digits"), [], measured)
    >>> next(prior_mismatch(run))[:60]
    'the aggregated posterior is far from the prior (KL(q(z), p(z'
    """
    gap, information, images = (
        run.evaluation.get(key) for key in ("marginal_kl", "mutual_information", "surgery_images")
    )
    if (
        gap is None
        or information is None
        or images is None
        or information > MAX_INFORMATION * math.log(images)
    ):
        return
    if gap > MAX_MARGINAL_KL:
        yield (
            f"the aggregated posterior is far from the prior (KL(q(z), p(z)) is {gap:.2f} nats), so samples "
            f"of the prior reach latents that the decoder was not trained on; "
            f"{_flexible_prior(run.recipe.model.prior)}"
        )


def not_a_likelihood(run: RunRecords) -> Iterator[str]:
    """The log-scores are not log-likelihoods of the data.

    >>> from vaekit.config.loading import load_recipe
    >>> measured = {"is_likelihood": False, "caveats": ["values are scaled"]}
    >>> run = RunRecords("r", load_recipe("digits"), [], measured)
    >>> next(not_a_likelihood(run))[:80]
    'the log-scores are not valid log-likelihoods of the data: values are scaled'
    """
    if run.evaluation.get("is_likelihood", True):
        return
    why = next(iter(run.evaluation.get("caveats", [])), "")
    yield f"the log-scores are not valid log-likelihoods of the data: {why}"


def outliers(run: RunRecords) -> Iterator[str]:
    """A column of a table has values far from all others.

    >>> from vaekit.config.loading import load_recipe
    >>> column = Column("height", offset=170.0, scale=10.0, low=-9999.0, high=190.0, scaling="standard")
    >>> next(outliers(RunRecords("r", load_recipe("digits"), [], {}, columns=[column])))[:60]
    "column 'height' has values far from the others, such as -999"
    """
    for column in run.columns:
        if not column.is_numeric or column.knots:
            continue
        farthest = max((column.low, column.high), key=lambda value: abs(value - column.offset))
        if abs(farthest - column.offset) > MAX_DEVIATIONS * column.scale:
            yield (
                f"column {column.name!r} has values far from the others, such as {farthest:g}, more than "
                f"{MAX_DEVIATIONS:g} deviations off; if they stand for missing values, say so "
                f"(data.missing_values=[{farthest:g}]); else try data.scaling=quantile"
            )


def few_rows(run: RunRecords) -> Iterator[str]:
    """There are too few training rows for the number of columns.

    >>> from vaekit.config.loading import load_recipe
    >>> columns = [Column(name) for name in "abcdefgh"]
    >>> next(few_rows(RunRecords("r", load_recipe("digits"), [], {}, columns=columns, rows=30)))[:60]
    'only 30 training rows for 8 columns: the numbers of held-out'
    """
    if run.columns and run.rows is not None and run.rows < MIN_ROWS * len(run.columns):
        yield (
            f"only {run.rows} training rows for {len(run.columns)} columns: the numbers of held-out rows are "
            f"uncertain and simple models may be better; compare with: vaekit evaluate {run.path} --baselines"
        )


def below_a_baseline(run: RunRecords) -> Iterator[str]:
    """A simple density model is better than the VAE on the same rows.

    >>> from vaekit.config.loading import load_recipe
    >>> found = {"baselines": [{"name": "Gaussian", "gain": -2.0, "gain_stderr": 0.1}]}
    >>> next(below_a_baseline(RunRecords("r", load_recipe("digits"), [], found)))[:60]
    'Gaussian is better than the VAE on the same rows, by 2.00 ± '
    """
    known = [found for found in run.evaluation.get("baselines") or [] if found.get("gain") is not None]
    worst = min(known, key=lambda found: found["gain"], default=None)
    if worst is not None and worst["gain"] + 2 * (worst["gain_stderr"] or 0) < 0:
        yield (
            f"{worst['name']} is better than the VAE on the same rows, by {-worst['gain']:.2f} ± "
            f"{worst['gain_stderr'] or 0:.2f} nats per row; try more latents (model.latent_dim), longer "
            "training, or data.scaling=quantile"
        )


def not_evaluated(run: RunRecords) -> Iterator[str]:
    """The run has no evaluation.

    >>> from vaekit.config.loading import load_recipe
    >>> run = RunRecords("r", load_recipe("digits"), [], {})
    >>> next(not_evaluated(run))[:60]
    'the run was not evaluated, so only its training was checked;'
    """
    if run.finished and not run.evaluation:
        yield (
            f"the run was not evaluated, so only its training was checked; run: vaekit evaluate {run.path}"
        )


DIAGNOSES: tuple[Diagnosis, ...] = (
    diverged, unfinished, still_warming_up, collapsed, overfitted, too_short, unreliable, ignored_label,
    saturated, prior_mismatch, not_a_likelihood, outliers, few_rows, below_a_baseline, not_evaluated,
)  # fmt: skip


# -------------------------------------------------------------------------------------------------- remedies


def _stabilizers(run: RunRecords) -> str:
    remedies = [f"a smaller training.learning_rate (now {run.recipe.training.learning_rate:g})"]
    if run.recipe.training.gradient_clip is None:
        remedies.append("training.gradient_clip=100")
    return f"try {', or '.join(remedies)}"


def _remedies(run: RunRecords) -> str:
    """Remedies for posterior collapse that the recipe does not use yet."""
    remedies = []
    final = build_objective(run.recipe.objective).final_beta
    if final > 1:
        remedies.append(f"a smaller beta (now {final:g})")
    if run.recipe.objective.beta.kind == "constant":
        warmup = max(1, run.recipe.training.epochs // 3)
        remedies.append(f'a warm-up ("objective.beta={{kind: linear, warmup: {warmup}}}")')
    if option_values(run.recipe.objective).get("free_bits") == 0:
        remedies.append("free bits (objective.free_bits=2)")
    return f"try {', '.join([*remedies, 'or a smaller decoder'])}"


def _flexible_prior(prior: Options) -> str:
    """A more flexible prior than the one of the recipe."""
    options = option_values(prior)
    if options.get("weights") == "class_conditional":
        return "try a prior with more than one Gaussian per class: model.prior=vamp or flow"
    for name in ("transforms", "components"):
        if name in options:
            return f"use more {name} in the prior (model.prior.{name}={2 * options[name]})"
    return "try a learned prior: model.prior=vamp, mixture or flow"


def _regularizers(run: RunRecords) -> str:
    weights = (
        "a moving average of the weights (training.ema=0.999), " if run.recipe.training.ema is None else ""
    )
    fixed = run.recipe.data.observation in ("static", "threshold")
    binarization = "data.binarization=dynamic, " if fixed else ""
    return f"{binarization}{weights}smaller networks, or training.weight_decay"


def _validation(run: RunRecords) -> list[float]:
    """The validation ELBO by epoch, where it was recorded."""
    return [r["validation_elbo"] for r in run.metrics if r.get("validation_elbo") is not None]


def _rising_beta(run: RunRecords) -> bool:
    """Whether the loss may rise because the weight of the KL rises."""
    return run.recipe.objective.beta.kind != "constant"
