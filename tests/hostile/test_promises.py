"""The promises of SECURITY.md about models and runs from strangers, each broken on purpose."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import vaekit
from hostile import files
from hostile.budget import budget
from hostile.conftest import call, is_one_line
from vaekit.config.loading import load_recipe, parse_recipe
from vaekit.data import load_dataset
from vaekit.errors import DataError, InvalidError, NotFoundError, RecipeError, VaekitError
from vaekit.registry import UntrustedError
from vaekit.runs.run import Run
from vaekit.studies.library import parse_study
from vaekit.studies.plan import plan_variants

CODE = "from pathlib import Path\nPath({mark!r}).write_text('ran')\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the model of the package, to be changed."""
    return Path(shutil.copytree(vaekit.demo().source, tmp_path / "model"))


def change(folder: Path, act: Callable[[Any], Any]) -> None:
    """Change config.json of a model."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config.pop("sha256", None)  # of what vaekit wrote
    act(config)
    file.write_text(json.dumps(config))


# ---------------------------------------------------------------------------------------------------- code


@pytest.mark.parametrize("where", ["prior", "network", "dataset", "objective", "mask"])
def test_a_model_runs_no_code_that_it_names(where, model, tmp_path):
    mark = tmp_path / "mark"
    (model / "components").mkdir()
    (model / "components" / "own.py").write_text(CODE.format(mark=str(mark)))
    reference = "components/own.py:f"

    def name_it(config: Any) -> None:
        recipe = config["recipe"]
        if where == "prior":
            recipe["model"]["prior"] = {"kind": reference}
        elif where == "network":
            recipe["model"]["encoder"]["network"] = {"kind": reference}
        elif where == "dataset":
            recipe["data"] = {"dataset": reference}
        elif where == "objective":
            recipe["objective"] = {"kind": reference}
        else:
            recipe["data"]["missing"] = {"kind": reference}

    change(model, name_it)
    with pytest.raises(UntrustedError, match="--trust"):
        vaekit.load(model)
    for words in (["sample", "-n", "2"], ["score"], ["evaluate", "--images", "2"]):
        assert call(words[0], str(model), *words[1:]) == 3
    assert not mark.exists()


def test_a_run_runs_no_code_that_its_recipe_names(run, tmp_path):
    mark = tmp_path / "mark"
    (run / "own.py").write_text(CODE.format(mark=str(mark)))
    tree = yaml.safe_load((run / "recipe.yaml").read_text())
    tree["model"]["prior"] = {"kind": "own.py:f"}
    (run / "recipe.yaml").write_text(yaml.safe_dump(tree))
    for words in (["report"], ["evaluate"], ["sample"], ["compare"], ["doctor"], ["train", "--resume"]):
        call(*words, str(run))
        assert not mark.exists(), words


def test_arrays_of_objects_are_never_read(tmp_path):
    class Bomb:
        def __reduce__(self) -> Any:
            return (os.system, (f"touch {tmp_path}/mark",))

    np.save(tmp_path / "x.npy", np.array([Bomb()], object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([Bomb()], object))
    shutil.copy(tmp_path / "x.npy", tmp_path / "x.pkl")
    for name in ("x.npy", "x.npz", "x.pkl"):
        with pytest.raises(DataError):
            load_dataset(tmp_path / name)
    assert not (tmp_path / "mark").exists()


# -------------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize(
    "name", ["figures", "report.html", "metrics.jsonl", "checkpoint", "evaluation.json", "model"]
)
def test_a_run_with_a_link_to_outside_is_refused_and_nothing_is_written_there(name, run, tmp_path):
    outside = tmp_path / "outside"
    if (run / name).is_dir():
        shutil.move(run / name, outside)
    else:
        outside.write_bytes((run / name).read_bytes())
        (run / name).unlink()
    (run / name).symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))}
    for words in (["report"], ["evaluate", "--images", "2"], ["sample"], ["train", "--resume"]):
        assert call(*words, str(run)) in (1, 3), words
    assert {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))} == before


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/b", "/tmp/x", "-rf", ".hidden"])
def test_no_name_leads_out_of_the_folder_of_runs(name):
    with pytest.raises(RecipeError):
        parse_recipe({"name": name})
    study = {"name": "s", "runs": [{"name": name, "recipe": "digits"}]}
    with pytest.raises(InvalidError):
        plan_variants(parsed := parse_study(study), next(iter(parsed.presets.values())))


# --------------------------------------------------------------------------------------------------- memory

ABSURD: dict[str, Callable[[Any], Any]] = {
    "shape": lambda config: config.update(shape=[1, 30_000, 30_000]),
    "long shape": lambda config: config.update(shape=[10**9] * 4),
    "huge shape": lambda config: config.update(shape=[10**400]),
    "true shape": lambda config: config.update(shape=[True, 28, 28]),
    "latents": lambda config: config["recipe"]["model"].update(latent_dim=100_000),
    "layers": lambda config: config["recipe"]["model"].update(latent_dim=[90_000] * 16),
    "dense": lambda config: config["recipe"]["model"]["encoder"].update(
        network={"kind": "dense", "hidden_sizes": [100_000] * 3}
    ),
    "channels": lambda config: config["recipe"]["model"]["decoder"].update(
        network={"kind": "convolutional", "channels": [100_000, 100_000]}
    ),
    "components": lambda config: config["recipe"]["model"].update(
        prior={"kind": "mixture", "components": 10**6}
    ),
    "vamp": lambda config: config["recipe"]["model"].update(prior={"kind": "vamp", "components": 10**6}),
}


@pytest.mark.parametrize("what", ABSURD)
def test_absurd_sizes_in_config_json_are_refused_before_memory_is_taken(what, model, memory):
    change(model, ABSURD[what])
    with memory(300_000_000), pytest.raises(InvalidError) as caught:
        vaekit.load(model)
    is_one_line(caught.value)


def test_a_large_config_json_is_refused(model):
    (model / "config.json").write_text(" " * 60_000_000)
    with pytest.raises(InvalidError, match="at most"):
        vaekit.load(model)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_link_in_a_model_is_refused(name, model, tmp_path):
    (model / name).rename(tmp_path / name)
    (model / name).symlink_to(tmp_path / name)
    with pytest.raises(InvalidError, match="is a link"):
        vaekit.load(model)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "setup.py", "x.pkl", "inner/own.py"])
def test_other_files_in_a_model_are_refused_but_texts_are_not(name, model):
    (model / "README.md").write_text("# A model")
    (model / "LICENSE").write_text("MIT")
    assert vaekit.load(model).model.latent_dim == 2
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_bytes(b"x")
    with pytest.raises(InvalidError, match="expected the files of a model"):
        vaekit.load(model)
    assert vaekit.load(model / "model.safetensors").model.latent_dim == 2


# ---------------------------------------------------------------------------------------- pages and terminal


@pytest.mark.slow
def test_names_in_a_model_are_text_on_its_pages(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    run = tmp_path / "run"
    words = [
        "digits",
        f"title={json.dumps(evil)}",
        "training.epochs=1",
        "data.train=50",
        "--run-dir",
        str(run),
    ]
    assert call("train", *words) == 0
    assert call("compare", str(run), "-o", str(tmp_path / "page.html")) == 0
    for page in (run / "report.html", tmp_path / "page.html"):
        text = page.read_text()
        assert ("alert(1)" in text) or page.name == "page.html"
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    (tmp_path / "a.yaml").write_text('"\\e[2Jx": 1\nname: "\\e]0;owned\\a"\n')
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "a.yaml")
    assert str(caught.value).isprintable()


# ----------------------------------------------------------------------------------------------- any damage

RUN_FILES = (
    "recipe.yaml",
    "environment.json",
    "metrics.jsonl",
    "evaluation.json",
    "evaluation.npz",
    "model/config.json",
    "model/model.safetensors",
)


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_run_with_a_damaged_file_is_read_or_refused_in_one_line(name, run):
    good = (run / name).read_bytes()

    @budget
    @given(content=st.one_of(files.damaged(st.just(good)), st.binary(max_size=60)))
    def check(content: bytes) -> None:
        (run / name).write_bytes(content)
        try:
            opened = Run(run, device="cpu")
            _ = opened.recipe, opened.finished, opened.metrics, opened.evaluation, opened.per_image
            _ = opened.environment, opened.n_parameters, opened.summary()
            _ = opened.trained
        except VaekitError as error:
            is_one_line(error)

    check()


@budget
@given(data=st.data())
def test_a_model_with_any_config_json_is_loaded_or_refused_in_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "any-model"
    if not folder.exists():
        shutil.copytree(vaekit.demo().source, folder)
    config = json.loads((vaekit.demo().source / "config.json").read_text())
    config.pop("sha256", None)  # of what vaekit wrote
    odd = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.just([]),
        st.just({}),
        st.just(10**30),
        st.just([[]]),
        st.just({"kind": "dense"}),
        st.just("x" * 5000),
        st.just([None]),
    )
    for _ in range(data.draw(st.integers(1, 2))):
        tree, key = config, data.draw(st.sampled_from(sorted(config)))
        while isinstance(tree[key], dict) and tree[key] and data.draw(st.booleans()):
            tree, key = tree[key], data.draw(st.sampled_from(sorted(tree[key])))
        tree[key] = data.draw(odd)
    (folder / "config.json").write_text(json.dumps(config))
    try:
        vaekit.load(folder)
    except (InvalidError, NotFoundError) as error:
        is_one_line(error)
