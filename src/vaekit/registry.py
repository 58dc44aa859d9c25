"""Components by name: priors, likelihoods, networks, objectives and so on, of vaekit and of everybody else.

    @vaekit.register("prior")
    def spherical(context: BuildContext, radius: float = 1.0) -> nn.Module: ...

A recipe names a component in one of three ways:

    vamp                     a built-in name, an entry point of an installed package, or a name registered
                             in this process
    package.module:name      an object of an importable module
    path/to/file.py:name     an object of a file

Built-in components are a table of names and dotted strings, so nothing is imported before its first use.
Only an object that `register` has marked is a component. Parameters of its signature are its options:
`vaekit.config.components` turns them into keys of a recipe.

What a user types may import what it names. What is loaded (a model, a run, an archive) may not: within
`trusting(...)`, an outside component is refused before anything is imported.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from vaekit.errors import InvalidError, did_you_mean, first_line

KINDS: dict[str, str] = {  # kind -> its plural; entry points are in the group `vaekit.<plural>`
    "prior": "priors",
    "likelihood": "likelihoods",
    "posterior": "posteriors",
    "network": "networks",
    "objective": "objectives",
    "schedule": "schedules",
    "dataset": "datasets",
    "metric": "metrics",
    "callback": "callbacks",
    "figure": "figures",
    "study_block": "study_blocks",
}

BUILT_IN: dict[str, dict[str, str]] = {
    "prior": {
        "standard_normal": "vaekit.models.priors:standard_normal",
        "mixture": "vaekit.models.priors:mixture",
        "vamp": "vaekit.models.priors:vamp",
        "exemplars": "vaekit.models.priors:exemplars",
        "flow": "vaekit.models.priors:flow",
    },
    "likelihood": {
        "bernoulli": "vaekit.models.likelihoods:bernoulli",
        "continuous_bernoulli": "vaekit.models.likelihoods:continuous_bernoulli",
        "discretized_logistic": "vaekit.models.likelihoods:discretized_logistic",
        "categorical": "vaekit.models.likelihoods:categorical",
        "gaussian": "vaekit.models.likelihoods:gaussian",
    },
    "posterior": {
        "gaussian": "vaekit.models.posteriors:gaussian",
        "full_covariance": "vaekit.models.posteriors:FullCovariance",
        "flow": "vaekit.models.flows:FlowPosterior",
        "delta": "vaekit.models.posteriors:delta",
    },
    "network": {
        "dense": "vaekit.nn.networks:Dense",
        "convolutional": "vaekit.nn.networks:convolutional",
        "residual": "vaekit.nn.networks:residual",
    },
    "objective": {
        "elbo": "vaekit.models.objectives:elbo",
        "iwae": "vaekit.models.objectives:iwae",
    },
    "schedule": {
        "constant": "vaekit.models.objectives:constant",
        "linear": "vaekit.models.objectives:linear",
        "cyclical": "vaekit.models.objectives:cyclical",
    },
    "dataset": {},
    "metric": {},
    "callback": {},
    "figure": {},
    "study_block": {
        "heading": "vaekit.studies.blocks.text:heading",
        "text": "vaekit.studies.blocks.text:text",
        "table": "vaekit.studies.blocks.tables:table",
        "pivot_table": "vaekit.studies.blocks.pivot:pivot_table",
        "pivot_differences": "vaekit.studies.blocks.pivot:pivot_differences",
        "paired_differences": "vaekit.studies.blocks.paired:paired_differences",
        "estimator_gaps": "vaekit.studies.blocks.estimator_gaps:estimator_gaps",
        "best": "vaekit.studies.blocks.text:best",
        "curves": "vaekit.studies.blocks.curves:curves",
        "metric_vs_param": "vaekit.studies.blocks.curves:metric_vs_param",
        "metric_by_epoch": "vaekit.studies.blocks.epochs:metric_by_epoch",
        "samples_by_epoch": "vaekit.studies.blocks.epochs:samples_by_epoch",
        "samples": "vaekit.studies.blocks.images:samples",
        "sample_grid": "vaekit.studies.blocks.images:sample_grid",
        "reconstructions": "vaekit.studies.blocks.images:reconstructions",
        "latent_scatter": "vaekit.studies.blocks.latent:latent_scatter",
        "pseudo_inputs": "vaekit.studies.blocks.mixtures:pseudo_inputs",
        "clusters": "vaekit.studies.blocks.mixtures:clusters",
        "latent_probes": "vaekit.studies.blocks.latent:latent_probes",
        "rate_distortion": "vaekit.studies.blocks.tradeoff:rate_distortion",
        "interpolations": "vaekit.studies.blocks.interpolation:interpolations",
        "midpoint_quality": "vaekit.studies.blocks.interpolation:midpoint_quality",
        "class_styles": "vaekit.studies.blocks.conditional:class_styles",
        "style_transfers": "vaekit.studies.blocks.conditional:style_transfers",
        "conditional_interpolation": "vaekit.studies.blocks.conditional:conditional_interpolation",
        "conditional_accuracy": "vaekit.studies.blocks.conditional:conditional_accuracy",
        "label_likelihood": "vaekit.studies.blocks.conditional:label_likelihood",
        "imputation": "vaekit.studies.blocks.imputation:imputation",
        "latent_histograms": "vaekit.studies.blocks.latent:latent_histograms",
        "latent_normality": "vaekit.studies.blocks.latent:latent_normality",
        "kl_by_latent": "vaekit.studies.blocks.latent:kl_by_latent",
        "manifold": "vaekit.studies.blocks.two_latents:manifold",
        "exact_log_likelihood": "vaekit.studies.blocks.two_latents:exact_log_likelihood",
        "kl_check": "vaekit.studies.blocks.elbo_checks:kl_check",
        "elbo_identity": "vaekit.studies.blocks.elbo_checks:elbo_identity",
    },
}

Factory = TypeVar("Factory", bound=Callable[..., Any])
Validate = Callable[[Any, Any], None]
Trust = bool | Collection[str]

_MARK = "__vaekit_component__"
_FILE_MODULE = "vaekit_component_"  # beginning of the module name of a file; its objects have no plain name
_IN_PROCESS: dict[str, dict[str, Component]] = {kind: {} for kind in KINDS}
_allowed: set[str] = set()  # names that `allow` was given, and the modules and digests that were imported
_trust: ContextVar[Trust] = ContextVar("trust", default=True)


class ComponentError(InvalidError):
    """A component that does not exist, fails to import, is of another kind, or is not trusted; exit code 3.

    >>> ComponentError.exit_code
    3
    """


class UntrustedError(ComponentError):
    """A component that something loaded names, from a module that is not trusted; exit code 3.

    >>> issubclass(UntrustedError, ComponentError)
    True
    """


@dataclass(frozen=True, repr=False)
class Component:
    """A registered function or class, with what a recipe needs to know of it.

    Attributes:
        kind: a key of `KINDS`.
        name: its name in a recipe.
        factory: the function or class; its parameters are the options.
        validate: called as `validate(options, context)` before the component is built; it raises ValueError
            if they do not go together. Fields of the context that are not known yet are None.
        version: of the component; stored with a recipe that names it.
        traits: further facts, such as `need` of an objective.
        module: the outside module or file that it comes from; empty for a built-in component.
        file: the file, for `file.py:name`.

    >>> find("prior", "vamp")
    Component(prior vamp)
    """

    kind: str
    name: str
    factory: Callable[..., Any]
    validate: Validate | None = None
    version: str = ""
    traits: dict[str, Any] = field(default_factory=dict)
    module: str = ""
    file: Path | None = None

    def __repr__(self) -> str:
        origin = f" of {self.module}" if self.module else ""
        return f"Component({self.kind} {self.name}{origin})"


def register(
    kind: str, name: str = "", *, validate: Validate | None = None, version: str = "", **traits: Any
) -> Callable[[Factory], Factory]:
    """Register a function or a class as a component, by its own name or another.

    Args:
        kind: `prior`, `likelihood`, `posterior`, `network`, `objective`, `schedule`, `dataset`, `metric`,
            `callback`, `figure` or `study_block`.
        name: its name in recipes; the name of the function if empty.
        validate: a function of the options and the `BuildContext` that raises ValueError if they do not go
            together.
        version: stored in a recipe that names the component; a recipe of another version is refused.
        traits: what a kind asks for, such as `need={"latents"}` of an objective.

    Returns:
        A decorator that returns the function or the class unchanged.

    Raises:
        ComponentError: no such kind, not a function or class, or the name is taken.

    >>> @register("objective", "weighted")
    ... def weighted(terms, beta=1.0, weight: float = 2.0):
    ...     return -weight * terms.elbo.mean()
    >>> registered(weighted, "objective")
    Component(objective weighted)
    """
    if kind not in KINDS:
        raise ComponentError(f"register: expected one of {', '.join(KINDS)}, got {kind!r}")

    def mark(factory: Factory) -> Factory:
        if not callable(factory):
            raise ComponentError(f"register: expected a function or a class, got {factory!r}")
        own = name or getattr(factory, "__name__", "")
        if not own.isidentifier():
            raise ComponentError(f"register: expected a name of letters, digits and _, got {own!r}")
        module = factory.__module__
        inside = module.partition(".")[0] == __package__
        component = Component(kind, own, factory, validate, version, traits, "" if inside else module)
        if not inside and not module.startswith(_FILE_MODULE):
            _refuse_taken(component)
            _IN_PROCESS[kind][own] = component
        setattr(factory, _MARK, {**vars(factory).get(_MARK, {}), kind: component})
        return factory

    return mark


def registered(factory: Any, kind: str) -> Component | None:
    """What `register` knows of a function or class; None if it is no component of the kind.

    >>> from vaekit.models.priors import vamp
    >>> registered(vamp, "prior")
    Component(prior vamp)
    """
    marks = getattr(factory, "__dict__", {}).get(_MARK, {})
    return marks.get(kind)


def names(kind: str) -> list[str]:
    """The plain names of a kind: built-in ones, those of installed packages, those of this process.

    >>> names("objective")[:2]
    ['elbo', 'iwae']
    """
    return list(dict.fromkeys([*BUILT_IN[kind], *_entry_points(kind), *_IN_PROCESS[kind]]))


def find(kind: str, reference: str) -> Component:
    """The component of a kind that a recipe names.

    Args:
        kind: a key of `KINDS`.
        reference: a plain name, `package.module:name` or `file.py:name`.

    Raises:
        ComponentError: it does not exist, is not trusted, cannot be imported, or is of another kind.

    >>> find("network", "dense").factory.__name__
    'Dense'
    >>> find("prior", "vmap")
    Traceback (most recent call last):
    ...
    vaekit.registry.ComponentError: expected one of standard_normal, mixture, vamp, exemplars, flow, or \
MODULE:NAME, or FILE.py:NAME; got 'vmap'; did you mean 'vamp'?
    """
    if reference in BUILT_IN[kind]:
        module, _, attribute = BUILT_IN[kind][reference].partition(":")
        return _marked(kind, reference, getattr(importlib.import_module(module), attribute))
    if reference in _IN_PROCESS[kind]:
        return _IN_PROCESS[kind][reference]
    place, colon, attribute = reference.rpartition(":")
    if colon and place.endswith(".py"):
        return _from_file(kind, reference, place, attribute)
    if colon and place:
        return _from_module(kind, reference, place, attribute)
    if reference in _entry_points(kind):
        return _from_entry_point(kind, reference)
    known = names(kind)
    choices = [*([f"one of {', '.join(known)}"] if known else []), "MODULE:NAME", "FILE.py:NAME"]
    raise ComponentError(
        f"expected {', or '.join(choices)}; got {reference!r}{did_you_mean(reference, known)}"
    )


def allow(*modules: str) -> None:
    """Trust modules, packages or files by name in this process, as `--trust` does.

    >>> allow("mypackage")
    """
    _allowed.update(modules)


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """Allow outside components of some modules only, while something is loaded.

    Args:
        trust: True for every module, False for none, or the names of modules, packages or files.

    >>> with trusting(False):
    ...     find("prior", "yours.priors:spherical")
    Traceback (most recent call last):
    ...
    vaekit.registry.UntrustedError: 'yours.priors:spherical' is code from outside vaekit, which is not \
imported without your consent; if you trust it, add --trust yours.priors (in Python: \
trust=['yours.priors'])
    """
    token = _trust.set(trust)
    try:
        yield
    finally:
        _trust.reset(token)


# -------------------------------------------------------------------------------------------------- resolving


def _refuse_taken(component: Component) -> None:
    """Refuse a name that another object has; the same function may be defined again, as in a notebook."""
    kind, name, factory = component.kind, component.name, component.factory
    other = _IN_PROCESS[kind].get(name)
    again = other is not None and (other.module, other.factory.__qualname__) == (
        component.module, factory.__qualname__,
    )  # fmt: skip
    if name in BUILT_IN[kind] or (other is not None and not again):
        owner = "vaekit" if other is None else other.module
        raise ComponentError(
            f"register: the {kind} {name!r} of {component.module} has a name that {owner} uses; "
            "choose another"
        )


def _marked(kind: str, reference: str, found: Any, module: str = "", file: Path | None = None) -> Component:
    """The component of a kind that `register` made of an object, under the name that a recipe uses."""
    mark = registered(found, kind)
    if mark is None:
        marks = getattr(found, "__dict__", {}).get(_MARK, {})
        of_kind = f"a registered {' and '.join(marks)}" if marks else "not a registered component"
        raise ComponentError(
            f"{reference!r} is {of_kind}, expected a {kind}; add @vaekit.register({kind!r}) above it"
        )
    return Component(kind, reference, mark.factory, mark.validate, mark.version, mark.traits, module, file)


def _attribute(reference: str, module: ModuleType, attribute: str) -> Any:
    if not hasattr(module, attribute):
        public = [name for name, value in vars(module).items() if hasattr(value, _MARK)]
        raise ComponentError(f"{reference!r}: not found in it{did_you_mean(attribute, public)}")
    return getattr(module, attribute)


def _from_module(kind: str, reference: str, module: str, attribute: str) -> Component:
    _require_trust(reference, module, {module, module.partition(".")[0]}, module)
    imported = _import(reference, lambda: importlib.import_module(module))
    return _marked(kind, reference, _attribute(reference, imported, attribute), module)


def _from_file(kind: str, reference: str, place: str, attribute: str) -> Component:
    path = Path(place).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ComponentError(f"{reference!r}: {path}: {error.strerror or error}") from None
    digest = hashlib.sha256(content).hexdigest()
    _require_trust(reference, digest, {path.name, str(path), str(path.resolve())}, path.name)
    imported = _import(reference, lambda: _load_file(path.resolve(), digest))
    return _marked(kind, reference, _attribute(reference, imported, attribute), path.name, path.resolve())


def _require_trust(reference: str, key: str, names: set[str], name: str) -> None:
    """Refuse outside code that is not trusted; what was allowed once stays allowed in this process."""
    trust = _trust.get()
    allowed = trust if isinstance(trust, bool) else bool(names & set(trust))
    if not allowed and not _allowed & {key, *names}:
        raise UntrustedError(
            f"{reference!r} is code from outside vaekit, which is not imported without your consent; "
            f"if you trust it, add --trust {name} (in Python: trust=[{name!r}])"
        )
    _allowed.add(key)


def _import(reference: str, load: Callable[[], ModuleType]) -> ModuleType:
    """Import outside code; whatever it raises becomes one line."""
    try:
        return load()
    except ComponentError:
        raise
    except (Exception, SystemExit) as error:
        raise ComponentError(
            f"{reference!r}: its import fails: {type(error).__name__}: {first_line(error)}"
        ) from error


def _load_file(path: Path, digest: str) -> ModuleType:
    """A file as a module; the same content is imported once."""
    name = f"{_FILE_MODULE}{path.stem}_{digest[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@lru_cache
def _entry_points(kind: str) -> dict[str, list[metadata.EntryPoint]]:
    """The entry points of a kind, by name."""
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=f"vaekit.{KINDS[kind]}"):
        if all(point.value != other.value for other in found.get(point.name, ())):
            found.setdefault(point.name, []).append(point)
    return found


def _from_entry_point(kind: str, reference: str) -> Component:
    points = _entry_points(kind)[reference]
    if len(points) > 1:
        places = " and ".join(point.value for point in points)
        raise ComponentError(
            f"{reference!r} is a {kind} of several installed packages: {places}; write one of these instead"
        )
    return _from_module(kind, reference, *points[0].value.split(":", 1))
