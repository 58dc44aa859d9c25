"""Changes of a recipe as Python writes them: mappings and keywords -> `key.path=value` strings.

{"model.latent_dim": 8}      a whole path
{"model": {"latent_dim": 8}} sections within sections
latent_dim=8                 the last word of a path, where only one path ends with it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from vaekit.config.keys import recipe_keys
from vaekit.config.schema.recipe import Recipe, RecipeTraining
from vaekit.errors import RecipeError, did_you_mean

Overrides = Mapping[str, Any] | Iterable[str]


def as_overrides(overrides: Overrides = (), **keys: Any) -> list[str]:
    """Overrides of any form as `key.path=value` strings; later ones win.

    Args:
        overrides: `key.path=value` strings, or a mapping of keys to values.
        keys: further ones.

    Raises:
        RecipeError: a key stands for no path of a recipe, or for several; or a value is no plain value.

    >>> as_overrides({"model": {"latent_dim": 8}}, epochs=5, prior="vamp")
    ['model.latent_dim=8', 'training.epochs=5', 'model.prior="vamp"']
    """
    if isinstance(overrides, str):
        raise RecipeError(f"overrides: expected a list of strings or a dict, got the string {overrides!r}")
    given = list(_assignments(overrides)) if isinstance(overrides, Mapping) else list(overrides)
    return [*given, *_assignments(keys)]


def find_path(key: str) -> str:
    """The path that a key stands for: itself, or the one path that ends with it.

    Of several paths, that of training is meant, as in `seed`.

    Raises:
        RecipeError: there is none, or there are several.

    >>> find_path("latent_dim"), find_path("seed"), find_path("training.epochs")
    ('model.latent_dim', 'training.seed', 'training.epochs')
    """
    if "." in key or key in Recipe.model_fields:
        return key
    paths = [path for path in _paths() if path.rpartition(".")[2] == key]
    if key in RecipeTraining.model_fields:
        return f"training.{key}"
    if len(paths) == 1:
        return paths[0]
    if paths:
        raise RecipeError(
            f"{key}: stands for {' or '.join(paths)}; give one of these, in a dict of overrides"
        )
    names = [path.rpartition(".")[2] for path in _paths()]
    raise RecipeError(f"{key}: no such key of a recipe{did_you_mean(key, names)}; see: vaekit recipes keys")


def _assignments(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        path = find_path(key)
        if path in Recipe.model_fields and isinstance(value, Mapping):
            for inner, text in value.items():
                yield from _assignments({f"{path}.{inner}": text})
        else:
            yield f"{path}={_as_json(path, value)}"


def _as_json(path: str, value: Any) -> str:
    try:
        return json.dumps(value, default=_plain)
    except TypeError:
        raise RecipeError(f"{path}: expected a plain value, got {type(value).__name__}") from None


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy, tuples and paths as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError


@lru_cache(maxsize=1)
def _paths() -> tuple[str, ...]:
    return tuple(key.path for key in recipe_keys())
