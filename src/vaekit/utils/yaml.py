"""A shelf of YAML files: those that the package carries, by name, and those of the user, by path."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from vaekit.errors import InvalidError, NotFoundError, did_you_mean

SUFFIXES = (".yaml", ".yml")


class Loader(yaml.SafeLoader):
    """Plain values of YAML; `1e-3` is a number, which to YAML 1.1 is a word for want of a point."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """The value of a text of YAML."""
    return yaml.load(text, Loader)


class YAMLLibrary(NamedTuple):
    """Where files of one kind are looked for, and what they are called.

    Attributes:
        package: whose folder holds the files that have names, such as `vaekit.config.loading`.
        kind: what one of them is, in a word.
        listing: the command that lists their names.
        error: what is raised for a file that is none of this kind.
    """

    package: str
    folder: str
    kind: str
    listing: str
    error: type[InvalidError]

    def names(self) -> list[str]:
        """Those that the package carries."""
        files = resources.files(self.package).joinpath(self.folder).iterdir()
        return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))

    def find(self, name: str) -> Any:
        """The file of a name or path.

        Raises:
            NotFoundError: there is neither.
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
        """The keys and values of a file, and its own name where they give none.

        Raises:
            NotFoundError: there is no such file.
            InvalidError: it cannot be read as keys and values.
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
    """What a file calls another: a file is looked for beside it, a name in the package."""
    path = Path(child).parent / parent
    return str(path) if path.suffix in SUFFIXES else parent
