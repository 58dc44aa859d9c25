"""How the table of renames is read: a new name, and what it is on one side."""

from __future__ import annotations

import copy
import importlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from same_numbers import table

Path = tuple[str, ...]


class Names:
    """The names of one side, asked for by the new ones.

    Args:
        old: whether they are those of the old tree; else they are the new ones.
    """

    def __init__(self, old: bool):
        self.old = old

    def find(self, name: str) -> Any:
        """A function, class or module by its new dotted name."""
        return _imported(self._python(name))

    def call(self, thing: Any, name: str, *args: Any, **options: Any) -> Any:
        """Call a method by `Class.method`, with keywords by their new names."""
        return self.get(thing, name)(*args, **self._options(name, options))

    def run(self, name: str, *args: Any, **options: Any) -> Any:
        """Call a function by its dotted name, with keywords by their new names."""
        return self.find(name)(*args, **self._options(name, options))

    def get(self, thing: Any, name: str) -> Any:
        """An attribute or method by `Class.name`."""
        return getattr(thing, self._of(table.MEMBERS, name, name.rpartition(".")[2]))

    def recipe(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe, or a part of one, from its root on."""
        return old_recipe(tree) if self.old else copy.deepcopy(dict(tree))

    def overrides(self, tree: Mapping[str, Any]) -> list[str]:
        """A recipe's keys as `key.path=value`, as studies take them."""
        return [f"{key}={json.dumps(value)}" for key, value in _leaves(self.recipe(tree))]

    def file(self, name: str) -> str:
        return self._of(table.FILES, name)

    def packaged_recipes(self, own: Iterable[str]) -> dict[str, str]:
        """The recipes of the package by their new names."""
        return self._by_new_name(table.RECIPES, own)

    def studies(self, own: Iterable[str]) -> dict[str, str]:
        """The studies of the package by their new names."""
        return self._by_new_name(table.STUDIES, own)

    def study(self, name: str) -> str:
        return self._of(table.STUDIES, name)

    def key(self, path: str) -> str:
        """A key of a study's YAML, by its new path."""
        return self._of(table.STUDY_KEYS, path, path.rpartition(".")[2])

    def block(self, name: str) -> str:
        return self._of(table.BLOCKS, name)

    def field(self, path: str) -> str:
        """A field or metric, by its new path."""
        keys = tuple(path.split("/"))
        return old_field(keys) if self.old else keys[-1]

    def _by_new_name(self, names: Mapping[str, str], own: Iterable[str]) -> dict[str, str]:
        new = {old: name for name, old in names.items()} if self.old else {}
        return {new.get(name, name): name for name in own}

    def _of(self, names: Mapping[str, str], name: str, otherwise: str | None = None) -> str:
        same = name if otherwise is None else otherwise
        return names.get(name, same) if self.old else same

    def _python(self, name: str) -> str:
        words = name.split(".")
        for n in range(len(words), 0, -1) if self.old else ():
            if known := table.PYTHON.get(".".join(words[:n])):
                return ".".join([known, *words[n:]])
        return name

    def _options(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        if not self.old:
            return dict(options)
        return {
            table.KEYWORDS.get(f"{name}:{key}", key): _value(table.ARGUMENTS.get(f"{name}:{key}", {}), value)
            for key, value in options.items()
        }


def old_recipe(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe in new names -> the same in old ones."""
    return _renamed_recipe(table.recipe_shape(copy.deepcopy(dict(tree))), ())


def old_field(path: Path) -> str:
    """The old name of the last of the keys of a new path."""
    fitting = [row for row in table.FIELDS if _ends(path, row)]
    return table.FIELDS[max(fitting, key=lambda row: row.count("/"))] if fitting else path[-1]


def old_weight(name: str) -> str:
    """The old name of a tensor of a saved model."""
    for pattern, old in table.WEIGHTS.items():
        name = re.sub(pattern, old, name)
    return name


def reason(rows: Mapping[str, str], path: str) -> str | None:
    """Why a path is in a table of what may differ; None where it is not."""
    return next((why for pattern, why in rows.items() if fnmatchcase(path, pattern)), None)


def plant(name: str) -> Callable[[], None]:
    """Multiply what a function gives by 1 + 1e-6, wherever it is called by its module; the undoing of it."""
    place, _, function = name.rpartition(".")
    owner = _imported(place)
    whole = getattr(owner, function)

    def planted(*args: Any, **options: Any) -> Any:
        found = whole(*args, **options)
        return found if found is None else found * (1 + 1e-6)

    setattr(owner, function, planted)
    return lambda: setattr(owner, function, whole)


def _imported(name: str) -> Any:
    """What a dotted name means: the longest module that it begins with, and attributes of that."""
    words = name.split(".")
    for n in range(len(words), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(words[:n]))
        except ModuleNotFoundError as error:
            if error.name and ".".join(words[:n]).startswith(error.name):
                continue
            raise
        for word in words[n:]:
            found = getattr(found, word)
        return found
    raise ModuleNotFoundError(name)


def _renamed_recipe(tree: Any, path: Path) -> Any:
    if isinstance(tree, Mapping):
        return {
            _recipe_row(table.RECIPE_KEYS, (*path, key), key): _renamed_recipe(value, (*path, key))
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [_renamed_recipe(value, path) for value in tree]
    return _value(_recipe_row(table.RECIPE_VALUES, path, {}), tree)


def _recipe_row(rows: Mapping[str, Any], path: Path, otherwise: Any) -> Any:
    fitting = [row for row in rows if len(row.split(".")) == len(path) and _ends(path, row.replace(".", "/"))]
    return rows[min(fitting, key=lambda row: row.count("*"))] if fitting else otherwise


def _value(values: Mapping[Any, Any], value: Any) -> Any:
    return values.get(value, value) if isinstance(value, str | int | float | bool | None) else value


def _ends(path: Path, row: str) -> bool:
    """Whether a path ends with the keys of a row."""
    wanted = row.split("/")
    given = path[-len(wanted) :]
    return len(given) == len(wanted) and all(map(fnmatchcase, given, wanted))


def _leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """The paths of a tree and what stands there; a part with a kind stays whole."""
    if not isinstance(tree, Mapping) or "kind" in tree:
        return [(path, tree)]
    return [leaf for key, value in tree.items() for leaf in _leaves(value, f"{path}.{key}" if path else key)]
