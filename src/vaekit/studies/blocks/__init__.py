"""The blocks that a study's page is made of: each is one function, registered as a `study_block`.

    @vaekit.register("study_block")
    def losses(study: StudyResults, runs: Patterns = ["*"], last: bool = False) -> list[Element]: ...

It returns a list of `Text`, `Table` or `FigureElement`. In the YAML of a study, a block is
`- name: {option: value}`, and a value in place of the options is the first option, as in `- text: Two words.`
The name is one of vaekit, an entry point of the group `vaekit.study_blocks`, `package.module:name`, or
`file.py:name` with a path that starts from the folder of the study. The options are the other arguments of
the function. Their annotations say what is accepted; a wrong option is refused when the study is read. An
error while a block is drawn becomes one line on the page.

The usual first option is `runs`: a name pattern, a group, or a list of these. `study.select(runs,
finished=True)` gives the variants, `variant.first.trained` a model, `variant.finished` the runs of all seeds,
`run.series("loss")` a number per epoch, and `run.evaluation` the evaluation. A block must not train anything
or change a run. Add a new block of vaekit to the file of its topic, or to a new file, and to
`registry.BUILT_IN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ValidationError

from vaekit.config.components import Options, option_values, options_of
from vaekit.config.reference import explain_error
from vaekit.errors import InvalidError, VaekitError
from vaekit.registry import ComponentError, names
from vaekit.studies import renamed
from vaekit.studies.elements import Element, FigureElement, Table, Text
from vaekit.studies.results import StudyResults


def check_block(block: Mapping[str, Any], where: str = "page") -> None:
    """Refuse a block of unknown kind or with wrong options.

    Args:
        block: {name: options}.
        where: the start of error messages.

    Raises:
        InvalidError: one line that names the block and what is wrong with it.

    >>> check_block({"latent_scatter": {"runs": "vae-*", "n": 500}})
    >>> check_block({"scater": {}})
    Traceback (most recent call last):
    vaekit.errors.InvalidError: page: expected one of heading, text, ... did you mean 'latent_scatter'?
    """
    if len(block) != 1:
        raise InvalidError(
            f"{where}: expected one block, as `- table: {{...}}`, got {', '.join(block) or 'none'}"
        )
    [(name, given)] = block.items()
    _parse_block(name, given, where)


def draw_block(study: StudyResults, block: Mapping[str, Any]) -> list[Element]:
    """The elements of a block; if it cannot be drawn, one text of kind "error" with the reason.

    >>> from vaekit.studies.example import example_results
    >>> draw_block(example_results(), {"table": {"runs": "gan-*"}})[0].text
    'table: runs: no run matches gan-* under this preset'
    """
    [(name, given)] = block.items()
    shown = PurePath(name).name
    try:
        options = _parse_block(name, given, "page")
        elements = type(options).component.factory(study, **option_values(options))
        if isinstance(elements, list) and all(isinstance(e, Text | Table | FigureElement) for e in elements):
            return elements
        reason = f"expected a list of Text, Table or FigureElement, got {type(elements).__name__}"
        return [Text(f"{shown}: {reason}", "error")]
    except VaekitError as error:
        return [Text(f"{shown}: {error}", "error")]
    except Exception as error:  # an unexpected error in one block must not cost the whole page
        return [Text(f"{shown}: {type(error).__name__}: {error}", "error")]


def _parse_block(name: str, given: Any, where: str) -> Options:
    """The options of a block; a bare value is the first option."""
    if name in renamed.BLOCKS and name not in names("study_block"):
        raise InvalidError(f"{where}: {name}: unknown block; did you mean {renamed.BLOCKS[name]!r}?")
    try:
        schema = options_of("study_block", name)
    except ComponentError as error:
        raise InvalidError(f"{where}: {error}") from None
    if not isinstance(given, Mapping):
        first = next((key for key in schema.model_fields if key not in ("kind", "version")), "kind")
        given = {first: given} if given is not None else {}
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        reasons = "; ".join(_explain(e, given, schema) for e in error.errors())
        raise InvalidError(f"{where}: {PurePath(name).name}: {reasons}") from None


def _explain(error: Any, given: Mapping[str, Any], schema: type[BaseModel]) -> str:
    """The message of a pydantic error, with the new name of an option that was renamed."""
    new = renamed.OPTIONS.get(str(error["loc"][-1]))
    if error["type"] == "extra_forbidden" and new in schema.model_fields:
        return f"{error['loc'][-1]}: unknown key; did you mean {new!r}?"
    return explain_error(error, given, schema)
