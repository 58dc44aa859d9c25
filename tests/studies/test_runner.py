"""Finished runs stay as they are, the others are run, and a failure does not stop the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from vaekit.errors import InterruptedRun, NotFoundError
from vaekit.runs.run import Run
from vaekit.runs.train import train
from vaekit.studies import plan
from vaekit.studies.display import LineDisplay, SilentDisplay
from vaekit.studies.library import load_study
from vaekit.studies.pending import numeric_settings, pending_jobs
from vaekit.studies.run_study import study
from vaekit.studies.runner import WorkerPool, run_tasks
from vaekit.training.display import SilentLogger

STUDY = """
runs:
  - {name: good, recipe: digits}
  - {name: bad, recipe: digits, overrides: [training.learning_rate=10, training.gradient_clip=null]}
presets:
  quick: &small
    overrides: [training.epochs=1, data.train=100, data.validation=20]
    evaluate: {samples: 2, images: 5}
  more: {<<: *small, only: good, evaluate: {samples: 3}}
"""


class RecordingDisplay(SilentDisplay):
    """Records the names of the jobs, the progress and the notes."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.notes: list[str] = []
        self.shares: list[float] = []

    def begin(self, names) -> None:
        self.begun += names

    def progress(self, number, share, text) -> None:
        self.shares.append(share)

    def note(self, text) -> None:
        self.notes += [text] if text != "drawing the page" else []


@pytest.fixture
def copy(results, tmp_path) -> Path:
    """A copy of the runs of the tiny study, which a test may change."""
    return Path(shutil.copytree(results.folder, tmp_path / "tiny"))


def again(tiny, folder, **options) -> RecordingDisplay:
    display = RecordingDisplay()
    study(tiny, folder=folder, jobs=1, display=display, **options)
    return display


def test_a_finished_study_is_not_run_again(tiny, copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("model.safetensors")}
    assert again(tiny, copy).begun == []
    assert before == {path: path.stat().st_mtime_ns for path in copy.rglob("model.safetensors")}


def test_more_seeds_leave_finished_runs_unchanged(tiny, copy):
    assert again(tiny, copy, seeds=3).begun == ["vae-2 seed 2", "vae-3 seed 2", "ae seed 2"]


def test_a_changed_recipe_is_trained_again_with_a_note(tiny, copy, tmp_path):
    changed = tmp_path / "tiny.yaml"
    changed.write_text(tiny.read_text().replace("grid: {d: [2, 3]}", "grid: {d: [2]}").replace("=40", "=50"))
    display = again(changed, copy)
    assert display.begun == ["vae-2 seed 0", "vae-2 seed 1"]
    assert display.notes == [f"vae-2 seed {n}: its recipe changed, so it is trained again" for n in (0, 1)]
    assert Run(copy / "vae-2" / "seed-0").recipe.training.batch_size == 50


def test_another_protocol_measures_again_without_training(tiny, copy, tmp_path):
    weights = (copy / "ae" / "seed-0" / "model" / "model.safetensors").stat().st_mtime_ns
    changed = tmp_path / "tiny.yaml"
    changed.write_text(tiny.read_text().replace("images: 20", "images: 21"))
    assert len(again(changed, copy).begun) == 6
    assert json.loads((copy / "ae" / "seed-0" / "evaluation.json").read_text())["images"] == 21
    assert (copy / "ae" / "seed-0" / "model" / "model.safetensors").stat().st_mtime_ns == weights


class Stopping(SilentLogger):
    def epoch(self, record) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("resume", "words"), [(True, "and is resumed"), (False, "and is trained again")])
def test_interrupted_runs_are_resumed_only_on_request(tiny, copy, resume, words):
    whole = [strip(record) for record in Run(copy / "vae-2" / "seed-0").metrics]
    recipe = Run(copy / "vae-2" / "seed-0").recipe
    shutil.rmtree(copy / "vae-2" / "seed-0")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, run_dir=copy / "vae-2" / "seed-0", log=Stopping())
    display = again(tiny, copy, resume=resume)
    assert display.notes == [f"vae-2 seed 0: it was interrupted {words}"]
    assert [strip(record) for record in Run(copy / "vae-2" / "seed-0").metrics] == whole


def strip(record: dict) -> dict:
    return {key: value for key, value in record.items() if key not in ("seconds", "images_per_second")}


def test_runs_that_diverge_or_have_no_data_do_not_stop_the_rest(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(
        STUDY.replace("recipe: digits}", "recipe: digits, overrides: [data.dataset=/nowhere/x.npy]}", 1)
    )
    found = study(file, folder=tmp_path / "r", jobs=1, display=SilentDisplay())
    good, bad = (variant.runs[0] for variant in found.variants)
    assert (good.exit_code, good.failure.split(";")[0]) == (
        4,
        "'/nowhere/x.npy' is neither a path nor a dataset",
    )
    assert bad.exit_code == 5 or not bad.failure
    assert found.failures[0][0].name == "good"
    assert "Failed runs" in found.page.read_text()


def test_unavailable_data_are_looked_up_once(tmp_path, monkeypatch):
    asked = []

    def unreachable(data):
        asked.append(data.dataset)
        raise NotFoundError("no network")

    monkeypatch.setattr("vaekit.studies.pending.build_data", unreachable)
    file = tmp_path / "s.yaml"
    file.write_text(STUDY)
    found = study(file, folder=tmp_path / "r", jobs=1, display=SilentDisplay())
    assert [run.failure for _, run in found.failures] == ["no network"] * 2
    assert asked == ["digits"]


def test_the_progress_reaches_its_end(tmp_path):
    file, display = tmp_path / "s.yaml", RecordingDisplay()
    file.write_text(STUDY)
    study(file, "more", folder=tmp_path / "r", jobs=1, display=display)
    assert display.shares == sorted(display.shares)
    assert display.shares[-1] == 1.0


def test_the_settings_of_a_machine_change_no_number(results):
    recipe = results.variants[0].first.recipe
    threads = recipe.training.model_copy(update={"threads": 3, "device": "cpu"})
    other = recipe.training.model_copy(update={"batch_size": 3})
    assert numeric_settings(recipe) == numeric_settings(
        recipe.model_copy(update={"training": threads, "title": "x"})
    )
    assert numeric_settings(recipe) != numeric_settings(recipe.model_copy(update={"training": other}))


def test_plain_lines_report_finished_runs(capsys):
    import sys

    lines = LineDisplay(sys.stderr)
    lines.begin(["a seed 0", "b seed 0"])
    lines.progress(0, 0.5, "epoch 1/2 loss 3.00")
    lines.end(0, "")
    lines.end(1, "no data")
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "2 runs to do"
    assert second.endswith("a seed 0: epoch 1/2 loss 3.00")
    assert third.startswith("2/2 after")
    assert third.endswith("b seed 0: failed: no data")


def test_worker_processes_give_the_same_numbers(tiny, results, tmp_path):
    found = study(tiny, folder=tmp_path / "r", jobs=2, seeds=1, display=SilentDisplay())
    assert not found.failures
    for there, here in zip(found.variants, results.variants, strict=True):
        assert strip_all(there.first.metrics) == strip_all(here.first.metrics)
        assert there.first.evaluation["mse"] == here.first.evaluation["mse"]


def strip_all(records: list[dict]) -> list[dict]:
    return [strip(record) for record in records]


def test_a_signal_stops_all_workers_after_they_saved(tmp_path):
    file = tmp_path / "s.yaml"
    text = STUDY.replace("training.learning_rate=10", "training.learning_rate=0.001")
    file.write_text(text.replace("epochs=1,", "epochs=100000,"))

    class Alarm(SilentDisplay):
        def progress(self, number, share, text) -> None:
            if not self.sent:
                self.sent = True
                threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

        sent = False

    with pytest.raises(
        InterruptedRun, match=r"continue with: vaekit study .*s\.yaml --preset quick --resume"
    ):
        study(file, folder=tmp_path / "r", jobs=2, display=Alarm())
    assert list((tmp_path / "r").glob("*/seed-0/checkpoint/*.safetensors"))
    assert not list((tmp_path / "r").glob("*/seed-0/.pid"))


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_run_counts_as_failed(tiny, tmp_path):
    study_of = load_study(tiny)
    variants = plan.plan_variants(study_of, study_of.presets["quick"])
    tasks = plan.plan_tasks(variants, study_of.presets["quick"].evaluate, tmp_path)[:3]

    class Killing(SilentDisplay):
        def progress(self, number, share, text) -> None:
            if number == 0 and pool.workers[0].process.poll() is None:
                next(w for w in pool.workers if w.place == 0).process.kill()

    pool = WorkerPool(pending_jobs(tasks, lambda note: None, False)[1], 2, Killing())
    ends = pool.run()
    assert ends[0][1].startswith("its process died (exit code -9)")
    assert (ends[1], ends[2]) == ((0, ""), (0, ""))


def test_nothing_to_do_needs_no_worker():
    assert run_tasks([], SilentDisplay()) == {}
