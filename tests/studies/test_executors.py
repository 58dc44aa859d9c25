"""Runs on other machines: lost ones go on from their checkpoint, finished ones are never repeated."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from vaekit.errors import DivergedError, InterruptedRun, InvalidError, VaekitError
from vaekit.runs.run import Run
from vaekit.studies.attempts import begin_attempt, describe_place, read_job
from vaekit.studies.dispatch import dispatch
from vaekit.studies.display import SilentDisplay
from vaekit.studies.execution import Execution
from vaekit.studies.halving import Halving, begin_halving
from vaekit.studies.remote import Order, Outcome, pack, run_remotely
from vaekit.studies.run_study import study
from vaekit.studies.sweep import sweep
from vaekit.studies.worker import Job
from vaekit.training.callbacks import StopTraining

DONE = Outcome(0, "", "far")


class Answering(Executor):
    """Answers each order at once, as a function says, and remembers it."""

    def __init__(self, answer: Callable[[Order], Outcome]):
        self.answer, self.orders = answer, list[Order]()

    def submit(self, fn, /, *args, **options):
        self.orders.append(args[0])
        future: Future = Future()
        try:
            future.set_result(self.answer(args[0]))
        except Exception as error:
            future.set_exception(error)
        return future


class Notes(SilentDisplay):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text) -> None:
        self.notes.append(text)


def jobs_in(folder: Path, count: int) -> list[Job]:
    recipe = {"training": {"epochs": 2}}
    return [Job(number, "train", recipe, str(folder / f"run-{number}"), {}) for number in range(count)]


def run_by(answer, folder: Path, count: int = 1, display=None, **options):
    executor = Answering(answer)
    how = Execution(executor=executor, **options)
    names = [f"run {number}" for number in range(count)]
    results = dispatch(jobs_in(folder, count), names, folder, how, display or SilentDisplay())
    return results, executor.orders


def test_a_lost_job_is_tried_again_with_the_same_token(tmp_path):
    display, answers = Notes(), iter([OSError("the worker is gone"), DONE])

    def answer(order):
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    results, orders = run_by(answer, tmp_path, display=display)
    assert results == {0: (0, "")}
    assert orders[0].job.token == orders[1].job.token != ""
    assert display.notes == ["run 0: it was lost (OSError: the worker is gone); it is tried again"]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_a_job_that_is_always_lost_fails_after_its_retries(tmp_path, retries, tries):
    lost = Outcome(1, "its process died", "far")
    results, orders = run_by(
        lambda order: lost if order.job.number == 0 else DONE, tmp_path, 2, retries=retries
    )
    assert results == {0: (1, "its process died"), 1: (0, "")}
    assert sum(order.job.number == 0 for order in orders) == tries


def test_a_run_that_diverged_is_not_tried_again(tmp_path):
    code = DivergedError.exit_code
    results, orders = run_by(lambda order: Outcome(code, "the loss is nan", "far"), tmp_path)
    assert (results, len(orders)) == ({0: (code, "the loss is nan")}, 1)


def test_a_run_of_a_machine_without_the_folder_comes_back_packed(tmp_path):
    made = tmp_path / "there"
    made.mkdir()
    (made / "recipe.yaml").write_text("name: far")
    results, _ = run_by(lambda order: Outcome(0, "", "far", pack(made)), tmp_path / "here")
    assert results == {0: (0, "")}
    assert (tmp_path / "here" / "run-0" / "recipe.yaml").read_text() == "name: far"


def test_a_run_to_be_measured_is_sent_to_a_machine_without_the_folder(tmp_path):
    (tmp_path / "run-0").mkdir()
    (tmp_path / "run-0" / "recipe.yaml").write_text("name: near")
    needed = Outcome(1, "not here", "far", lacks_files=True)
    results, orders = run_by(lambda order: needed if order.packed is None else DONE, tmp_path, retries=0)
    assert (results, len(orders)) == ({0: (0, "")}, 2)


def test_the_folder_has_no_witness_afterwards(tmp_path):
    seen = []
    run_by(lambda order: seen.append(Path(order.witness).read_text() == order.token) or DONE, tmp_path)
    assert seen == [True]
    assert list(tmp_path.iterdir()) == []


def test_another_version_of_vaekit_is_refused():
    outcome = run_remotely(Order(Job(0, "train", {}, "x", {}), "nowhere", "", version="0.0"))
    assert "install 0.0, as where the study runs" in outcome.failure


def test_the_second_attempt_finds_the_first_and_another_job_starts_anew(tmp_path):
    run = tmp_path / "run"
    assert not begin_attempt(run, "one", "dask", resume=False)
    (run / "recipe.yaml").write_text("")
    assert begin_attempt(run, "one", "dask", resume=False)
    assert read_job(run)["attempts"] == 2
    assert describe_place(run).startswith("dask on ")
    assert not begin_attempt(run, "two", "dask", resume=False)
    assert not (run / "recipe.yaml").exists()


def test_settings_that_do_not_fit_are_refused():
    for settings, words in (
        ({"executor": "slrum"}, "did you mean 'slurm'"),
        ({"scheduler": "tcp://x:1"}, "only for --executor dask"),
        ({"job_options": {"a": 1}}, "--executor slurm"),
        ({"halving": 1}, "from 2"),
    ):
        with pytest.raises(InvalidError, match=words):
            Execution(**settings).check()


def test_no_scheduler_is_one_line(tmp_path):
    pytest.importorskip("distributed")
    how = Execution(executor="dask", scheduler="nonsense://x")
    with pytest.raises(VaekitError, match="no Dask scheduler answers"):
        dispatch(jobs_in(tmp_path, 1), ["run"], tmp_path, how, SilentDisplay())


def test_successive_halving_stops_the_runs_that_fall_behind(tmp_path):
    """With R = 2: of losses 4, 3, 2, 1 that arrive in this order, each is the best so far and goes on; the
    reverse order stops all but those of the best half."""
    pytest.importorskip("optuna")

    def stopped(losses, folder):
        found = []
        for rung, loss in zip(begin_halving(folder, [], len(losses), 2), losses, strict=True):
            try:
                Halving(rung).on_epoch_end({"epoch": 1, "loss": loss}, None)
            except StopTraining:
                found.append(loss)
        return found

    assert stopped([4.0, 3.0, 2.0, 1.0], tmp_path / "a") == []
    assert stopped([1.0, 2.0, 3.0, 4.0], tmp_path / "b") == [2.0, 3.0, 4.0]
    finished = [[{"epoch": 1, "loss": 0.5}]]
    rung = begin_halving(tmp_path / "c", finished, 1, 2)[0]
    with pytest.raises(StopTraining):
        Halving(rung).on_epoch_end({"epoch": 1, "loss": 1.0}, None)


# ------------------------------------------------------------------------------------------- real processes


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(Path(__file__).parents[2] / "src")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([source, *filter(None, sys.path)]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


GRID = {"model.latent_dim": [2, 3, 4, 5], "objective.beta": [1, 2]}
SMALL = ["training.epochs=3", "data.train=200", "data.validation=50"]


def losses(folder: Path) -> dict[str, list[float]]:
    """The losses of all runs of a sweep, by the name of the variant."""
    return {
        p.parent.parent.name: [r["loss"] for r in Run(p.parent).metrics] for p in folder.rglob("recipe.yaml")
    }


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler and workers, each a process, without a nanny that would start a worker again."""
    command, file = [sys.executable, "-m"], folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(
            [*command, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
             "--no-dashboard", "--scheduler-file", str(file)], **quiet,
        )
    ]  # fmt: skip
    try:
        while not file.is_file():
            assert started[0].poll() is None
            time.sleep(0.2)
        address = json.loads(file.read_text())["address"]
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
        started += [
            subprocess.Popen([*command, "distributed.cli.dask_worker", address, *options], **quiet)
            for _ in range(workers)
        ]
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


class KillOnce(SilentDisplay):
    """Kills a process as soon as any run has done an epoch."""

    def __init__(self, process: subprocess.Popen):
        self.process = process

    def progress(self, number, share, text) -> None:
        if share > 0 and self.process.poll() is None:
            self.process.kill()


@pytest.mark.slow
def test_a_sweep_on_two_dask_workers_of_which_one_is_killed_is_complete(tmp_path, far):
    pytest.importorskip("distributed")
    with dask_cluster(tmp_path, 2) as (address, workers):
        where = {"executor": "dask", "scheduler": address, "samples": 3, "images": 20}
        found = sweep("digits", GRID, SMALL, folder=tmp_path / "far", display=KillOnce(workers[0]), **where)
        assert workers[0].poll() == -signal.SIGKILL
        assert [run.failure for variant in found.variants for run in variant.runs] == [""] * 8
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "far").rglob("model.safetensors")}
        sweep("digits", GRID, SMALL, folder=tmp_path / "far", display=SilentDisplay(), **where)
        assert before == {path: path.stat().st_mtime_ns for path in before}
    near = sweep(
        "digits", GRID, SMALL, folder=tmp_path / "near", display=SilentDisplay(), samples=3, images=20
    )
    assert losses(tmp_path / "far") == losses(tmp_path / "near")
    assert all(run.place.startswith("dask on ") for variant in found.variants for run in variant.runs)
    assert "dask on " in found.page.read_text()
    assert "dask on " not in near.page.read_text()


@pytest.mark.slow
def test_a_dask_worker_without_the_folder_sends_the_runs_back(tmp_path, far, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("vaekit.studies.dispatch.Witness.__enter__", lambda self: self)  # so nobody sees it
    with dask_cluster(tmp_path, 1) as (address, _):
        found = sweep(
            "digits", {"model.latent_dim": [2, 3]}, SMALL, folder=tmp_path / "far", display=SilentDisplay(),
            executor="dask", scheduler=address, samples=3, images=20,
        )  # fmt: skip
    assert [run.failure for variant in found.variants for run in variant.runs] == ["", ""]
    assert all(Run(tmp_path / "far" / name / "seed-0").finished for name in ("latent_dim-2", "latent_dim-3"))


def submitted(tmp_path: Path, **options) -> list[str]:
    found = sweep(
        "digits", {"model.latent_dim": [2, 3]}, SMALL, folder=tmp_path / "far", display=SilentDisplay(),
        executor="slurm", samples=3, images=20, job_options={"timeout_min": 30, **options},
    )  # fmt: skip
    return [run.failure for variant in found.variants for run in variant.runs]


@pytest.mark.slow
def test_submitit_runs_a_sweep_on_this_machine(tmp_path, far):
    pytest.importorskip("submitit")
    assert submitted(tmp_path, cluster="local") == ["", ""]


@pytest.mark.slow
def test_slurm_runs_a_sweep(tmp_path, far):
    pytest.importorskip("submitit")
    if (
        shutil.which("sinfo") is None
        or subprocess.run(["sinfo"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Slurm runs here")
    assert submitted(tmp_path, cpus_per_task=1) == ["", ""]
    assert describe_place(tmp_path / "far" / "latent_dim-2" / "seed-0").startswith("slurm on ")


@pytest.mark.slow
def test_a_stopped_study_lets_remote_runs_save_and_goes_on_from_there(tmp_path, tiny):
    class Stop(SilentDisplay):
        def progress(self, number, share, text) -> None:
            if share > 0 and not self.sent:
                self.sent = True
                os.kill(os.getpid(), signal.SIGINT)

        sent = False

    file = tmp_path / "long.yaml"
    file.write_text(tiny.read_text().replace("epochs=2", "epochs=3000"))
    with ThreadPoolExecutor(2) as pool, pytest.raises(InterruptedRun):
        study(file, folder=tmp_path / "r", executor=pool, display=Stop())
    assert list((tmp_path / "r").glob("*/seed-0/checkpoint/*.safetensors"))
    assert not list((tmp_path / "r").glob("*/seed-*/.pid"))


@pytest.mark.slow
def test_a_sweep_with_halving_says_which_runs_were_stopped(tmp_path):
    pytest.importorskip("optuna")
    grid = {"training.learning_rate": [0.003, 0.00003, 0.00001]}
    found = sweep(
        "digits", grid, ["training.epochs=4", *SMALL[1:]], folder=tmp_path, display=SilentDisplay(),
        halving=2, jobs=1, samples=3, images=20,
    )  # fmt: skip
    epochs = [len(variant.first.metrics) for variant in found.variants]
    assert epochs == [4, 1, 1]
    assert [variant.first.fell_behind for variant in found.variants] == [False, True, True]
    assert "Stopped early by successive halving" in found.page.read_text()
