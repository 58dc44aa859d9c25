"""YAML files of one kind: those of the package by name, those of the user by path.

Recipes and studies are found this way. `digits` names a file of the package, `my/recipe.yaml` one of the
user.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from vaekit.errors import InvalidError, NotFoundError, did_you_mean

SUFFIXES = (".yaml", ".yml")


class Loader(yaml.SafeLoader):
    """Reads plain values only, and `1e-3` as a number (YAML 1.1 reads it as text because it has no point).

    >>> yaml.load("1e-3", Loader)
    0.001
    """


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """The value of a YAML text.

    >>> parse_yaml("{epochs: 10, learning_rate: 1e-3}")
    {'epochs': 10, 'learning_rate': 0.001}
    """
    return yaml.load(text, Loader)


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
        path = Path(name)
        if path.suffix in SUFFIXES or path.is_file():
            if not path.is_file():
                raise NotFoundError(f"{self.kind} {name!r}: no such file")
            return path
        if name not in self.names():
            raise NotFoundError(
                f"{self.kind} {name!r}: neither a name (see: {self.listing}) nor a YAML file"
                f"{did_you_mean(name, self.names())}"
            )
        return resources.files(self.package).joinpath(self.folder) / f"{name}.yaml"

    def read(self, name: str) -> dict[str, Any]:
        """The keys and values of a file; the key `name` defaults to the name of the file.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: the file is not YAML, or has no keys.
        """
        file = self.find(name)
        try:
            tree = parse_yaml(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            reason = " ".join(str(error).split())
            raise self.error(f"{self.kind} {name!r}: not readable as YAML: {reason}") from None
        if not isinstance(tree, dict):
            raise self.error(f"{self.kind} {name!r}: expected keys and values, got {type(tree).__name__}")
        tree.setdefault("name", Path(name).stem)
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
