"""Names and files become recipes: read, extend, override, validate.

    a YAML file -> what it extends, and itself over it -> `key.path=value` over that -> `Recipe`

Merging goes key by key, except that another `kind` replaces the whole part: the options of one kind mean
nothing to another. Everything wrong is one line with the key's path, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from vaekit.errors import NotFoundError, RecipeError, did_you_mean
from vaekit.recipe import Recipe

Tree = dict[str, Any]


def names() -> list[str]:
    """The recipes that the package carries."""
    files = resources.files("vaekit.recipes").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


def load(name_or_path: str | Path = "mnist", overrides: Iterable[str] = ()) -> Recipe:
    """A validated recipe.

    Args:
        name_or_path: a name in `names()`, or a YAML file.
        overrides: `key.path=value` strings, the value in YAML; later ones win.

    Raises:
        NotFoundError: where there is no such recipe.
        RecipeError: where it, or an override, does not fit the schema.
    """
    recipe = parse(_tree(str(name_or_path), ()), str(name_or_path))
    return override(recipe, overrides)


def override(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """The recipe with `key.path=value` strings applied."""
    tree = recipe.model_dump(mode="json")
    for text in overrides:
        tree = merge(tree, _nested(text))
    return parse(tree, "override" if recipe.name == "unnamed" else recipe.name)


def text(name_or_path: str | Path) -> str:
    """The recipe's own YAML as it was written, comments and `extends` included."""
    return _file(str(name_or_path)).read_text(encoding="utf-8")


def dump(recipe: Recipe) -> str:
    """YAML of the whole resolved recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def parse(tree: Any, where: str = "recipe") -> Recipe:
    """A recipe from plain values.

    Raises:
        RecipeError: one line that names every wrong key with its path.
    """
    if not isinstance(tree, Mapping):
        raise RecipeError(f"{where}: expected keys and values, got {type(tree).__name__}")
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise RecipeError(f"{where}: " + "; ".join(_explain(e, tree) for e in error.errors())) from None


def merge(base: Any, over: Any) -> Any:
    """`over` on top of `base`; another kind replaces the part."""
    if not isinstance(base, Mapping):
        base = {"kind": base} if isinstance(base, str) and isinstance(over, Mapping) else None
    if isinstance(base, Mapping) and "kind" in base and isinstance(over, str):
        over = {"kind": over}
    if base is None or not isinstance(over, Mapping):
        return over
    if "kind" in over and over["kind"] != base.get("kind"):
        return dict(over)
    return {**base, **{key: merge(base.get(key), value) for key, value in over.items()}}


class Key(NamedTuple):
    """A line of the schema for people."""

    path: str
    values: str
    default: str
    meaning: str


def keys() -> list[Key]:
    """Every key that a recipe may have, with its range, default and meaning."""
    return list(_keys(Recipe, ""))


# ---------------------------------------------------------------------------------------------------- reading


def _file(name: str) -> Any:
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise NotFoundError(f"recipe {name!r}: no such file")
        return path
    packaged = resources.files("vaekit.recipes") / f"{name}.yaml"
    if name not in names():
        raise NotFoundError(
            f"recipe {name!r}: neither a name (see: vaekit recipes list) nor a YAML file{did_you_mean(name, names())}"
        )
    return packaged


def _tree(name: str, seen: tuple[str, ...]) -> Tree:
    if name in seen:
        raise RecipeError(f"recipe {name!r} extends itself: {' -> '.join((*seen, name))}")
    file = _file(name)
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"recipe {name!r}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise RecipeError(f"recipe {name!r}: expected keys and values, got {type(tree).__name__}")
    tree.setdefault("name", Path(name).stem)
    parent = tree.pop("extends", None)
    return tree if parent is None else merge(_tree(_beside(name, str(parent)), (*seen, name)), tree)


def _beside(child: str, parent: str) -> str:
    """A file that a recipe extends is looked for beside it, a name in the package."""
    beside = Path(child).parent / parent
    return str(beside) if beside.suffix in (".yaml", ".yml") else parent


def _nested(text: str) -> Tree:
    """ "a.b=1" -> {"a": {"b": 1}}"""
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        raise RecipeError(f"override {text!r}: expected key.path=value, such as training.epochs=5")
    try:
        tree = yaml.safe_load(value) if value else None
    except yaml.YAMLError:
        raise RecipeError(f"override {text!r}: the value is not YAML") from None
    for key in reversed(path.split(".")):
        tree = {key: tree}
    return tree


# ------------------------------------------------------------------------------------------------- explaining


def _explain(error: Any, tree: Any) -> str:
    path, model = _locate(error["loc"], tree)
    name = ".".join(path) or "recipe"
    if error["type"] == "extra_forbidden":
        known = list(model.model_fields)
        near = did_you_mean(path[-1], known)
        return f"{name}: unknown key{near or '; known here: ' + ', '.join(known)}"
    if error["type"] in ("union_tag_invalid", "literal_error"):
        expected = error["ctx"].get("expected_tags") or error["ctx"]["expected"]
        given = error["ctx"].get("tag", error["input"])
        return f"{name}: expected one of {expected}, got {given!r}"
    message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    message = message.replace("a valid ", "a ").rstrip(".")
    if error["type"] == "value_error":
        return f"{name}: {message}"
    return f"{name}: expected {message}, got {error['input']!r}"


def _locate(loc: tuple[int | str, ...], tree: Any) -> tuple[list[str], type[BaseModel]]:
    """The keys of an error's place without pydantic's tags, and the schema of the part it lies in."""
    path: list[str] = []
    model: type[BaseModel] = Recipe
    for i, part in enumerate(loc):
        known = isinstance(tree, Mapping) and part in tree
        if not known and i < len(loc) - 1 and not isinstance(part, int):
            continue
        inside = model.model_fields.get(str(part))
        if inside is None and not known:
            continue
        path.append(str(part))
        tree = tree.get(part) if isinstance(tree, Mapping) else None
        if inside is not None and i < len(loc) - 1:
            model = _choose(inside.annotation, inside.metadata, tree) or model
    return path, model


def _choose(annotation: Any, metadata: Any, tree: Any) -> type[BaseModel] | None:
    """The schema among those of a field that the tree's kind names, or the only one."""
    options = _parts(annotation)
    kind = tree.get("kind") if isinstance(tree, Mapping) else tree
    named = [
        o for o in options if "kind" in o.model_fields and kind in get_args(o.model_fields["kind"].annotation)
    ]
    return next(iter(named or options), None)


def _parts(annotation: Any) -> list[type[BaseModel]]:
    """The schemas inside a type, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _keys(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    schema = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        path, parts = prefix + name, _parts(field.annotation)
        if not parts:
            default = field.get_default(call_default_factory=True)
            yield Key(path, _values(schema[name]), str(default), field.description or "")
        for part in parts:
            kind = part.model_fields.get("kind")
            label = f"{path}({'|'.join(get_args(kind.annotation))})" if kind and len(parts) > 1 else path
            yield from _keys(part, f"{label}.")


def _values(schema: Mapping[str, Any]) -> str:
    """The range of a key in words, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_values(option) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(str(v) for v in schema.get("enum", [schema.get("const")]))
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]:g}" for key, sign in limits.items() if key in schema]
    inside = schema.get("items") or next(iter(schema.get("prefixItems", [])), None)
    kind = f"list of {_values(inside)}" if isinstance(inside, Mapping) else schema.get("type", "any")
    return " ".join([kind, *bounds])
