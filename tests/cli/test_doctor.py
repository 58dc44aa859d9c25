from __future__ import annotations


def test_what_there_is(call, numbers):
    facts = numbers("doctor")
    assert facts["versions"]["vaekit"] == "0.1.0"
    assert facts["data"]["found"]["digits"] in ("packaged", "cache")
    text = call("doctor").stdout
    for words in ("Versions", "Machine", "Data", "threads", "VAEKIT_DATA"):
        assert words in text


def test_a_run_that_is_whole(call, numbers, trained):
    facts = numbers("doctor", trained)["run"]
    assert (facts["recipe"], facts["epochs"], facts["finished"]) == ("digits", "2 of 2", True)
    assert facts["problems"] == []
    assert "finished" in call("doctor", trained).stdout


def test_a_run_that_is_damaged(call, numbers, run):
    (run / "model/config.json").write_text("{")
    facts = numbers("doctor", run)
    assert facts["run"]["model"] is None
    assert any("config.json" in warning for warning in facts["warnings"])
    assert "Warning: " in call("doctor", run).stdout


def test_no_run(fails):
    assert "not a run directory" in fails(4, "doctor", "nowhere")
