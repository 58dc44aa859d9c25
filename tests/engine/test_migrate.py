"""A run of format 1, written by commit c3ef254, becomes one of format 2 that gives the same numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vaekit.config.loading import load_recipe, parse_recipe
from vaekit.config.renamed import KEYS, VALUES, upgrade_recipe
from vaekit.engine.migrate import migrate, upgrade_weight_name
from vaekit.engine.model_files import load_model
from vaekit.errors import InvalidError, NotFoundError, RecipeError
from vaekit.runs.run import Run
from vaekit.utils.yaml import parse_yaml

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format1"
ELBO = [-434.77294921875, -420.20892333984375, -1237.586181640625, -57939.0390625]  # by the old code
SUM_OF_SAMPLES = 59.88682174682617


@pytest.fixture
def run(tmp_path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "run"))


def test_a_model_of_format_1_is_refused_with_the_command_that_converts_it(run):
    with pytest.raises(
        InvalidError, match=r"format 1, from an earlier vaekit; convert it with: vaekit migrate "
    ):
        load_model(run / "model")


def test_a_migrated_run_gives_the_numbers_of_the_old_code(run):
    assert {file.name for file in migrate(run)} == {"recipe.yaml", "config.json", "model.safetensors"}
    model = Run(run).model
    x = torch.linspace(0, 1, 4 * 64).reshape(4, 1, 8, 8).mul(255).round() / 255
    y = torch.arange(4)
    terms = model.elbo_terms(x, y, n_samples=2, seed=0)
    torch.testing.assert_close(terms.elbo, torch.tensor(ELBO), rtol=1e-5, atol=1e-3)
    assert model.sample(3, context=y[:3], seed=0).sum().item() == pytest.approx(SUM_OF_SAMPLES, rel=1e-5)


def test_every_tensor_is_the_same_under_its_new_name(run):
    old = load_file(run / "model" / "model.safetensors")
    migrate(run / "model")
    new = load_file(run / "model" / "model.safetensors")
    assert {upgrade_weight_name(name) for name in old} == set(new)
    assert all(torch.equal(tensor, new[upgrade_weight_name(name)]) for name, tensor in old.items())


def test_the_old_files_stay_and_a_second_migration_does_nothing(run):
    before = (run / "recipe.yaml").read_text()
    migrate(run)
    assert (run / "recipe.format1.yaml").read_text() == before
    assert (run / "model" / "config.format1.json").is_file()
    assert migrate(run) == []


def test_files_with_old_names_are_set_aside(run):
    (run / "evaluation.json").write_text("{}")
    (run / "checkpoint").mkdir()
    migrate(run)
    assert sorted(file.name for file in (run / "format1").iterdir()) == ["checkpoint", "evaluation.json"]
    assert Run(run).evaluation == {}


def test_the_old_recipe_is_invalid_and_the_upgraded_one_valid():
    old = parse_yaml((FIXTURE / "recipe.yaml").read_text())
    with pytest.raises(RecipeError, match=r"did you mean 'dataset'.*and 14 more"):
        parse_recipe(old)
    recipe = parse_recipe(upgrade_recipe(old))
    assert recipe.model.layer_dims == (2, 3)
    assert recipe.model.encoder.posterior.parametrization == "log_std"
    assert recipe.data.observation == "discrete"
    assert recipe.model.prior.init == "data"


@pytest.mark.parametrize("path", sorted(KEYS))
def test_every_old_key_is_refused_with_its_new_name(path):
    key = path.replace("*", "encoder")
    last = key.rpartition(".")[2]
    value = f"{{kind: linear, {last}: 3}}" if key.startswith("objective.beta.") else "3"
    place = "objective.beta" if key.startswith("objective.beta.") else key
    with pytest.raises(RecipeError, match=f"did you mean '{KEYS[path]}'"):
        load_recipe("mnist-vamp" if "prior" in key else "mnist-cvae", [*_kind_of(key), f"{place}={value}"])


@pytest.mark.parametrize("path", sorted(VALUES))
def test_every_old_value_is_upgraded(path):
    for old, new in VALUES[path].items():
        tree: object = old
        for key in reversed(path.split(".")):
            tree = {key: tree}
        assert str(new) in str(upgrade_recipe(tree))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="expected a run directory or a model directory"):
        migrate(tmp_path)


def test_a_damaged_model_is_refused_and_unchanged(run):
    (run / "model" / "model.safetensors").write_bytes(b"nothing")
    before = (run / "model" / "config.json").read_bytes()
    with pytest.raises(InvalidError, match="expected a model of format 1"):
        migrate(run / "model")
    assert (run / "model" / "config.json").read_bytes() == before


def _kind_of(key: str) -> list[str]:
    """The override that makes a part of the kind whose key it was."""
    if key.startswith("model.encoder.posterior."):
        return ["model.encoder.posterior.kind=flow"]
    if key == "model.prior.spread":
        return ["model.prior.kind=mixture"]
    if key in ("model.prior.form", "model.prior.width"):
        return ["model.prior.kind=flow"]
    return ["training.schedule.kind=cosine"] if key.startswith("training.schedule.") else []
