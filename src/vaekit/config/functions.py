"""Functions that a user names or gives: metrics of an evaluation, and figures of a run.

"own.py:sharpness"                           a registered function, with the defaults of its options
{"kind": "own.py:sharpness", "radius": 2}    the same with options
sharpness                                    a function of Python, registered or not
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from vaekit.config.components import Options, explain_option, option_values, options_of, short_name
from vaekit.config.reference import explain_error
from vaekit.errors import InvalidError
from vaekit.registry import ComponentError
from vaekit.utils.schema import name_to_section

Given = str | Mapping[str, Any] | Callable[..., Any]


@dataclass(frozen=True)
class NamedFunction:
    """A function with its options.

    Attributes:
        name: the plain name, for results and files.
        reference: what the user wrote, for messages.
        function: called with what the kind gives, such as the model and the images.

    >>> NamedFunction("total", "own.py:total", sum)((2, 3))
    5
    """

    name: str
    reference: str
    function: Callable[..., Any] = field(repr=False)

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def named_functions(kind: str, given: Iterable[Given]) -> list[NamedFunction]:
    """The functions that a user names or gives.

    Args:
        kind: `metric` or `figure`.
        given: names, sections with a name and options, or functions.

    Raises:
        InvalidError: a function does not exist, an option is wrong, or two functions have the same name.

    >>> named_functions("metric", [max])
    [NamedFunction(name='max', reference='max')]
    >>> named_functions("metric", ["sharpness"])
    Traceback (most recent call last):
    vaekit.trust.ComponentError: metric: expected MODULE:NAME, or FILE.py:NAME; got 'sharpness'
    """
    if isinstance(given, str | Mapping) or callable(given):
        given = [given]
    found: dict[str, NamedFunction] = {}
    for one in given:
        function = _named_function(kind, one)
        if function.name in found:
            raise InvalidError(
                f"{kind}: {found[function.name].reference} and {function.reference} have the same name; "
                "rename one"
            )
        found[function.name] = function
    return list(found.values())


def parse_options(kind: str, given: str | Mapping[str, Any], where: str) -> Options:
    """The options of a component, from its name or from a section with its name and options.

    Args:
        kind: a kind of the registry.
        given: the name, or {kind: name, option: value}.
        where: the start of error messages.

    Raises:
        InvalidError: there is no such component, or an option is wrong.

    >>> parse_options("prior", {"kind": "vamp", "componens": 3}, "prior")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: prior: componens: unknown key; did you mean 'components'?
    """
    section = name_to_section(given)
    if not isinstance(section, Mapping) or not isinstance(section.get("kind"), str):
        raise InvalidError(f"{where}: expected a name, or {{kind: NAME}} with options, got {given!r}")
    try:
        schema = options_of(kind, section["kind"])
    except ComponentError as error:
        raise type(error)(f"{where}: {error}") from error
    try:
        return schema.model_validate(dict(section))
    except ValidationError as error:
        reasons = [explain_option(e, schema) or explain_error(e, section, schema) for e in error.errors()]
        raise InvalidError(f"{where}: {'; '.join(reasons)}") from None


def _named_function(kind: str, given: Given) -> NamedFunction:
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return NamedFunction(name, name, given)
    options = parse_options(kind, given, kind)
    function = partial(type(options).component.factory, **option_values(options))
    return NamedFunction(short_name(options), options.kind, function)
