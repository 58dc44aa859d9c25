"""The files of a run are tied together: a changed, stale or foreign one is noticed wherever it is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaekit.engine.model_files import load_model
from vaekit.errors import InvalidError, VaekitError
from vaekit.runs import run as run_module
from vaekit.runs.doctor import examine_run
from vaekit.runs.files import RunFiles
from vaekit.runs.run import Run
from vaekit.runs.train import resume, train
from vaekit.studies.compare import compare
from vaekit.studies.default_pages import unmeasured
from vaekit.training.display import SilentLogger
from vaekit.utils.seal import check_seal, check_text, seal_text, sealed

SMALL = ["data.train=40", "data.validation=20", "data.test=20", "model.latent_dim=2"]
NETWORK = "network={kind: dense, hidden_sizes: [4]}"
OVERRIDES = [*SMALL, f"model.encoder.{NETWORK}", f"model.decoder.{NETWORK}"]
SHORT = {"epochs": 2, "batch_size": 20, "threads": 1, "sample_every": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two runs that differ in their seed, `one` and `two`, measured, in a folder."""
    folder = tmp_path_factory.mktemp("runs")
    for name, seed in (("one", 0), ("two", 1)):
        run = _train(folder / name, seed=seed)
        run.evaluate(samples=5, images=6)
    return folder


@pytest.fixture
def runs(made, tmp_path, monkeypatch) -> Path:
    """A copy of both."""
    monkeypatch.setattr(Run, "plot", lambda self, only_missing=False: [])
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(made, tmp_path / "runs")


def _train(path: Path, overrides: list[str] = OVERRIDES, **options: object) -> Run:
    return train("digits", overrides, run_dir=path, figures=False, log=SilentLogger(), **{**SHORT, **options})


def _state(folder: Path) -> dict[str, bytes]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in (".lock", ".pid")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


# ------------------------------------------------------------------------------------------------ seals


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False)),
    st.text(),
    st.integers(),
)
def test_a_seal_finds_another_value_and_ignores_layout(tree, key, value):
    tree = {name: part for name, part in tree.items() if name != "sha256"}
    stored = json.loads(json.dumps(sealed(tree)))
    reordered = dict(reversed(stored.items()))
    assert check_seal(reordered, Path("x")) == check_seal(stored, Path("x"))
    if key != "sha256" and tree.get(key) != value:
        with pytest.raises(InvalidError, match="changed since vaekit wrote it"):
            check_seal(stored | {key: value}, Path("x"))


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), st.data())
def test_a_sealed_text_that_was_cut_is_noticed(text, data):
    whole = seal_text(text)
    assert check_text(whole, Path("x")) == text
    with pytest.raises(InvalidError, match="changed since vaekit wrote it"):
        check_text(whole[: data.draw(st.integers(whole.index("\n") + 1, len(whole) - 1))], Path("x"))


# ---------------------------------------------------------------------------------------------- weights


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_weight_is_refused(made, place, bit):
    file = made / "one" / "model" / "model.safetensors"
    content = bytearray(whole := file.read_bytes())
    content[place % len(content)] ^= 1 << bit
    file.write_bytes(content)
    try:
        with pytest.raises(InvalidError, match="not the weights that"):
            load_model(made / "one" / "model")
    finally:
        file.write_bytes(whole)


def test_the_weights_of_another_run_are_refused(runs):
    shutil.copy(runs / "two/model/model.safetensors", runs / "one/model/model.safetensors")
    with pytest.raises(InvalidError, match="not the weights that"):
        _ = Run(runs / "one").trained


def test_the_model_of_another_run_is_refused(runs):
    shutil.rmtree(runs / "one/model")
    shutil.copytree(runs / "two/model", runs / "one/model")
    with pytest.raises(InvalidError, match=r"of another recipe than .* \(training differs\)"):
        _ = Run(runs / "one").trained


# ------------------------------------------------------------------------------------------ evaluations


@pytest.mark.parametrize("name", ["evaluation.json", "evaluation.npz"])
def test_an_evaluation_of_other_weights_is_stale_wherever_it_is_read(runs, caplog, name):
    shutil.copy(runs / "two" / name, runs / "one" / name)
    assert Run(runs / "one").per_image == {}
    assert len(caplog.messages) == 1
    if name == "evaluation.npz":
        assert "of another evaluation than evaluation.json" in caplog.text
        return
    assert "stale, measured on other weights" in caplog.text
    run = Run(runs / "one")
    assert run.evaluation == {}
    assert "stale, measured on other weights" in run.report().read_text()
    assert any("stale" in problem for problem in examine_run(runs / "one")["problems"])
    compared = compare([runs / "one", runs / "two"], page=runs / "page.html")
    assert unmeasured(compared.variants) == [f"vaekit evaluate {runs / 'one'}"]
    assert "stale, measured on other weights" in (runs / "page.html").read_text()


def test_an_evaluation_of_other_data_is_stale(runs):
    file = runs / "one/evaluation.json"
    tree = check_seal(json.loads(file.read_text()), file)
    file.write_text(json.dumps(sealed(tree | {"data": "0" * 64})))
    [reason] = Run(runs / "one").stale
    assert "measured on other data" in reason


@pytest.mark.parametrize("name", ["evaluation.json", "environment.json", "model/config.json"])
def test_a_changed_number_is_refused(runs, name):
    file = runs / "one" / name
    file.write_text(file.read_text().replace("0", "1", 1))
    with pytest.raises(InvalidError, match="changed since vaekit wrote it"):
        Run(runs / "one").report() if name != "model/config.json" else load_model(runs / "one/model")


def test_measuring_again_replaces_a_stale_evaluation(runs):
    shutil.copy(runs / "two/evaluation.json", runs / "one/evaluation.json")
    Run(runs / "one").evaluate(samples=5, images=6)
    assert Run(runs / "one").stale == []
    assert set(Run(runs / "one").per_image) >= {"index", "elbo"}


def test_an_evaluation_that_cannot_be_saved_is_returned_and_that_is_said(runs, monkeypatch, caplog):
    def refuse(path: Path, content: bytes) -> Path:
        raise VaekitError(f"cannot write {path}: Read-only file system")

    before = _state(runs)
    monkeypatch.setattr(run_module, "write_whole", refuse)
    monkeypatch.setattr(run_module.os, "access", lambda path, mode: False)
    assert Run(runs / "one").evaluate(samples=5, images=6).images == 6
    assert "the results are not saved: cannot write" in caplog.text
    assert _state(runs) == before


# ----------------------------------------------------------------------------------- recipe and metrics


def test_a_recipe_that_was_cut_at_any_line_is_refused(runs):
    file = runs / "one/recipe.yaml"
    lines = file.read_text().splitlines(keepends=True)
    for first, last in [(0, n) for n in range(len(lines))] + [(n, len(lines)) for n in range(2, len(lines))]:
        file.write_text("".join(lines[first:last]))
        with pytest.raises(InvalidError, match=r"recipe\.yaml: "):
            _ = RunFiles(runs / "one").recipe


def test_the_recipe_of_another_run_is_refused(runs):
    shutil.copy(runs / "two/recipe.yaml", runs / "one/recipe.yaml")
    with pytest.raises(InvalidError, match="not the recipe that the checkpoints beside it were trained with"):
        resume(runs / "one", epochs=3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[1:], "expected epoch 1 on line 1, got 2"),
        (lambda lines: lines[:1], "one is missing or was changed"),
        (lambda lines: [lines[0][:-9], lines[1]], "expected a JSON object on line 1"),
        (
            lambda lines: [lines[0].replace('"loss": ', '"loss": 1'), lines[1]],
            "one is missing or was changed",
        ),
    ],
)
def test_metrics_with_a_missing_or_changed_line_are_refused(runs, change, words):
    file = runs / "one/metrics.jsonl"
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    with pytest.raises(InvalidError, match=words):
        _ = RunFiles(runs / "one").metrics
    before = _state(runs)
    with pytest.raises(InvalidError, match=r"metrics\.jsonl"):
        resume(runs / "one", epochs=4)
    assert _state(runs) == before


def test_a_last_line_that_a_killed_process_left_is_skipped(runs):
    with (runs / "one/metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    assert len(RunFiles(runs / "one").metrics) == 2


# ------------------------------------------------------------------------------------------------ resume


def test_a_resume_that_fails_changes_nothing(runs, tmp_path):
    shutil.rmtree(runs / "one/checkpoint")
    shutil.copytree(runs / "two/checkpoint", runs / "one/checkpoint")
    before = _state(runs)
    with pytest.raises(InvalidError, match="not the recipe"):
        resume(runs / "one", epochs=4)
    for file in (runs / "two/checkpoint").iterdir():
        file.write_bytes(b"damaged")
    before = _state(runs)
    with pytest.raises(InvalidError, match="checkpoints are damaged"):
        resume(runs / "two", epochs=4)
    assert _state(runs) == before


def test_a_run_without_its_report_is_completed(runs):
    assert Run(runs / "one").finished
    for name in ("finished.json", "report.html"):
        before = (runs / "one/model/model.safetensors").read_bytes()
        (runs / "one" / name).unlink()
        assert Run(runs / "one").training_complete
        assert resume(runs / "one").finished
        assert (runs / "one/report.html").is_file()
        assert (runs / "one/model/model.safetensors").read_bytes() == before
        assert Run(runs / "one").evaluation["images"] == 6
    with pytest.raises(InvalidError, match="all 2 epochs are done"):
        resume(runs / "one")


def test_a_damaged_model_is_written_again_from_the_checkpoint(runs):
    file = runs / "one/model/model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    assert resume(runs / "one").finished
    assert file.read_bytes() == whole


def test_data_that_moved_are_found_again_and_other_data_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0)
    np.save("levels.npy", images := noise.integers(0, 256, (60, 8, 8), dtype=np.uint8))
    overrides = [f"model.encoder.{NETWORK}", f"model.decoder.{NETWORK}"]
    train(data="levels.npy", overrides=overrides, run_dir="whole", figures=False, log=SilentLogger(), **SHORT)
    Path("elsewhere").mkdir()
    shutil.move("levels.npy", "elsewhere/moved.npy")
    np.save("other.npy", images[::-1])
    before = _state(Path("whole"))
    with pytest.raises(InvalidError, match=r"its data .*other\.npy changed since training started"):
        resume("whole", data="other.npy", epochs=3)
    assert _state(Path("whole")) == before
    again = resume("whole", data="elsewhere/moved.npy", epochs=3)
    assert len(again.metrics) == 3
    assert again.recipe.data.dataset == str(tmp_path / "elsewhere/moved.npy")
    assert Run("whole").trained.load_data()[0].source.endswith("moved.npy")


def test_a_run_of_an_earlier_version_is_read_as_it_is(runs):
    run = runs / "one"
    for name in ("evaluation.json", "environment.json", "model/config.json"):
        tree = json.loads((run / name).read_text())
        kept = {key: value for key, value in tree.items() if key not in ("sha256", "weights", "arrays")}
        (run / name).write_text(json.dumps(kept | ({} if name == "environment.json" else {"data": ""})))
    (run / "recipe.yaml").write_text((run / "recipe.yaml").read_text().partition("\n")[2])
    (run / "finished.json").unlink()
    shutil.rmtree(run / "checkpoint")
    opened = Run(run)
    assert opened.finished
    assert opened.evaluation["images"] == 6
    assert set(opened.per_image) >= {"index", "elbo"}
    assert opened.stale == []
