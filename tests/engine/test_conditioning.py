"""A label in words becomes the vector to condition on, and unknown names are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cases import SHAPE, make_labeled, make_vae
from vaekit.config.loading import load_recipe
from vaekit.engine.conditioning import parse_condition
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.models.labels import attribute_prior
from vaekit.models.vae import VAE

NAMES = ("age", "hair=black", "hair=red")


def of_classes() -> TrainedModel:
    recipe = load_recipe("digits", ["model.condition=label"])
    return TrainedModel(make_labeled(), recipe, SHAPE, ("cat", "dog", "1"), Path("pets"))


def of_attributes_() -> TrainedModel:
    labels = attribute_prior(torch.tensor([[10.0, 0, 1], [30.0, 1, 0]]))
    plain = make_vae(conditioned_parts=("decoder",))
    model = VAE(plain.prior, plain.encoder, plain.decoder, labels, ("decoder",))
    recipe = load_recipe("digits", ["model.condition=attributes"])
    return TrainedModel(model, recipe, SHAPE, (), Path("faces"), attribute_names=NAMES)


@pytest.mark.parametrize(("text", "place"), [("dog", 1), ("0", 0), ("1", 2), ("2", 2)])
def test_a_class_is_given_by_name_or_number(text: str, place: int):
    found = parse_condition(of_classes(), text)
    assert torch.equal(found.vector, torch.eye(3)[place])
    assert found.description == f"label {('cat', 'dog', '1')[place]}"


def test_attributes_start_from_the_mean():
    assert parse_condition(of_attributes_(), attributes=["age=41.5"]).vector.tolist() == [41.5, 0.5, 0.5]
    assert parse_condition(of_attributes_(), attributes=["hair=red", "age=-1"]).vector.tolist() == [-1, 0, 1]
    assert parse_condition(of_attributes_(), attributes=["hair=red=0.25"]).vector.tolist() == [20, 0.5, 0.25]
    assert of_attributes_().model.labels.center.tolist() == [20, 0.5, 0.5]
    assert parse_condition(of_attributes_()) is None


@pytest.mark.parametrize(
    ("label", "settings", "message"),
    [
        (
            "dig",
            (),
            r"label 'dig': expected one of cat, dog, 1, or a number from 0 to 2; did you mean 'dog'\?",
        ),
        ("3", (), "label '3': expected one of cat"),
        ("-1", (), "label '-1': expected one of cat"),
        (None, ("age=3",), "--attribute: pets is conditioned on a class: use --label NAME"),
    ],
)
def test_no_such_class(label, settings, message):
    with pytest.raises(InvalidError, match=message):
        parse_condition(of_classes(), label, settings)


@pytest.mark.parametrize(
    ("label", "settings", "message"),
    [
        (None, ("ege=3",), r"expected NAME=VALUE with a name among age, .*; did you mean 'age'\?"),
        (None, ("hair=blue",), "attribute 'hair=blue': expected NAME=VALUE"),
        (None, ("age",), "attribute 'age': expected NAME=VALUE"),
        (None, ("age=old",), "expected a finite number after the =, got 'old'"),
        (None, ("age=nan",), "expected a finite number after the =, got 'nan'"),
        ("3", (), "--label: faces is conditioned on attributes: use --attribute NAME=VALUE"),
    ],
)
def test_no_such_attribute(label, settings, message):
    with pytest.raises(InvalidError, match=message):
        parse_condition(of_attributes_(), label, settings)


def test_an_unconditional_model_names_the_recipe_key():
    plain = TrainedModel(make_vae(), load_recipe("digits"), SHAPE, ("a",), Path("plain"))
    with pytest.raises(
        InvalidError, match=r"--label: plain is not a conditional model; .* model\.condition=label"
    ):
        parse_condition(plain, "a")
