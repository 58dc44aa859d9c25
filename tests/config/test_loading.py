"""Recipes: reading, extending, overriding, and the words of every refusal."""

import pytest
import yaml

from vaekit.config.loading import dump_recipe, load_recipe, override_recipe, parse_recipe, recipe_names
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import NotFoundError, RecipeError


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_valid_says_what_it_shows_and_survives_a_round_trip(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert parse_recipe(yaml.safe_load(dump_recipe(recipe))) == recipe


def test_the_four_recipes_are_there():
    assert set(recipe_names()) >= {"mnist", "mnist-2d", "mnist-gated", "digits"}


def test_the_gated_recipe_has_the_settings_of_the_paper():
    recipe = load_recipe("mnist-gated")
    for part in (recipe.model.encoder, recipe.model.decoder):
        assert part.network.model_dump() == {
            "kind": "dense",
            "hidden_sizes": [300, 300],
            "gated": True,
            "activation": "relu",
            "dropout": 0.0,
        }
    assert recipe.model.latent_dim == 40
    assert recipe.data.observation == "dynamic"
    assert (recipe.objective.beta.kind, recipe.objective.beta.warmup) == ("linear", 100)
    training = recipe.training
    assert (training.batch_size, training.learning_rate, training.patience) == (100, 5e-4, 50)


def test_the_vamp_recipe_is_the_gated_one_with_500_pseudo_inputs():
    gated, vamp = load_recipe("mnist-gated"), load_recipe("mnist-vamp")
    assert (vamp.model.prior.kind, vamp.model.prior.components) == ("vamp", 500)
    assert vamp.model.model_copy(update={"prior": gated.model.prior}) == gated.model
    assert (vamp.data, vamp.objective, vamp.training) == (gated.data, gated.objective, gated.training)


def test_levels_are_a_number_or_a_list_of_such():
    assert load_recipe("mnist", ["model.latent_dim=5"]).model.layer_dims == (5,)
    assert load_recipe("mnist", ["model.latent_dim=[5, 3]"]).model.layer_dims == (5, 3)
    assert load_recipe("mnist-hvae-vamp").model.layer_dims == (40, 40)
    for wrong in ("[]", "[3, 0]", "x", "2.5"):
        with pytest.raises(RecipeError, match=r"^mnist: model\.latent_dim: expected"):
            load_recipe("mnist", [f"model.latent_dim={wrong}"])


def test_a_network_between_levels_needs_levels():
    with pytest.raises(RecipeError, match=r"there is one layer; leave it out, or give several, such as lat"):
        load_recipe("mnist", ["model.prior.network=dense"])


def test_overrides_win_in_their_order_and_leave_the_rest():
    recipe = load_recipe("mnist", ["training.epochs=3", "model.latent_dim=2", "training.epochs=4"])
    assert (recipe.training.epochs, recipe.model.latent_dim) == (4, 2)
    assert recipe.training.batch_size == load_recipe("mnist").training.batch_size


def test_another_kind_replaces_the_part_and_the_same_kind_is_merged():
    dense = load_recipe("mnist", ["model.encoder.network.kind=dense"]).model.encoder.network
    assert dense.model_dump() == {
        "kind": "dense",
        "hidden_sizes": [300, 300],
        "gated": False,
        "activation": "relu",
        "dropout": 0.0,
    }
    same = load_recipe("mnist", ["model.encoder.network={kind: convolutional, hidden_sizes: [7]}"])
    assert (same.model.encoder.network.channels, same.model.encoder.network.hidden_sizes) == ([16, 32], [7])


def test_a_bare_name_or_number_stands_for_the_kind():
    changes = ["model.decoder.likelihood=gaussian", "model.decoder.likelihood.sigma=0.1", "objective.beta=4"]
    recipe = load_recipe("mnist", changes)
    assert recipe.model.decoder.likelihood.model_dump() == {
        "kind": "gaussian",
        "sigma": 0.1,
        "bounds": (-6, 2),
    }
    assert recipe.objective.beta.model_dump() == {"kind": "constant", "unit": "epoch", "value": 4}


@pytest.mark.parametrize(
    ("written", "kind", "short"),
    [
        ("square:9", {"kind": "square", "size": 9}, "square:9"),
        ("pixels", {"kind": "pixels", "share": 0.5}, "pixels:0.5"),
        ("pixels:0.25", {"kind": "pixels", "share": 0.25}, "pixels:0.25"),
        ("half:left", {"kind": "half", "side": "left"}, "half:left"),
        ("{kind: square, size: 4}", {"kind": "square", "size": 4}, "square:4"),
        ("none", None, ""),
        ("null", None, ""),
    ],
)
def test_what_is_hidden_has_a_short_form(written, kind, short):
    before = load_recipe("mnist", ["data.missing=half"])
    data = override_recipe(before, [f"data.missing={written}"]).data
    assert (data.missing and data.missing.model_dump()) == kind
    assert data.hidden == short


def test_a_power_of_ten_needs_no_point(tmp_path):
    assert load_recipe("mnist", ["objective.beta=1e-3"]).objective.beta.value == 1e-3
    (tmp_path / "a.yaml").write_text("extends: mnist\nobjective: {beta: 2E1}\n")
    assert load_recipe(tmp_path / "a.yaml").objective.beta.value == 20


def test_a_file_extends_a_name_and_another_file_beside_it(tmp_path):
    (tmp_path / "one.yaml").write_text("extends: mnist\ntraining: {epochs: 3}\n")
    (tmp_path / "two.yaml").write_text("extends: one.yaml\nmodel: {latent_dim: 5}\n")
    recipe = load_recipe(tmp_path / "two.yaml")
    assert (recipe.name, recipe.training.epochs, recipe.model.latent_dim) == ("two", 3, 5)
    assert recipe.training.batch_size == load_recipe("mnist").training.batch_size


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.epoch=3", "training.epoch: unknown key; did you mean 'epochs'?"),
        ("modle.latent=3", "modle: unknown key; did you mean 'model'?"),
        ("model.encoder.network.chanels=[1]", "network.chanels: unknown key; did you mean 'channels'?"),
        ("objective.beta.valu=3", "objective.beta.valu: unknown key; did you mean 'value'?"),
        ("training.epochs=-1", "training.epochs: expected greater than or equal to 1, got -1"),
        ("training.learning_rate=.nan", "training.learning_rate: expected a finite number, got nan"),
        ("training.epochs=two", "training.epochs: expected an integer"),
        ("training.device=gpu", "training.device: expected auto, cpu, cuda or mps, got 'gpu'"),
        ("training.learning_rate=fast", "training.learning_rate: expected a number"),
        ("model.encoder.network=desne", "got 'desne'; did you mean 'dense'?"),
        ("data.binarization=binary", "data.binarization: expected one of"),
        ("model.encoder.network.channels=[8, -2]", "greater than or equal to 1, got -2"),
        ("model.encoder.posterior.bounds=[3, 1]", "the lower one first, got [3.0, 1.0]"),
        ("data=5", "data: expected"),
        ("data.missing=sqare:3", "data.missing: expected one of pixels, square, half"),
        ("data.missing=square:0", "data.missing.size: expected greater than or equal to 1, got '0'"),
        ("data.missing={kind: pixels, share: 1}", "data.missing.share: expected less than 1, got 1"),
        ("data.missing=half:up", "data.missing: expected one of 'left', 'right', 'top'"),
        ("training", "override 'training': expected key.path=value"),
        ("a..b=1", "expected key.path=value"),
        ("training.epochs=[1", "the value is not YAML"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(override, words):
    with pytest.raises(RecipeError) as error:
        load_recipe("mnist", [override])
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_free_bits_do_not_go_with_the_importance_weighted_bound():
    with pytest.raises(RecipeError, match=r"objective\.free_bits: unknown key"):
        load_recipe("mnist", ["objective.kind=iwae", "objective.free_bits=1"])


@pytest.mark.parametrize(("name", "words"), [("mnst", "did you mean 'mnist'"), ("a/b.yaml", "no such file")])
def test_what_is_not_there_is_not_found(name, words):
    with pytest.raises(NotFoundError, match=words):
        load_recipe(name)


@pytest.mark.parametrize("content", ["a: [1", "- 1\n- 2", "", "\x00"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, content):
    file = tmp_path / "bad.yaml"
    file.write_text(content)
    with pytest.raises(RecipeError, match=r"bad\.yaml"):
        load_recipe(file)


def test_a_circle_of_extends_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(RecipeError, match="extends itself"):
        load_recipe(tmp_path / "a.yaml")


def test_defaults_make_a_recipe():
    assert Recipe().data.dataset == "mnist"
