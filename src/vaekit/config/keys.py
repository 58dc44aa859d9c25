"""The keys of a recipe as text: name, allowed values, default and meaning.

`recipe_keys` lists the keys that every recipe has. A key such as `model.prior` names a component; the options
of a component depend on which one, and `component_keys` lists them once per component, wherever a recipe may
name it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from vaekit.config.components import Options, options_of
from vaekit.config.reference import section_of, sections_in
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import NotFoundError, VaekitError, did_you_mean, first_line
from vaekit.registry import BUILT_IN, KINDS, find, names

_INTERNAL = {"kind", "version"}  # keys of a component that are not its options
_HUGE = 1e9  # an upper bound that only guards against mistakes


class Key(NamedTuple):
    """One key: its path, the range of its values, its default and its meaning.

    >>> Key("training.epochs", "integer", "10", "passes over the training images").path
    'training.epochs'
    """

    path: str
    values: str
    default: str
    meaning: str


class ComponentKeys(NamedTuple):
    """A component and its own options.

    Attributes:
        name: in a recipe.
        package: the installed package that it comes from; empty for a component of vaekit, and for one that
            is named by its file or module.
        meaning: the first paragraph of its docstring.
        keys: its options, without those that all components of the kind have.

    >>> ComponentKeys("delta", "", "A point mass.", []).name
    'delta'
    """

    name: str
    package: str
    meaning: str
    keys: list[Key]


class KindKeys(NamedTuple):
    """The components of a kind.

    Attributes:
        kind: such as `prior`.
        plural: such as `priors`.
        places: the keys of a recipe that name a component of the kind.
        shared: the options that all components of the kind have.
        components: each with its own options.

    >>> KindKeys("prior", "priors", ["model.prior"], [], []).places
    ['model.prior']
    """

    kind: str
    plural: str
    places: list[str]
    shared: list[Key]
    components: list[ComponentKeys]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        components = [
            component._asdict() | {"keys": [key._asdict() for key in component.keys]}
            for component in self.components
        ]
        return self._asdict() | {"shared": [key._asdict() for key in self.shared], "components": components}


def recipe_keys() -> list[Key]:
    """Every key of a recipe but the options of components.

    >>> next(key for key in recipe_keys() if key.path == "training.epochs").default
    '10'
    """
    return list(_keys(Recipe, ""))


def recipe_parts() -> dict[str, str]:
    """The meaning of each part of a recipe.

    >>> list(recipe_parts())
    ['data', 'model', 'objective', 'training']
    """
    fields = Recipe.model_fields.items()
    return {name: field.description or "" for name, field in fields if sections_in(field.annotation)}


def find_keys(words: str = "", name: str = "") -> tuple[list[Key], list[KindKeys]]:
    """The keys and components that a word stands for.

    Args:
        words: a part of a recipe, the beginning of a key, a kind of component in singular or plural, a key
            that names a component, or a component; all keys, and all kinds that a recipe names, if empty.
        name: one component of the kind.

    Returns:
        Keys of a recipe, and components with their own keys; one of both is empty, unless `words` is.

    Raises:
        NotFoundError: nothing has this name.
        ComponentError: there is no such component, or it cannot be imported.

    >>> [key.path for key in find_keys("objective")[0]]
    ['objective', 'objective.samples', 'objective.beta', 'objective.beta.unit']
    >>> [kind.plural for kind in find_keys("gaussian")[1]]
    ['likelihoods', 'posteriors']
    """
    keys, places = recipe_keys(), component_places()
    kinds = [kind for kind in KINDS if kind in places or names(kind)]
    if not words:
        return keys, [component_keys(kind) for kind in places]
    named = [kind for kind in KINDS if words in (KINDS[kind], kind)]
    if named and (name or words not in recipe_parts()):
        return [], [component_keys(kind, name) for kind in named]
    whole = [key for key in keys if key.path == words or key.path.startswith(f"{words}.")]
    at = [kind for kind in kinds if words in places.get(kind, ())]
    if at and words not in recipe_parts():
        return [], [component_keys(kind) for kind in at]
    found = whole or [key for key in keys if key.path.startswith(words)]
    if found:
        return found, []
    of_name = [component_keys(kind, words) for kind in kinds if words in names(kind)]
    if of_name:
        return [], of_name
    known = [*recipe_parts(), *(KINDS[kind] for kind in kinds), *kinds, *(key.path for key in keys)]
    known += [component for kind in kinds for component in names(kind)]
    if ":" in words:
        raise NotFoundError(
            f"recipes keys: expected a kind before {words!r}, such as: vaekit recipes keys prior {words}"
        )
    raise NotFoundError(
        f"recipes keys: expected a part ({', '.join(recipe_parts())}), a key, a kind of component such as "
        f"priors, or a component, got {words!r}{did_you_mean(words, known)}"
    )


def component_keys(kind: str, name: str = "") -> KindKeys:
    """The components of a kind with their options, each option once.

    Args:
        kind: such as `prior`.
        name: one component only: a name, `package.module:name` or `file.py:name`; all if empty.

    Raises:
        ComponentError: there is no such component, or it cannot be imported.

    >>> mixture = component_keys("prior", "mixture")
    >>> [key.path for key in mixture.shared], [key.path for key in mixture.components[0].keys]
    (['network'], ['components', 'weights', 'init_std'])
    """
    places = component_places().get(kind, {})
    base = next(iter(places.values()), Options)
    components = [_component_keys(kind, name, base)] if name else list(_all_components(kind, base))
    shared = [key for key in _keys(base, "") if key.path not in _INTERNAL] if base is not Options else []
    return KindKeys(kind, KINDS[kind], list(places), shared, components)


def component_places() -> dict[str, dict[str, type[Options]]]:
    """Where a recipe names components: for each kind the keys, with the options that all components share.

    >>> list(component_places()["network"])
    ['model.prior.network', 'model.encoder.network', 'model.decoder.network']
    """
    found: dict[str, dict[str, type[Options]]] = {}
    for path, field in _fields(Recipe, ""):
        section = section_of(field)
        if section is not None:
            found.setdefault(section.kind, {})[path] = section.base
    return found


def _all_components(kind: str, base: type[Options]) -> Iterator[ComponentKeys]:
    """All components that have a name; one that cannot be imported says so."""
    for name in names(kind):
        try:
            yield _component_keys(kind, name, base)
        except VaekitError as error:
            yield ComponentKeys(name, _package(kind, name), f"cannot be used: {first_line(error)}", [])


def _component_keys(kind: str, name: str, base: type[Options]) -> ComponentKeys:
    options, factory = options_of(kind, name, base), find(kind, name).factory
    paragraph = inspect.cleandoc(factory.__doc__ or "").partition("\n\n")[0]
    hidden = {*base.model_fields, *_INTERNAL}
    own = [key for key in _keys(options, "") if key.path.partition(".")[0] not in hidden]
    return ComponentKeys(name, _package(kind, name), " ".join(paragraph.split()), own)


def _package(kind: str, name: str) -> str:
    """The installed package of an entry point, with its version; empty if the name says where it is from."""
    if name in BUILT_IN[kind] or ":" in name:
        return ""
    for point in metadata.entry_points(group=f"vaekit.{KINDS[kind]}", name=name):
        if point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return "this process"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    """The fields that hold a value or name a component, by path."""
    for name, field in model.model_fields.items():
        section, parts = section_of(field), sections_in(field.annotation)
        if section is not None:
            yield prefix + name, field
            yield from _fields(section.base, f"{prefix}{name}.")
        elif len(parts) == 1:
            yield from _fields(parts[0], f"{prefix}{name}.")


def _keys(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    """The keys of a section and of the sections in it; options of components are left out."""
    for name, field in model.model_fields.items():
        path, parts = prefix + name, sections_in(field.annotation)
        section = section_of(field)
        default, meaning = _default(field), field.description or ""
        null = ["null"] if default == "null" else []
        if section is not None:
            known = names(section.kind) or ["MODULE:NAME, FILE.py:NAME"]
            yield Key(path, ", ".join([*known, *null]), default, meaning)
            for key in _keys(section.base, f"{path}."):
                if key.path.rpartition(".")[2] not in _INTERNAL:
                    yield key
        elif not parts:
            yield Key(path, _values_of(model, name), default, meaning)
        else:
            kinds = {kind: part for part in parts for kind in _kinds(part)}
            if len(kinds) > 1:
                yield Key(path, ", ".join([*kinds, *null]), default, meaning)
                yield from _keys_by_kind(kinds, f"{path}.")
            else:
                if null:
                    yield Key(path, "its keys, or null", default, meaning)
                yield from _keys(parts[0], f"{path}.")


def _kinds(section: type[BaseModel]) -> tuple[str, ...]:
    """The values of the key `kind` that select a section."""
    return get_args(section.model_fields["kind"].annotation) if "kind" in section.model_fields else ()


def _keys_by_kind(sections: Mapping[str, type[BaseModel]], prefix: str) -> Iterator[Key]:
    """The keys of several sections, each once; a key that not all of them have names those that do."""
    found: dict[Key, list[str]] = {}
    for kind, section in sections.items():
        for key in _keys(section, prefix):
            if key.path != f"{prefix}kind":
                found.setdefault(key, []).append(kind)
    for key, kinds in found.items():
        only = "" if len(kinds) == len(sections) else f"{', '.join(kinds)}: "
        yield key._replace(meaning=only + key.meaning)


def _default(field: FieldInfo) -> str:
    """A default as it is written in a recipe; `required` if there is none."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return str(getattr(default, "kind", ""))
    plain = to_jsonable_python(default, fallback=str)
    return plain if isinstance(plain, str) and plain else json.dumps(plain)


# ------------------------------------------------------------------------------------------------ JSON schema


def _values_of(model: type[BaseModel], name: str) -> str:
    """The range of a key in words."""
    schema = _json_schema(model)
    return _values(schema["properties"][name], schema.get("$defs", {})) if schema else "any"


@lru_cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a section; empty if one of its types has none."""
    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {}


def _values(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The range of a key in words, from its JSON schema."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return " or ".join(_values(option, definitions) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(str(v) for v in schema.get("enum", [schema.get("const")]))
    inside = schema.get("items") or next(iter(schema.get("prefixItems", [])), None)
    if isinstance(inside, Mapping):
        least, most = schema.get("minItems"), schema.get("maxItems")
        count = f" of {most}" if most is not None and least == most else ""
        return f"list{count}: {_values(inside, definitions)}"
    kind = str(schema.get("type", "any")).replace("boolean", "true, false")
    return f"{kind} {_interval(schema)}".rstrip()


def _interval(schema: Mapping[str, Any]) -> str:
    """The bounds of a number: `> 0`, or `in (0, 1]`; a huge upper bound is left out."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least = low if above is None else above
    most = high if below is None else below
    if most is not None and most >= _HUGE:
        most = None
    if least is not None and most is not None:
        return f"in {'[' if above is None else '('}{least:.10g}, {most:.10g}{']' if below is None else ')'}"
    if least is not None:
        return f"{'≥' if above is None else '>'} {least:.10g}"
    return "" if most is None else f"{'≤' if below is None else '<'} {most:.10g}"
