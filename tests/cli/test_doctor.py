from __future__ import annotations

import json

import pytest


def test_doctor_reports_this_machine(call, numbers):
    facts = numbers("doctor")
    assert facts["versions"]["vaekit"] == "0.1.0"
    assert facts["data"]["found"]["digits"] in ("packaged", "cache")
    text = call("doctor").stdout
    for words in ("Versions", "Machine", "Data", "threads", "VAEKIT_DATA"):
        assert words in text


def test_doctor_of_an_intact_run(call, numbers, trained):
    facts = numbers("doctor", trained)["run"]
    assert (facts["recipe"], facts["epochs"], facts["finished"]) == ("digits", "2 of 2", True)
    assert facts["problems"] == []
    assert "finished" in call("doctor", trained).stdout


def test_doctor_of_a_damaged_run(call, numbers, run):
    (run / "model/config.json").write_text("{")
    facts = numbers("doctor", run)
    assert facts["run"]["model"] is None
    assert any("config.json" in warning for warning in facts["warnings"])
    assert "Warning: " in call("doctor", run).stdout


@pytest.mark.parametrize(
    "numbers_of_run",
    [
        {"active_units": 3},
        {"active_units": [1], "layer_dims": [2, 3]},
        {"unreliable": "many"},
        {"marginal_kl": "x"},
    ],
)
def test_edited_evaluations_are_a_problem(numbers, run, numbers_of_run):
    weights = json.loads((run / "model/config.json").read_text())["weights"]
    known = {"weights": weights, "mutual_information": 1.0, "surgery_images": 100, **numbers_of_run}
    (run / "evaluation.json").write_text(json.dumps(known))
    facts = numbers("doctor", run)["run"]
    [problem] = facts["problems"]
    assert problem.startswith(f"{run}/evaluation.json: expected the numbers that vaekit writes (")
    assert facts["advice"] == []


def test_edited_metrics_are_a_problem(numbers, run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "loss": "low", "kl": 1}\n')
    assert any(
        "metrics.jsonl: expected the numbers" in text for text in numbers("doctor", run)["run"]["problems"]
    )


def test_no_run(fails):
    assert "not a run directory" in fails(4, "doctor", "nowhere")
