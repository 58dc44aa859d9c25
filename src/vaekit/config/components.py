"""The options of a component, from its signature and docstring: the keys of a recipe are written once.

    def vamp(context, components: Annotated[int, Field(ge=1)] = 500, ...)

becomes a section {kind: vamp, components: 500, ...} that checks types and ranges. Parameters that the build
gives (`context` and so on, see `GIVEN`) are not keys. Descriptions come from the `Args:` of the docstring.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar, Literal, get_origin, get_type_hints

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, PydanticUserError, create_model
from pydantic_core import CoreSchema, core_schema

from vaekit.errors import VaekitError, did_you_mean, first_line
from vaekit.registry import Component, ComponentError, find
from vaekit.utils.schema import Section, name_to_section

GIVEN: dict[str, tuple[str, ...]] = {  # parameters that the build gives, by kind
    "prior": ("context",),
    "likelihood": ("context", "event_dims"),
    "posterior": ("context", "latent_dim"),
    "network": ("inputs", "output"),
    "objective": ("terms", "beta"),
    "schedule": (),
    "mask": (),
    "dataset": (),
    "metric": ("trained", "images"),
    "callback": ("epoch",),
    "figure": ("trained", "images"),
    "study_block": ("study",),
}
REQUIRED: dict[str, tuple[str, ...]] = {  # those that a component must take
    "prior": ("context",),
    "network": ("inputs", "output"),
    "objective": ("terms", "beta"),
    "metric": ("trained", "images"),
    "callback": ("epoch",),
    "figure": ("trained", "images"),
    "study_block": ("study",),
}


class Options(Section):
    """The options of a component: its name, and the keys of its signature.

    >>> Options(kind="standard_normal").kind
    'standard_normal'
    """

    component: ClassVar[Component]

    kind: str = Field(min_length=1, description="name of a component")

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Copies are made from the name, since the class of a component has no place in a module."""
        if "component" not in vars(type(self)):
            return super().__reduce__()
        base = type(self).__bases__[0]
        return _restore, (type(self).component.kind, self.kind, base, self.model_dump())


def _restore(kind: str, reference: str, base: type[Options], values: dict[str, Any]) -> Options:
    """The options of a component after a copy."""
    return options_of(kind, reference, base).model_validate(values)


def option_values(options: Options) -> dict[str, Any]:
    """The options of a section that are parameters of its component, by name.

    >>> option_values(options_of("prior", "mixture")(components=3))
    {'components': 3, 'weights': 'learned', 'init_std': 0.3}
    """
    return {name: getattr(options, name) for name in _options(type(options).component)}


def explain_option(error: Any, schema: type[Options]) -> str:
    """What is wrong with an option that is missing or unknown; empty for any other error.

    Args:
        error: an item of `ValidationError.errors()`.
        schema: the section of the component.

    >>> explain_option({"type": "extra_forbidden", "loc": ("componens",)}, options_of("prior", "vamp"))
    "componens: unknown key; did you mean 'components'?"
    """
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"{name}: expected a value, since the option has no default"
    if error["type"] == "extra_forbidden":
        known = [key for key in schema.model_fields if key not in ("kind", "version")]
        return f"{name}: unknown key{did_you_mean(name, known) or '; known: ' + (', '.join(known) or 'none')}"
    return ""


def short_name(options: Options) -> str:
    """The name of a component without its file or module, for messages and pages.

    >>> short_name(Options(kind="/home/me/own.py:spherical"))
    'spherical'
    """
    return options.kind.rpartition(":")[2]


def build_component(options: Options, *args: Any, **given: Any) -> Any:
    """Call the factory of a component with its options, and with what it takes of `given`.

    Raises:
        ComponentError: the factory of an outside component raises an error that is no ValueError.
        ValueError: the options do not go together, or not with what is given.

    >>> build_component(options_of("schedule", "linear")(warmup=10))(5)
    0.5
    """
    component = type(options).component
    taken = {name: value for name, value in given.items() if name in _parameters(component)}
    return _call(component, partial(component.factory, *args, **taken, **option_values(options)))


def validate_components(sections: Mapping[str, Options], context: Any) -> None:
    """Call the checks that the components of sections were registered with.

    Args:
        sections: by their names, for messages.
        context: the `BuildContext`.

    Raises:
        ComponentError: the check of an outside component raises an error that is no ValueError.
        ValueError: the options of a component do not go together, or not with the context.

    >>> from vaekit.models.build_context import BuildContext
    >>> validate_components({"prior": options_of("prior", "vamp")()}, BuildContext(2))
    """
    for name, options in sections.items():
        component = type(options).component
        if component.validate is None:
            continue
        try:
            _call(component, partial(component.validate, options, context))
        except ValueError as error:
            raise ValueError(f"{name}: {first_line(error)}") from None


class SectionOf:
    """Marks a section of a recipe as one that names a component: `Annotated[Options, SectionOf("network")]`.

    Args:
        kind: a kind of the registry.
        base: has the keys that all components of the kind share.
        expand: turns short forms, such as a name alone, into a section.

    >>> from pydantic import TypeAdapter
    >>> prior = TypeAdapter(Annotated[Options, SectionOf("prior")])
    >>> prior.validate_python({"kind": "mixture", "components": 3}).components
    3
    """

    def __init__(
        self, kind: str, base: type[Options] = Options, expand: Callable[[Any], Any] = name_to_section
    ):
        self.kind, self.base, self.expand = kind, base, expand

    def parse(self, value: Any) -> Any:
        """The section of a plain value.

        Raises:
            ValueError: it names no component, or its options are wrong.

        >>> SectionOf("prior").parse("vamp").components
        500
        """
        if isinstance(value, Options):
            return value
        value = self.expand(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
            raise ValueError(f"expected a name, or {{kind: NAME}} with options, got {value!r}")
        return options_of(self.kind, value["kind"], self.base).model_validate(dict(value))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.no_info_before_validator_function(self.parse, handler(source))
        schema["serialization"] = core_schema.simple_ser_schema("any")  # with the keys of the component
        return schema


def options_of(kind: str, reference: str, base: type[Options] = Options) -> type[Options]:
    """The section of a component.

    Raises:
        ComponentError: there is no such component, or its signature cannot be read.

    >>> options_of("prior", "vamp")(components=20).components
    20
    """
    return _options_type(find(kind, reference).factory, kind, reference, base)


def default_of(kind: str, name: str, base: type[Options] = Options) -> Any:
    """The section of a component with its defaults.

    >>> default_of("posterior", "gaussian").parametrization
    'log_var'
    """
    return options_of(kind, name, base).model_validate({})


@cache
def _options_type(
    factory: Callable[..., Any], kind: str, reference: str, base: type[Options]
) -> type[Options]:
    component = find(kind, reference)
    parameters = _options(component, base)
    hints = _hints(component, parameters)
    descriptions = describe_parameters(factory)
    fields: dict[str, Any] = {"kind": (Literal[reference], reference)}
    for name, parameter in parameters.items():
        default = ... if parameter.default is parameter.empty else parameter.default
        if isinstance(default, tuple) and get_origin(_bare(hints[name])) is not tuple:
            default = list(default)
        fields[name] = (
            Annotated[hints[name], Field(description=descriptions.get(name))],
            default,
        )
    if component.version:
        fields["version"] = (Annotated[str, _same_version(component)], component.version)
    try:
        made = create_model(
            "".join(part.title() for part in re.findall(r"[^\W_]+", reference)),
            __base__=base,
            __doc__=inspect.getdoc(factory),
            **fields,
        )
    except (PydanticUserError, TypeError, AttributeError) as error:
        raise ComponentError(
            f"{component.kind} {component.name!r}: the types of its options are not those of plain values "
            f"({first_line(error)}); annotate them with int, float, bool, str, Literal or lists of these"
        ) from None
    made.component = component
    return made


def is_callback_class(component: Component) -> bool:
    """Whether a component is a class whose objects are callbacks: the options are those of `__init__`.

    >>> is_callback_class(find("prior", "vamp"))
    False
    """
    return component.kind == "callback" and inspect.isclass(component.factory)


def describe_parameters(factory: Callable[..., Any]) -> dict[str, str]:
    """The meaning of each parameter, from the section `Args:` of a docstring.

    >>> def blur(width, *, height):
    ...     '''Blur.
    ...
    ...     Args:
    ...         width, height: of the kernel,
    ...             in pixels.
    ...     '''
    >>> describe_parameters(blur)["height"]
    'of the kernel, in pixels'
    """
    text = inspect.getdoc(factory) or ""
    _, _, after = text.partition("\nArgs:\n")
    block = re.split(r"\n\n|\n(?=\S)", after, maxsplit=1)[0]
    found: dict[str, str] = {}
    for entry in re.findall(r"^ {4}(\w[\w, ]*):[ \n]+((?:.*\n?)(?:^ {5,}.*\n?)*)", block, re.MULTILINE):
        meaning = " ".join(entry[1].split()).rstrip(".")
        found |= dict.fromkeys((name.strip() for name in entry[0].split(",")), meaning)
    return found


def _call(component: Component, function: Callable[[], Any]) -> Any:
    """Call a function of a component; an unexpected error of outside code becomes one line."""
    try:
        return function()
    except (ValueError, VaekitError):
        raise
    except Exception as error:
        if not component.module:
            raise
        raise ComponentError(
            f"{component.kind} {component.name}: {type(error).__name__}: {first_line(error)}"
        ) from error


# -------------------------------------------------------------------------------------------------- signature


def _has_constructor_of_torch(factory: Callable[..., Any]) -> bool:
    """Whether a class only inherits `__init__(*args, **kwargs)` of `nn.Module`: it has no parameters."""
    owners = (base for base in getattr(factory, "__mro__", ()) if "__init__" in vars(base))
    owner = next(owners, None)
    return owner is not None and owner.__module__.partition(".")[0] == "torch"


def _parameters(component: Component) -> Mapping[str, inspect.Parameter]:
    parameters: Mapping[str, inspect.Parameter] = {}
    try:
        if not _has_constructor_of_torch(component.factory):
            parameters = inspect.signature(component.factory).parameters
    except (TypeError, ValueError) as error:
        raise ComponentError(
            f"{component.kind} {component.name!r}: its signature cannot be read ({first_line(error)}); "
            "register a function with named parameters"
        ) from None
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ComponentError(
                f"{component.kind} {component.name!r}: its signature has {parameter}, so its options are "
                "unknown; name every parameter"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ComponentError(
                f"{component.kind} {component.name!r}: its parameter {parameter.name} has no keyword; remove "
                "the / from its signature"
            )
    lacking = [name for name in REQUIRED.get(component.kind, ()) if name not in parameters]
    if lacking and not is_callback_class(component):
        expected = ", ".join(REQUIRED[component.kind])
        raise ComponentError(
            f"{component.kind} {component.name!r}: expected parameters {expected}, "
            f"got {', '.join(parameters) or 'none'}"
        )
    return parameters


def _options(component: Component, base: type[Options] = Options) -> dict[str, inspect.Parameter]:
    """The parameters that are keys of a recipe."""
    found = {
        name: parameter
        for name, parameter in _parameters(component).items()
        if name not in GIVEN[component.kind]
    }
    for name in found:
        reserved = {"version", "component", *base.model_fields}
        if name in reserved or name.startswith("_") or hasattr(Options, name):
            raise ComponentError(
                f"{component.kind} {component.name!r}: the name {name!r} of an option is reserved; "
                "choose another"
            )
    return found


def _hints(component: Component, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """The types of options; without annotation, that of the default."""
    written = {
        name: parameter.annotation
        for name, parameter in parameters.items()
        if parameter.annotation is not parameter.empty
    }
    factory = inspect.unwrap(component.factory)
    module = sys.modules.get(factory.__module__)
    called = factory.__init__ if inspect.isclass(factory) else factory
    namespace = getattr(called, "__globals__", None) or getattr(module, "__dict__", {})
    try:
        hints = get_type_hints(SimpleNamespace(__annotations__=written), namespace, include_extras=True)
        hints = {name: Annotated[hint, Field()] for name, hint in hints.items()}  # fails for `radius: 1.0`
    except Exception as error:
        raise ComponentError(
            f"{component.kind} {component.name!r}: the types of its options cannot be read "
            f"({first_line(error)}); annotate them with names that its module has"
        ) from None
    for name, parameter in parameters.items():
        if name not in hints:
            known = parameter.default is not parameter.empty and parameter.default is not None
            hints[name] = type(parameter.default) if known else Any
    return hints


def _bare(hint: Any) -> Any:
    return hint.__origin__ if hasattr(hint, "__metadata__") else hint


def _same_version(component: Component) -> BeforeValidator:
    def check(value: Any) -> str:
        if str(value) != component.version:
            raise ValueError(
                f"the recipe was made with version {value} of {component.name}, but version "
                f"{component.version} is installed; install that version, or remove the key"
            )
        return str(value)

    return BeforeValidator(check)
