from __future__ import annotations

import re

import pytest
import yaml


def test_list_describes_each_recipe(call, numbers):
    rows = {row["name"]: row for row in numbers("recipes", "list")["recipes"]}
    assert {"digits", "mnist", "mnist-2d", "mnist-gated"} <= set(rows)
    assert rows["mnist-gated"]["model"] == "gated dense 300-300-40, bernoulli"
    assert rows["mnist-gated"]["data"] == "mnist, dynamic"
    text = call("recipes", "list").stdout
    assert re.search(r"^mnist-gated +Gated VAE 784-300-300-40 on dynamically binarized MNIST *$", text, re.M)
    assert "after Tomczak and Welling 2018" in text


def test_show_writes_out_every_default(call, numbers):
    text = call("recipes", "show", "digits").stdout
    assert yaml.safe_load(text) == numbers("recipes", "show", "digits")
    assert yaml.safe_load(text)["training"]["seed"] == 0


def test_show_the_file_as_it_was_written(call):
    assert call("recipes", "show", "digits", "--source").stdout.startswith("# The 8 x 8 digits")


def test_keys_as_data_have_all_keys_and_all_kinds(numbers):
    every, training = numbers("recipes", "keys"), numbers("recipes", "keys", "training")
    assert len(every["keys"]) > len(training["keys"]) > 10
    assert {kind["plural"] for kind in every["kinds"]} >= {"priors", "networks", "schedules"}
    assert all(key["path"].startswith("training.") for key in training["keys"])
    assert training["kinds"] == []
    assert {"path": "training.batch_size", "values": "integer in [1, 1000000]", "default": "100",
            "meaning": "images per step"} in training["keys"]  # fmt: skip


def test_keys_of_a_part_are_a_table(call):
    text = call("recipes", "keys", "training").stdout
    assert re.search(r"^training\. +default +values +meaning *$", text, re.M)
    assert re.search(r"^batch_size +100 +integer in \[1, 1000000\] +images per step *$", text, re.M)
    text = call("recipes", "keys", "model").stdout
    assert "options of components: vaekit recipes keys priors (also networks, " in text


def test_keys_of_a_kind_are_listed_once(call, numbers):
    text = call("recipes", "keys", "priors").stdout
    assert len(re.findall(r"^  network ", text, re.M)) == 1
    assert re.search(r"^vamp: The VampPrior", text, re.M)
    assert text == call("recipes", "keys", "prior").stdout == call("recipes", "keys", "model.prior").stdout
    [only] = numbers("recipes", "keys", "prior", "vamp")["kinds"]
    assert [component["name"] for component in only["components"]] == ["vamp"]
    assert only["components"][0]["keys"][0]["path"] == "components"


def test_keys_of_a_component_of_a_file(call, tmp_path):
    (tmp_path / "own.py").write_text(
        'from vaekit import register\n@register("schedule")\ndef steep(power: float):\n'
        '    """A power of the position.\n\n    Args:\n        power: the exponent.\n    """\n'
        "    return lambda position: position**power\n"
    )
    text = call("recipes", "keys", "schedule", "own.py:steep").stdout
    assert "own.py:steep: A power of the position." in text
    assert re.search(r"^  power +required +number +the exponent *$", text, re.M)


def test_a_file_needs_its_kind(fails):
    assert fails(4, "recipes", "keys", "own.py:steep").endswith(
        "expected a kind before 'own.py:steep', such as: vaekit recipes keys prior own.py:steep"
    )


def test_keys_without_a_part_fit_one_screen(call):
    text = call("recipes", "keys").stdout
    assert re.search(r"^training +duration", text, re.M)
    assert re.search(r"^priors +standard_normal, mixture, vamp, exemplars, flow", text, re.M)
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("width", [80, 120])
def test_each_part_fits_a_wide_screen_of_50_lines(width):
    from rich.console import Console

    from vaekit.cli.key_tables import overview, part_table
    from vaekit.config.keys import find_keys, recipe_parts

    def lines(renderable):
        console = Console(width=width)
        with console.capture() as capture:
            console.print(renderable)
        return capture.get().splitlines()

    assert len(lines(overview(recipe_parts(), find_keys()[1]))) <= 50
    for part in recipe_parts():
        shown = lines(part_table(find_keys(part)[0], ["networks"]))
        assert 5 <= len(shown) <= (50 if width >= 120 else 80)
        assert max(map(len, shown)) <= width


def test_keys_of_an_unknown_part(fails):
    assert fails(4, "recipes", "keys", "trianing").endswith("got 'trianing'; did you mean 'training'?")
    assert fails(4, "recipes", "keys", "piror").endswith("did you mean 'prior'?")
    assert fails(3, "recipes", "keys", "prior", "vmap").endswith("did you mean 'vamp'?")


def test_copy_writes_the_file_and_does_not_overwrite(call, fails, tmp_path):
    assert call("recipes", "copy", "digits").stdout == "digits.yaml; to train it: vaekit train digits.yaml\n"
    assert (tmp_path / "digits.yaml").read_text() == call("recipes", "show", "digits", "--source").stdout
    assert fails(1, "recipes", "copy", "digits") == (
        "error: digits.yaml: file exists; choose another name, or overwrite it with --force"
    )
    assert call("recipes", "copy", "mnist", "digits.yaml", "--force").exit_code == 0
    assert "Convolutional" in (tmp_path / "digits.yaml").read_text()


def test_a_copy_can_be_changed_and_shown(call, tmp_path):
    call("recipes", "copy", "digits", "my.yaml")
    (tmp_path / "my.yaml").write_text("extends: digits\ntraining: {epochs: 7}\n")
    assert yaml.safe_load(call("recipes", "show", "my.yaml").stdout)["training"]["epochs"] == 7


def test_an_unknown_recipe(fails):
    assert fails(4, "recipes", "show", "mnits").endswith("did you mean 'mnist'?")
