"""Each advice from numbers that call for it, and none from numbers that do not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from vaekit.config.loading import load_recipe
from vaekit.runs import diagnose as module
from vaekit.runs.diagnose import RunRecords, diagnose


def epoch(loss: float, validation: float | None = None) -> dict[str, Any]:
    terms = {"loss": loss, "reconstruction": loss - 20, "kl": 20.0}
    return terms if validation is None else {**terms, "validation_elbo": -validation}


GOOD = [epoch(100, 101), epoch(90, 91), epoch(85, 86.2), epoch(84, 85.6), epoch(83.9, 85.55)]
MEASURED = {"active_units": [20], "layer_dims": [20], "unreliable": 0.01, "is_likelihood": True}


def run(metrics=GOOD, evaluation=MEASURED, *overrides: str, **more: Any) -> RunRecords:
    return RunRecords("runs/mnist/1", load_recipe("mnist", overrides), metrics, evaluation, **more)


def the_only(recorded: RunRecords) -> str:
    [sentence] = diagnose(recorded)
    assert not sentence.endswith(".")
    return sentence


def test_a_healthy_run_has_no_advice():
    assert diagnose(run()) == []


def test_divergence():
    assert "the loss of epoch 2 is not finite; try a smaller training.learning_rate (now 0.002)" in the_only(
        run([epoch(100), epoch(math.nan)])
    )
    assert the_only(run([epoch(100), epoch(80), epoch(400)])).startswith("training diverged slowly")
    assert diagnose(run([epoch(100), epoch(200)], MEASURED, "objective.beta=linear")) == []
    assert "was rolled back 2 times" in the_only(run(events=[{}, {}]))
    clipped = the_only(run([epoch(math.inf)], MEASURED, "training.gradient_clip=5"))
    assert "gradient_clip" not in clipped


def test_an_unfinished_training():
    said = the_only(run(GOOD[:2], {}, finished=False))
    assert said == "training stopped after 2 of 10 epochs; run: vaekit train --resume runs/mnist/1"


def test_a_warm_up_that_did_not_end():
    records = [{**record, "beta": 0.05} for record in GOOD]
    said = the_only(run(records, MEASURED, "objective.beta={kind: linear, warmup: 100}"))
    assert said.startswith("training ended at beta 0.05 of 1")
    assert said.endswith("(objective.beta.warmup=3)")
    assert diagnose(run(records, MEASURED)) == []


def test_collapse_is_reported_with_unused_remedies():
    said = the_only(run(evaluation={**MEASURED, "active_units": [0]}))
    assert said.startswith("none of the 20 latents is active: the posterior has collapsed")
    assert '"objective.beta={kind: linear, warmup: 3}"' in said
    assert "free_bits=2" in said
    heavy = the_only(run(GOOD, {**MEASURED, "active_units": [0]}, "objective.beta=8"))
    assert "try a smaller beta (now 8), a warm-up" in heavy
    levels = {**MEASURED, "active_units": [0, 9, 40], "layer_dims": [40, 40, 40]}
    warm = diagnose(run(GOOD, levels, "objective.beta=linear", "objective.free_bits=1"))
    assert [sentence[:8] for sentence in warm] == ["layer 1:", "layer 2:"]
    assert "warm-up" not in warm[0] + warm[1]
    assert "free bits" not in warm[0] + warm[1]
    assert "9 of 40 latents are active" in warm[1]


def test_overfitting():
    worse = [epoch(90, 95), epoch(80, 92), epoch(70, 96)]
    said = the_only(run(worse))
    assert "was best at epoch 2 of 3, then fell by 4.00 nats, 26.00 nats below training" in said
    assert "training.ema=0.999" in said
    gap = the_only(run([epoch(90, 95), epoch(80, 92), epoch(79, 91.9)]))
    assert gap.startswith("the validation ELBO is 12.90 nats below training")
    static = the_only(run(worse, MEASURED, "data.binarization=static", "training.ema=0.9"))
    assert "data.binarization=dynamic" in static
    assert "ema" not in static


def test_a_training_that_was_too_short():
    said = the_only(run([epoch(100, 101), epoch(95, 96), epoch(90, 91)]))
    assert "still rose by 5.00 nats in the last epoch" in said
    assert said.endswith("vaekit train --resume runs/mnist/1 training.epochs=20")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"unreliable": 0.4}, "for 40% of the images"),
        ({"label_kl": 0.001}, "the decoder ignores the label (KL(p(y|x), p(y)) is 0.001 nats)"),
        ({"saturated": 0.6}, "at its bounds for 60% of the pixels"),
        (
            {"marginal_kl": 4.0, "mutual_information": 5.0, "surgery_images": 5000},
            "KL(q(z), p(z)) is 4.00 nats",
        ),
        ({"is_likelihood": False, "caveats": ["gray"]}, "not valid log-likelihoods of the data: gray"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_problems_shown_by_the_evaluation(numbers, words):
    assert words in the_only(run(evaluation={**MEASURED, **numbers}))


@pytest.mark.parametrize(
    ("prior", "cure"),
    [
        ("standard_normal", "try a learned prior: model.prior=vamp, mixture or flow"),
        ("{kind: vamp, components: 50}", "use more components in the prior (model.prior.components=100)"),
        ("{kind: mixture, components: 8}", "use more components in the prior (model.prior.components=16)"),
        ("exemplars", "use more components in the prior (model.prior.components=1000)"),
        ("{kind: flow, transforms: 4}", "use more transforms in the prior (model.prior.transforms=8)"),
        (
            "{kind: mixture, weights: class_conditional}",
            "more than one Gaussian per class: model.prior=vamp or flow",
        ),
    ],
)
def test_a_prior_mismatch_proposes_a_more_flexible_prior(prior, cure):
    far = {**MEASURED, "marginal_kl": 4.0, "mutual_information": 5.0, "surgery_images": 5000}
    condition = ["model.condition={variable: label, parts: [prior, decoder]}"] if "class" in prior else []
    recorded = run(GOOD, far, *condition, f"model.prior={prior}")
    assert the_only(recorded).endswith(cure)


def test_a_prior_mismatch_needs_enough_images():
    full = {"marginal_kl": 14.0, "mutual_information": 8.5, "surgery_images": 5000}
    assert diagnose(run(evaluation={**MEASURED, **full})) == []


def test_without_an_evaluation_the_command_is_proposed():
    assert the_only(run(evaluation={})).endswith("vaekit evaluate runs/mnist/1")


def test_every_diagnosis_is_covered():
    named = {
        value
        for value in vars(module).values()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") == "Iterator[str]"
    }
    assert named == set(module.DIAGNOSES)
