"""Experiments of several runs: a YAML file each, and the engine that runs them.

    file --load--> Study --plan--> tasks --execute--> runs --read--> Results --blocks--> page, results.json

A new experiment is a YAML file here or anywhere; a new kind of table or figure is a function in `blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vaekit.config.reference import explain_error
from vaekit.errors import InvalidError
from vaekit.studies.schema import EvaluationProtocol, Preset, RunEntry, Study
from vaekit.utils.yaml import YAMLLibrary, resolve_relative

__all__ = [
    "EvaluationProtocol",
    "Preset",
    "RunEntry",
    "Study",
    "load_study",
    "parse_study",
    "study_names",
    "study_summary",
]

_SHELF = YAMLLibrary("vaekit.studies", "", "study", "vaekit study --list", InvalidError)


def study_names() -> list[str]:
    """The studies that the package carries."""
    return _SHELF.names()


def study_summary(name: str) -> dict[str, Any]:
    """What a study of the package is about, without reading all of it: name, title, reference, presets."""
    tree = _SHELF.read(name)
    return {
        "name": name,
        "title": tree.get("title", ""),
        "reference": tree.get("reference", ""),
        "presets": list(tree.get("presets", {"full": None})),
    }


def load_study(name_or_path: str | Path) -> Study:
    """A validated study.

    Args:
        name_or_path: a name in `names()`, or a YAML file, whose recipes may be files beside it.

    Raises:
        NotFoundError: where there is no such study.
        InvalidError: where it does not fit the schema, or names a block or an option that is not there.
    """
    tree = _SHELF.read(str(name_or_path))
    study = parse_study(tree, str(name_or_path))
    runs = [
        entry.model_copy(update={"recipe": resolve_relative(str(name_or_path), entry.recipe)})
        for entry in study.runs
    ]
    return study.model_copy(update={"runs": runs})


def parse_study(tree: Any, where: str = "study") -> Study:
    """A study from plain values.

    Raises:
        InvalidError: one line that names every wrong key with its path.
    """
    from vaekit.studies.blocks import check

    if not isinstance(tree, Mapping):
        raise InvalidError(f"{where}: expected keys and values, got {type(tree).__name__}")
    try:
        study = Study.model_validate(tree)
    except ValidationError as error:
        raise InvalidError(
            f"{where}: " + "; ".join(explain_error(e, tree, Study) for e in error.errors())
        ) from None
    for number, block in enumerate(study.page):
        check(block, f"{where}: page.{number}")
    return study
