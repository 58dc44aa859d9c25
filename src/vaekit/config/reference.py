"""The schema of a recipe as text: error messages that name the key, and what lies behind a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vaekit.config.components import SectionOf, options_of
from vaekit.config.renamed import new_key, new_value
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import brief, did_you_mean, printable
from vaekit.registry import ComponentError

MAX_REASON = 300  # characters of one reason


def explain_error(error: Any, tree: Any, root: type[BaseModel] = Recipe) -> str:
    """Turn an error of pydantic into `key.path: what was expected, what came`.

    Args:
        error: an item of `ValidationError.errors()`.
        tree: the values that were validated.
        root: the schema.

    >>> explain_error({"type": "extra_forbidden", "loc": ("modle",)}, {"modle": {}})
    "modle: unknown key; did you mean 'model'?"
    """
    path, model = _locate(error["loc"], tree, root)
    name = printable(".".join(path), 120) or root.__name__.lower()
    if error["type"] == "extra_forbidden":
        known = list(model.model_fields)
        renamed = new_key(name) if root is Recipe else ""
        near = f"; did you mean {renamed!r}?" if renamed else did_you_mean(path[-1], known)
        return f"{name}: unknown key{near or '; known here: ' + ', '.join(known)}"
    if error["type"] in ("union_tag_invalid", "literal_error"):
        expected = error["ctx"].get("expected_tags") or error["ctx"]["expected"]
        given = error["ctx"].get("tag", error["input"])
        renamed = new_value(name, given) if root is Recipe else ""
        near = f"; did you mean {renamed}?" if renamed else ""
        return f"{name}: expected one of {expected}, got {brief(given)}{near}"
    if error["type"] == "missing":
        return f"{name}: required, but not given"
    if error["type"] == "string_pattern_mismatch":
        return f"{name}: expected {model.model_fields[path[-1]].description}, got {brief(error['input'])}"
    if isinstance(error.get("ctx", {}).get("error"), ComponentError):
        kind = error["input"].get("kind") if isinstance(error["input"], Mapping) else error["input"]
        renamed = new_value(name, kind) if root is Recipe else ""
        return f"{name}: {error['ctx']['error']}" + (f"; did you mean {renamed}?" if renamed else "")
    message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    message = message.replace("a valid integer", "an integer").replace("a valid ", "a ").rstrip(".")
    if error["type"] == "value_error":
        inner, colon, _ = message.partition(": ")
        inside = [model] if not path else sections_in(model.model_fields[path[-1]].annotation)
        if colon and any(inner.partition(".")[0] in part.model_fields for part in inside):
            return f"{'.'.join(path)}{'.' if path else ''}{message}"
        return f"{name}: {message}"
    return f"{name}: expected {message}, got {brief(error['input'])}"


def explain_errors(errors: Sequence[Any], tree: Any) -> str:
    """What is wrong with a recipe, in one short line: the first errors, and the number of the others.

    >>> explain_errors([{"type": "extra_forbidden", "loc": ("modle",)}] * 9, {"modle": {}})[-33:]
    "did you mean 'model'?; and 6 more"
    """
    return join_reasons(errors, lambda error: explain_error(error, tree))


def join_reasons(errors: Sequence[Any], explain: Callable[[Any], str]) -> str:
    """The first three errors, explained, and the number of the others.

    >>> join_reasons([1, 2, 3, 4, 5], str)
    '1; 2; 3; and 2 more'
    """
    reasons: list[str] = []
    for error in errors[:3]:
        if sum(map(len, reasons)) < MAX_REASON // 2:
            reasons.append(printable(explain(error), MAX_REASON))
    more = len(errors) - len(reasons)
    return "; ".join([*reasons, *([f"and {more:,} more"] if more else [])])


def _locate(
    loc: tuple[int | str, ...], tree: Any, model: type[BaseModel]
) -> tuple[list[str], type[BaseModel]]:
    """The keys of an error's place without pydantic's tags, and the schema of the part it lies in."""
    path: list[str] = []
    items: FieldInfo | None = None
    for i, part in enumerate(loc):
        if isinstance(part, int) and isinstance(tree, list) and isinstance(tree[part], Mapping):
            path.append(str(part))
            tree = tree[part]
            model = (_choose(items, tree) if items else None) or model
            continue
        known = isinstance(tree, Mapping) and part in tree
        if not known and i < len(loc) - 1 and not isinstance(part, int):
            continue
        inside = model.model_fields.get(str(part))
        if inside is None and not known:
            continue
        path.append(str(part))
        tree, items = (tree.get(part) if isinstance(tree, Mapping) else None), inside
        if inside is not None and i < len(loc) - 1:
            model = _choose(inside, tree) or model
    return path, model


def _choose(field: FieldInfo, tree: Any) -> type[BaseModel] | None:
    """The schema of a field that the tree's kind names, or the only one."""
    options, kind = sections_in(field.annotation), tree.get("kind") if isinstance(tree, Mapping) else tree
    section = section_of(field)
    if section is not None:
        default = getattr(field.get_default(call_default_factory=True), "kind", None)
        given = kind if isinstance(kind, str) else default
        try:  # a list of components has no kind; each of its items has one
            return options_of(section.kind, given, section.base) if given else None
        except ComponentError:  # the message of the error itself names what is wrong
            return None
    named = [
        o for o in options if "kind" in o.model_fields and kind in get_args(o.model_fields["kind"].annotation)
    ]
    return next(iter(named or options), None)


def section_of(field: FieldInfo) -> SectionOf | None:
    """The mark of a field that names a component; it may be optional.

    >>> section_of(Recipe.model_fields["objective"]).kind
    'objective'
    """
    nested = [m for inner in get_args(field.annotation) for m in getattr(inner, "__metadata__", ())]
    return next((mark for mark in (*field.metadata, *nested) if isinstance(mark, SectionOf)), None)


def sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The schemas inside a type, however it is wrapped.

    >>> sections_in(Recipe | None)[0].__name__
    'Recipe'
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in sections_in(inner)]
