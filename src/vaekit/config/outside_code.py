"""Components from outside vaekit in recipes that are saved and loaded.

A recipe may name an object of a file, `own.py:spherical`. A saved recipe must find it again on another
machine, unchanged. So the file is copied to `components/` beside the recipe, the recipe names the copy, and
the SHA-256 of the copy is stored. Loading checks it before it imports anything, and imports nothing without
trust (`vaekit.registry.trusting`).
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vaekit.config.components import Options
from vaekit.errors import InvalidError
from vaekit.registry import KINDS, Component, names
from vaekit.utils.paths import exists, is_file, real_path, user_path

FOLDER = "components"

Tree = dict[str, Any]
_REFERENCE = re.compile(r"(?P<file>[^:\n]+\.py):(?P<name>[A-Za-z_]\w*)")


def outside_components(section: BaseModel) -> list[Component]:
    """The components of a recipe that are not built in, without duplicates.

    >>> from vaekit.config.schema.recipe import Recipe
    >>> outside_components(Recipe())
    []
    """
    found: list[Component] = []
    if isinstance(section, Options) and type(section).component.module:
        found.append(type(section).component)
    own = getattr(section, "own_component", None)  # of data.dataset
    if own is not None and own.module:
        found.append(own)
    for name in type(section).model_fields:
        value = getattr(section, name)
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, BaseModel):
                found += [component for component in outside_components(part) if component not in found]
    return found


def copy_components(section: BaseModel, folder: Path) -> tuple[Tree, list[Tree]]:
    """Copy the files of a recipe's components, and let the recipe name the copies.

    Args:
        section: the recipe.
        folder: where the recipe is going to be saved.

    Returns:
        The recipe as a tree that names the copies, and one record for each outside component: its kind, its
        reference, its version, and the SHA-256 of its file or the name of its module.

    Raises:
        OSError: a file cannot be copied.

    >>> from vaekit.config.schema.recipe import Recipe
    >>> copy_components(Recipe(), Path("run"))[1]
    []
    """
    copies: dict[Path, str] = {}
    records: list[Tree] = []
    for component in outside_components(section):
        record: Tree = {"kind": component.kind, "reference": component.name, "version": component.version}
        if component.file is None:
            records.append(record | {"module": component.module})
            continue
        if component.file not in copies:
            copies[component.file] = _copy(component.file, folder / FOLDER)
        name = component.name.rpartition(":")[2]
        reference = f"{copies[component.file]}:{name}"
        digest = hashlib.sha256((folder / copies[component.file]).read_bytes()).hexdigest()
        records.append(record | {"reference": reference, "sha256": digest})

    def to_copy(file: str, name: str) -> str:
        place = real_path(file)
        return f"{copies[place]}:{name}" if place in copies else f"{file}:{name}"

    return _replace_references(section.model_dump(mode="json"), to_copy), records


def check_copies(
    records: Sequence[Mapping[str, Any]], folder: Path, except_kinds: Collection[str] = ()
) -> None:
    """Refuse files of components that are not those that were saved. Nothing is imported.

    Args:
        records: those of `copy_components`.
        folder: where the recipe was saved.
        except_kinds: the kinds of components that are not going to be imported.

    Raises:
        InvalidError: a file is missing, was changed, or lies outside the folder; a plain name is unknown;
            or a record is damaged.

    >>> check_copies([{"reference": "components/own.py:f", "sha256": "0"}], Path("run"))
    Traceback (most recent call last):
    ...
    vaekit.errors.InvalidError: run/components/own.py: not found, but the recipe names it; copy the whole \
folder again
    """
    if not isinstance(records, list | tuple):
        raise InvalidError(f"{folder}: expected a list of components, got {records!r}")
    for record in records:
        if not isinstance(record, Mapping) or not isinstance(record.get("reference"), str):
            raise InvalidError(f"{folder}: expected records of components with a reference, got {record!r}")
        kind, reference = str(record.get("kind")), record["reference"]
        if kind in except_kinds:
            continue
        if kind in KINDS and ":" not in reference and reference not in names(kind):
            raise InvalidError(
                f"{folder}: the {kind} {reference!r} is of {record.get('module')}, which is not here; "
                "install its package, or import the module first"
            )
        if "sha256" not in record:
            continue
        file = folder / reference.rpartition(":")[0]
        if not _is_inside(file, folder):
            raise InvalidError(
                f"{file}: outside the folder {folder}, where components are saved; do not use it"
            )
        if not is_file(file):
            raise InvalidError(f"{file}: not found, but the recipe names it; copy the whole folder again")
        if hashlib.sha256(file.read_bytes()).hexdigest() != record["sha256"]:
            raise InvalidError(
                f"{file}: changed since the model was saved; restore it, or train the model again"
            )


def with_absolute_files(tree: Any, folder: Path) -> Any:
    """A recipe's tree that names files of components by absolute paths.

    Args:
        folder: what relative paths start from, if the file exists there; otherwise the current folder.

    >>> with_absolute_files({"prior": "own.py:f"}, Path("/nowhere"))["prior"].endswith("own.py:f")
    True
    """

    def to_absolute(file: str, name: str) -> str:
        try:
            given = user_path(file)
            beside = folder / given
            return f"{(beside if is_file(beside) else given).resolve()}:{name}"
        except (OSError, RuntimeError):  # too long, no such user: importing it says so
            return f"{file}:{name}"

    return _replace_references(tree, to_absolute)


def _is_inside(file: Path, folder: Path) -> bool:
    """Whether a file, without links, lies in a folder."""
    try:
        return file.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _replace_references(tree: Any, change: Callable[[str, str], str]) -> Any:
    """A tree with every `file.py:name` changed."""
    if isinstance(tree, Mapping):
        return {key: _replace_references(value, change) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_replace_references(value, change) for value in tree]
    reference = _REFERENCE.fullmatch(tree) if isinstance(tree, str) else None
    return tree if reference is None else change(reference["file"], reference["name"])


def _copy(file: Path, folder: Path) -> str:
    """Copy a file into a folder; another file of the same name gets a number."""
    folder.mkdir(parents=True, exist_ok=True)
    content = file.read_bytes()
    names = [file.name, *(f"{file.stem}_{n}.py" for n in range(2, 100))]
    target = next(
        folder / name
        for name in names
        if not exists(folder / name) or (folder / name).read_bytes() == content
    )
    if not exists(target):
        shutil.copyfile(file, target)
    return f"{FOLDER}/{target.name}"
