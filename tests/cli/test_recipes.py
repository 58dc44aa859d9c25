from __future__ import annotations

import re

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


def test_keys_explains_all_or_a_part(call, numbers):
    every = numbers("recipes", "keys")["keys"]
    training = numbers("recipes", "keys", "training")["keys"]
    assert len(every) > len(training) > 10
    assert all(key["path"].startswith("training.") for key in training)
    assert "training.batch_size=100\n    images per step" in call("recipes", "keys", "training").stdout


def test_keys_of_an_unknown_part(fails):
    assert fails(4, "recipes", "keys", "trianing").endswith("did you mean 'training'?")


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
