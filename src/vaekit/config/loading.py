"""Load recipes: read a file, merge it with its parent, apply overrides, validate.

    parent (`extends`) <- YAML file <- `key.path=value` overrides -> `Recipe`

Trees are merged key by key. A section of another `kind` replaces the whole section, because the options of
one kind mean nothing to another. An error is one line: the path of the key, what was expected, what came.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from vaekit.config.keys import Key, recipe_keys
from vaekit.config.outside_code import with_absolute_files
from vaekit.config.reference import explain_error, explain_errors
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError, RecipeError, brief, printable
from vaekit.registry import Trust, UntrustedError, trusting
from vaekit.utils.paths import is_file, user_path
from vaekit.utils.yaml import MAX_DEPTH, YAMLLibrary, parse_yaml, resolve_relative

__all__ = [
    "Key",
    "dump_recipe",
    "explain_error",
    "load_recipe",
    "merge_trees",
    "override_recipe",
    "parse_recipe",
    "recipe_keys",
    "recipe_names",
    "recipe_text",
    "recipe_tree",
]

Tree = dict[str, Any]

MAX_PARENTS = 16
_LIBRARY = YAMLLibrary("vaekit.config", "recipes", "recipe", "vaekit recipes list", RecipeError)


def recipe_names() -> list[str]:
    """The names of the recipes in the package.

    >>> "mnist" in recipe_names()
    True
    """
    return _LIBRARY.names()


def load_recipe(
    name_or_path: str | Path = "mnist",
    overrides: Iterable[str] = (),
    trust: Trust = True,
    callbacks: bool = True,
) -> Recipe:
    """Load and validate a recipe.

    Args:
        name_or_path: a name in `recipe_names()`, or a YAML file.
        overrides: `key.path=value` strings with values in YAML; later ones win.
        trust: the modules and files from outside vaekit that the recipe may import; True for all, as suits a
            recipe that the user names.
        callbacks: False leaves out the callbacks and loggers of training, which reading a run does not need.

    Raises:
        NotFoundError: there is no such recipe.
        RecipeError: the recipe or an override does not fit the schema.
        UntrustedError: the recipe names code from outside vaekit that is not trusted.

    >>> load_recipe("mnist", ["model.latent_dim=2"]).model.layer_dims
    (2,)
    """
    tree = _resolved_tree(str(name_or_path), ())
    if not callbacks:
        tree = merge_trees(tree, {"training": {"callbacks": [], "logger": []}})
    recipe = parse_recipe(tree, str(name_or_path), trust)
    return override_recipe(recipe, overrides)


def override_recipe(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """Apply `key.path=value` strings to a recipe.

    Raises:
        RecipeError: an override does not fit the schema.

    >>> override_recipe(Recipe(), ["objective.beta=4"]).objective.beta.value
    4.0
    """
    tree = recipe.model_dump(mode="json")
    for text in overrides:
        tree = merge_trees(tree, with_absolute_files(_nested(text), Path()))
    return parse_recipe(tree, "override" if recipe.name == "unnamed" else recipe.name, trust=True)


def recipe_text(name_or_path: str | Path) -> str:
    """The YAML text of a recipe as written, with comments and `extends`.

    >>> recipe_text("mnist-hvae").splitlines()[1]
    'extends: mnist-gated'
    """
    return _LIBRARY.read_text(str(name_or_path))


def recipe_tree(text: str, where: str) -> Tree:
    """The keys and values of the YAML text of a recipe, not validated.

    Args:
        where: its file, for messages.

    Raises:
        RecipeError: it is not YAML, or has no keys.

    >>> recipe_tree("training: {epochs: 3}", "mine.yaml")
    {'training': {'epochs': 3}}
    """
    return _LIBRARY.parse(text, where)


def dump_recipe(recipe: Recipe | Tree) -> str:
    """The resolved recipe as YAML, with every default.

    >>> dump_recipe(Recipe()).splitlines()[0]
    'name: unnamed'
    """
    tree = recipe.model_dump(mode="json") if isinstance(recipe, Recipe) else recipe
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=100)


def parse_recipe(tree: Any, where: str = "recipe", trust: Trust = False) -> Recipe:
    """Validate a tree of plain values.

    Args:
        where: name of the recipe, for messages.
        trust: the modules and files whose components may be imported; True for all, as suits a recipe that
            the user wrote.

    Raises:
        RecipeError: one line that names every wrong key with its path.
        UntrustedError: the recipe names code from outside vaekit that is not trusted.

    >>> parse_recipe({"training": {"epochs": 3}}).training.epochs
    3
    """
    if not isinstance(tree, Mapping):
        raise RecipeError(f"{where}: expected keys and values, got {type(tree).__name__}")
    where = printable(where, 120)
    with trusting(trust):
        try:
            return Recipe.model_validate(tree)
        except ValidationError as error:
            found = error.errors(include_url=False)
            for reason in (e.get("ctx", {}).get("error") for e in found):
                if isinstance(reason, UntrustedError):
                    raise UntrustedError(f"{where}: {printable(str(reason), 300)}") from None
            raise RecipeError(f"{where}: {explain_errors(found, tree)}") from None


def merge_trees(base: Any, over: Any) -> Any:
    """Merge two trees; `over` wins, and a section of another kind is replaced.

    >>> merge_trees({"kind": "linear", "warmup": 5}, {"warmup": 9})
    {'kind': 'linear', 'warmup': 9}
    """
    if not isinstance(base, Mapping):
        base = {"kind": base} if isinstance(base, str) and isinstance(over, Mapping) else None
    if isinstance(base, Mapping) and "kind" in base and isinstance(over, str):
        over = {"kind": over}
    if base is None or not isinstance(over, Mapping):
        return over
    if "kind" in over and over["kind"] != base.get("kind"):
        return dict(over)
    return {**base, **{key: merge_trees(base.get(key), value) for key, value in over.items()}}


# ---------------------------------------------------------------------------------------------------- reading


def _resolved_tree(name: str, seen: tuple[str, ...]) -> Tree:
    place = os.path.realpath(name) if is_file(name) else name
    if place in seen or len(seen) > MAX_PARENTS:
        what = "extends itself" if place in seen else f"extends more than {MAX_PARENTS} others"
        raise RecipeError(f"recipe {brief(name)} {what}: {' -> '.join(map(brief, (*seen[:3], place)))}")
    tree = with_absolute_files(_LIBRARY.read(name), user_path(name).parent)
    parent = tree.pop("extends", None)
    if parent is None:
        return tree
    return dict(merge_trees(_resolved_tree(resolve_relative(name, str(parent)), (*seen, place)), tree))


def _nested(text: str) -> Tree:
    """Parse `a.b=1` to {"a": {"b": 1}}."""
    path, equals, value = text.partition("=")
    *outer, last = path.split(".")
    if not equals or not all((*outer, last)):
        raise RecipeError(f"override {brief(text)}: expected key.path=value, such as training.epochs=5")
    if len(outer) >= MAX_DEPTH:
        raise RecipeError(f"override {brief(text)}: expected at most {MAX_DEPTH} words in the key")
    try:
        inner = parse_yaml(value) if value else None
    except InvalidError as error:
        raise RecipeError(f"override {brief(text)}: the value is not YAML: {error}") from None
    tree: Tree = {last: inner}
    for key in reversed(outer):
        tree = {key: tree}
    return tree
