"""Read studies: the YAML files of the package, files of the user, and plain values.

    file --load_study--> Study --plan--> tasks --runner--> runs --results--> StudyResults --blocks--> page

A new experiment is one more YAML file, here or anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vaekit.config.outside_code import with_absolute_files
from vaekit.config.reference import explain_error, join_reasons
from vaekit.errors import InvalidError
from vaekit.studies import renamed
from vaekit.studies.schema import Study
from vaekit.utils.paths import user_path
from vaekit.utils.yaml import YAMLLibrary, resolve_relative

_LIBRARY = YAMLLibrary("vaekit.studies", "", "study", "vaekit study --list", InvalidError)


def study_names() -> list[str]:
    """The names of the packaged studies.

    >>> "beta" in study_names()
    True
    """
    return _LIBRARY.names()


def study_summary(name: str) -> dict[str, Any]:
    """Name, title, reference and presets of a packaged study, without validating the rest.

    >>> study_summary("beta")["presets"]
    ['quick', 'full']
    """
    tree = _LIBRARY.read(name)
    return {
        "name": name,
        "title": tree.get("title", ""),
        "reference": tree.get("reference", ""),
        "presets": list(tree.get("presets", {"full": None})),
    }


def load_study(name_or_path: str | Path) -> Study:
    """Load and validate a study.

    Args:
        name_or_path: a name in `study_names()`, or a YAML file. Its recipes, and the files of its blocks
            (`file.py:name`), may be beside it.

    Raises:
        NotFoundError: there is no such study.
        InvalidError: it does not fit the schema, or names an unknown block or option.

    >>> [entry.name for entry in load_study("conditional").runs]
    ['cvae', 'cvae-full', 'vae']
    """
    tree = _with_absolute_blocks(_LIBRARY.read(str(name_or_path)), user_path(name_or_path).parent)
    study = parse_study(tree, str(name_or_path))
    runs = [
        entry.model_copy(update={"recipe": resolve_relative(str(name_or_path), entry.recipe)})
        for entry in study.runs
    ]
    return study.model_copy(update={"runs": runs})


def _with_absolute_blocks(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A study's tree whose blocks of files, `file.py:name`, have absolute paths."""

    def absolute(block: Any) -> Any:
        if isinstance(block, Mapping):
            return {with_absolute_files(name, folder): options for name, options in block.items()}
        return with_absolute_files(block, folder)

    page = tree.get("page")
    return tree | {"page": [absolute(block) for block in page]} if isinstance(page, list) else tree


def parse_study(tree: Any, where: str = "study") -> Study:
    """Validate a study given as plain values.

    Args:
        tree: the keys of `Study`.
        where: the start of error messages.

    Raises:
        InvalidError: one line that lists every wrong key with its path.

    >>> parse_study({"runs": [{"name": "vae", "recipe": "digits"}]}).runs[0].recipe
    'digits'
    """
    from vaekit.studies.blocks import check_block

    if not isinstance(tree, Mapping):
        raise InvalidError(f"{where}: expected keys and values, got {type(tree).__name__}")
    try:
        study = Study.model_validate(tree)
    except ValidationError as error:
        reasons = join_reasons(error.errors(), lambda e: _explain(e, tree))
        raise InvalidError(f"{where}: {reasons}") from None
    for number, block in enumerate(study.page):
        check_block(block, f"{where}: page.{number}")
    return study


def _explain(error: Any, tree: Any) -> str:
    """The message of a pydantic error, with the new name of a key that was renamed."""
    key = str(error["loc"][-1])
    if error["type"] == "extra_forbidden" and key in renamed.KEYS:
        path = ".".join(map(str, error["loc"]))
        return f"{path}: unknown key; did you mean {renamed.KEYS[key]!r}?"
    return explain_error(error, tree, Study)
