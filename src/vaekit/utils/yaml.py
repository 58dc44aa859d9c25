"""YAML files of one kind: those of the package by name, those of the user by path.

Recipes and studies are found this way. `digits` names a file of the package, `my/recipe.yaml` one of the
user. A file may come from a stranger, so what is read is bounded: its size, its depth, and the number of its
values after aliases are followed. A key that stands twice and a date are refused, since one is mostly a
mistake and the other mostly text. Every refusal is one short line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from vaekit.errors import InvalidError, NotFoundError, brief, did_you_mean, first_line
from vaekit.utils.paths import is_file, user_path, why_no_file

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 32
MAX_NUMBER = 40  # characters of a number

_PARSERS: tuple[Any, ...] = (
    (yaml.cyaml.CParser,)  # type: ignore[attr-defined]
    if yaml.__with_libyaml__
    else (yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser)
)


class Loader(yaml.composer.Composer, *_PARSERS, yaml.constructor.SafeConstructor, yaml.resolver.Resolver):  # type: ignore[misc]
    """Reads plain values only, and `1e-3` as a number (YAML 1.1 reads it as text because it has no point).

    >>> yaml.load("1e-3", Loader)
    0.001
    """

    def __init__(self, text: str):
        _PARSERS[0].__init__(self, text)
        for base in (*_PARSERS[1:], yaml.composer.Composer, yaml.constructor.SafeConstructor):
            base.__init__(self)
        yaml.resolver.Resolver.__init__(self)
        self._depth = self._values = 0
        self._sizes: dict[int, int] = {}  # node -> values in it, after aliases are followed

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        place = self.peek_event().start_mark
        if self._depth > MAX_DEPTH:
            raise _refusal(f"more than {MAX_DEPTH} levels of nesting", place)
        node: Any = super().compose_node(parent, index)
        self._depth -= 1
        if id(node) not in self._sizes:  # else an alias of a node that is complete
            if isinstance(node, yaml.ScalarNode):
                self._sizes[id(node)] = 1
            elif node.end_mark is not None:
                self._sizes[id(node)] = 1 + sum(self._sizes[id(part)] for part in _parts(node))
            else:
                raise _refusal("an alias to what it lies in", place)
        self._values += 1
        if max(self._values, self._sizes[id(node)]) > MAX_VALUES:
            raise _refusal(f"more than {MAX_VALUES:,} values", place)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key that is no plain word", key.start_mark)
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise _refusal(f"the key {brief(key.value)} stands twice", key.start_mark)
            seen.add(key.value)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind == "timestamp":
            raise _refusal(
                f"a date, {brief(node.value)}, where none is expected; quote text", node.start_mark
            )
        if kind in ("int", "float") and len(node.value) > MAX_NUMBER:
            raise _refusal(f"a number of {len(node.value):,} characters", node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, InvalidError):
                raise
            raise _refusal(f"{brief(str(node.value))}, which is no {kind}", node.start_mark) from None


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def _parts(node: yaml.CollectionNode) -> Iterator[yaml.Node]:
    for part in node.value:
        yield from part if isinstance(part, tuple) else (part,)


def _refusal(reason: str, mark: Any) -> InvalidError:
    return InvalidError(f"line {mark.line + 1}, column {mark.column + 1}: {reason}")


def parse_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        InvalidError: it is not YAML, or has a key twice, a date, a number of more than MAX_NUMBER
            characters, more than MAX_DEPTH levels, or more than MAX_VALUES values.

    >>> parse_yaml("{epochs: 10, learning_rate: 1e-3}")
    {'epochs': 10, 'learning_rate': 0.001}
    >>> parse_yaml("{epochs: 10, epochs: 20}")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: line 1, column 14: the key 'epochs' stands twice
    """
    if len(text) > MAX_BYTES:
        raise InvalidError(f"expected at most {MAX_BYTES:,} characters, got {len(text):,}")
    try:
        return yaml.load(text, Loader)
    except InvalidError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidError(f"{where}{_shortened(error.problem or error.context)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidError(_shortened(first_line(error))) from None


def _shortened(text: Any) -> str:
    text = " ".join(str(text).split())
    return text if len(text) <= 120 else f"{text[:119]}…"


class YAMLLibrary(NamedTuple):
    """The YAML files of one kind, such as recipes.

    Attributes:
        package: the package that carries the files with names, such as `vaekit.config`.
        folder: the folder of the files within the package.
        kind: the word for one of them in messages.
        listing: the command that lists the names.
        error: the exception for a file that is not of this kind.

    >>> recipes = YAMLLibrary("vaekit.config", "recipes", "recipe", "vaekit recipes list", InvalidError)
    >>> "digits" in recipes.names()
    True
    >>> recipes.read("digits")["name"]
    'digits'
    """

    package: str
    folder: str
    kind: str
    listing: str
    error: type[InvalidError]

    def names(self) -> list[str]:
        """The names of the files of the package, sorted."""
        files = resources.files(self.package).joinpath(self.folder).iterdir()
        return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))

    def find(self, name: str) -> Any:
        """The file of a name or path.

        Raises:
            NotFoundError: there is no such name and no such file.
        """
        path = user_path(name)
        if path.suffix in SUFFIXES or is_file(path):
            if not is_file(path):
                raise NotFoundError(f"{self.kind} {brief(name)}: {why_no_file(path)}")
            return path
        if name not in self.names():
            raise NotFoundError(
                f"{self.kind} {brief(name)}: neither a name (see: {self.listing}) nor a YAML file"
                f"{did_you_mean(name, self.names())}"
            )
        return resources.files(self.package).joinpath(self.folder) / f"{name}.yaml"

    def read(self, name: str) -> dict[str, Any]:
        """The keys and values of a file; the key `name` defaults to the name of the file.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: the file is not YAML, or has no keys.
        """
        tree = self.parse(self.read_text(name), name)
        tree.setdefault("name", Path(name).stem)
        return tree

    def read_text(self, name: str) -> str:
        """The text of a file.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: the file is too large, cannot be read, or is not text in UTF-8.
        """
        file = self.find(name)
        try:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise self.error(f"{self.kind} {brief(name)}: expected at most {MAX_BYTES:,} bytes, got more")
            return str(content.decode("utf-8-sig"))
        except OSError as error:
            raise self.error(f"{self.kind} {brief(name)}: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise self.error(
                f"{self.kind} {brief(name)}: expected text in UTF-8, but byte {error.start} is not; "
                "save it as UTF-8"
            ) from None

    def parse(self, text: str, where: str) -> dict[str, Any]:
        """The keys and values of a text.

        Args:
            where: name of the file, for messages.

        Raises:
            InvalidError: the text is not YAML, or has no keys.
        """
        try:
            tree = parse_yaml(text)
        except InvalidError as error:
            raise self.error(f"{self.kind} {brief(where)}: not readable as YAML: {error}") from None
        if not isinstance(tree, dict):
            kind = "an empty file" if tree is None else type(tree).__name__
            raise self.error(f"{self.kind} {brief(where)}: expected keys and values, got {kind}")
        return tree


def resolve_relative(child: str, parent: str) -> str:
    """The path of a file that another file refers to; a name of the package stays as it is.

    Args:
        child: the path of the file that refers.
        parent: a path relative to it, or a name.

    >>> resolve_relative("my/recipe.yaml", "base.yaml"), resolve_relative("my/recipe.yaml", "digits")
    ('my/base.yaml', 'digits')
    """
    path = Path(child).parent / parent
    return str(path) if path.suffix in SUFFIXES else parent
