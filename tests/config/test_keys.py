"""The keys of a recipe as text: nothing is missing, and every text is true."""

from __future__ import annotations

import enum
from typing import Annotated

import pytest
import yaml
from pydantic import Field

from vaekit import registry
from vaekit.config.keys import component_keys, component_places, find_keys, recipe_keys
from vaekit.config.loading import load_recipe
from vaekit.errors import NotFoundError
from vaekit.registry import BUILT_IN, KINDS, register

ALL = [component_keys(kind) for kind in component_places()]


def test_every_key_is_listed_with_range_and_meaning():
    keys = {key.path: key for key in recipe_keys()}
    assert keys["training.epochs"].values == "integer in [1, 1000000]"
    assert keys["training.epochs"].default == "10"
    assert keys["data.missing"].values == "pixels, square, half, null"
    assert keys["training.schedule.min_lr_ratio"].meaning.startswith("cosine: ")
    assert keys["training.schedule.warmup"].meaning.startswith("steps ")
    assert all(key.meaning and key.values and key.default for key in keys.values())
    assert len(keys) == len(recipe_keys())


@pytest.mark.parametrize("key", recipe_keys(), ids=lambda key: key.path)
def test_a_recipe_may_write_the_default_of_every_key(key):
    kind = {"data.missing": "pixels", "training.schedule": "constant"}
    owner = key.path.rpartition(".")[0]
    if owner in kind:
        only = key.meaning.partition(":")[0].split(", ")[0]
        kinds = ["pixels", "square", "half", "cosine", "exponential"]
        load_recipe(
            "mnist", [f"{owner}={only if only in kinds else kind[owner]}", f"{key.path}={key.default}"]
        )
    elif owner != "model.condition":  # whose keys make a model conditional
        load_recipe("mnist", [f"{key.path}={key.default}"])


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.kind)
def test_every_option_of_a_component_is_explained(kind):
    built_in = [component for component in kind.components if component.name in BUILT_IN[kind.kind]]
    assert [component.name for component in built_in] == list(BUILT_IN[kind.kind])
    for component in built_in:
        assert component.meaning.endswith(".")
        assert component.package == ""
        for key in component.keys:
            assert len(key.meaning) >= 10, (component.name, key)
            assert "see `" not in key.meaning
            assert "as for" not in key.meaning
            yaml.safe_load(key.default)


def test_options_of_all_components_are_listed_once():
    for kind in ALL:
        shared = {key.path for key in kind.shared}
        assert not shared & {key.path for component in kind.components for key in component.keys}
    assert [key.path for key in component_keys("prior").shared] == ["network"]
    assert [key.path for key in component_keys("objective").shared] == ["samples", "beta", "beta.unit"]


def test_the_places_of_networks():
    assert "model.decoder.network" in component_keys("network").places


class Color(enum.Enum):
    red, blue = "red", "blue"


def test_every_kind_of_values_has_words(monkeypatch):
    monkeypatch.setitem(registry._IN_PROCESS, "schedule", {})

    @register("schedule", "words_of_values")
    def words_of_values(
        low: Annotated[float, Field(gt=0)],
        high: Annotated[int, Field(le=5)] = 3,
        inside: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        pair: tuple[int, int] = (1, 2),
        many: list[float] = [],  # noqa: B006 (an option has the default that is written)
        color: Color = Color.red,
        maybe: str | None = None,
        flag: bool = True,
        free=None,
    ):
        return lambda position: 1.0

    [component] = component_keys("schedule", "words_of_values").components
    assert {key.path: (key.values, key.default) for key in component.keys} == {
        "low": ("number > 0", "required"),
        "high": ("integer ≤ 5", "3"),
        "inside": ("number in [0, 1)", "0.5"),
        "pair": ("list of 2: integer", "[1, 2]"),
        "many": ("list: number", "[]"),
        "color": ("red, blue", "red"),
        "maybe": ("string or null", "null"),
        "flag": ("true, false", "true"),
        "free": ("any", "null"),
    }
    assert component.meaning == ""
    assert component.package == "this process"


def test_a_word_finds_parts_kinds_keys_and_components():
    assert find_keys("objective") != find_keys("objectives")
    assert {key.path.partition(".")[0] for key in find_keys("data")[0]} == {"data"}
    assert [key.path for key in find_keys("training.checkpoint")[0]] == [
        "training.checkpoint_seconds", "training.checkpoint_steps",
    ]  # fmt: skip
    assert [kind.kind for kind in find_keys("flow")[1]] == ["prior", "posterior"]
    for kind, plural in KINDS.items():
        assert find_keys(plural)[1][0].kind == kind


def test_an_unknown_word_names_the_nearest():
    with pytest.raises(NotFoundError, match="got 'netwrks'; did you mean 'networks'"):
        find_keys("netwrks")
