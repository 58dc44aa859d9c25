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

What a user types may import what it names. What is loaded (a model, a run, an archive) imports only what is
trusted; see `vaekit.trust`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from vaekit.errors import did_you_mean, first_line
from vaekit.trust import (
    FILE_MODULE,
    ComponentError,
    Trust,
    UntrustedError,
    allow,
    import_file,
    import_module,
    trusting,
)  # fmt: skip

__all__ = [  # noqa: RUF022  (in the order in which one meets them)
    "KINDS", "BUILT_IN", "register", "registered", "names", "find", "Component", "Factory", "Validate",
    "ComponentError", "Trust", "UntrustedError", "allow", "trusting",
]  # fmt: skip

KINDS: dict[str, str] = {  # kind -> its plural; entry points are in the group `vaekit.<plural>`
    "prior": "priors",
    "likelihood": "likelihoods",
    "posterior": "posteriors",
    "network": "networks",
    "objective": "objectives",
    "schedule": "schedules",
    "mask": "masks",
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
        "factor_mixture": "vaekit.models.factor_mixture:factor_mixture",
    },
    "likelihood": {
        "bernoulli": "vaekit.models.likelihoods:bernoulli",
        "continuous_bernoulli": "vaekit.models.likelihoods:continuous_bernoulli",
        "discretized_logistic": "vaekit.models.likelihoods:discretized_logistic",
        "discretized_gaussian": "vaekit.models.likelihoods:discretized_gaussian",
        "categorical": "vaekit.models.likelihoods:categorical",
        "gaussian": "vaekit.models.likelihoods:gaussian",
        "columns": "vaekit.models.columns:columns",
        "poisson": "vaekit.models.count_likelihoods:poisson",
        "negative_binomial": "vaekit.models.count_likelihoods:negative_binomial",
        "zero_inflated_negative_binomial": (
            "vaekit.models.count_likelihoods:zero_inflated_negative_binomial"
        ),
    },
    "posterior": {
        "gaussian": "vaekit.models.posteriors:gaussian",
        "full_covariance": "vaekit.models.posteriors:FullCovariance",
        "flow": "vaekit.models.flows:FlowPosterior",
        "delta": "vaekit.models.posteriors:delta",
        "message": "vaekit.models.factor_mixture:message",
    },
    "network": {
        "dense": "vaekit.nn.dense:Dense",
        "convolutional": "vaekit.nn.convolutional:convolutional",
        "residual": "vaekit.nn.convolutional:residual",
        "tabular": "vaekit.nn.tabular:Tabular",
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
    "mask": {
        "pixels": "vaekit.data.masks:pixels",
        "square": "vaekit.data.masks:square",
        "half": "vaekit.data.masks:half",
    },
    "dataset": {},
    "metric": {},
    "callback": {
        "csv": "vaekit.training.loggers:CSVLogger",
        "tensorboard": "vaekit.training.loggers:TensorBoardLogger",
        "wandb": "vaekit.training.loggers:WandbLogger",
        "mlflow": "vaekit.training.loggers:MLflowLogger",
    },
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

_MARK = "__vaekit_component__"
_IN_PROCESS: dict[str, dict[str, Component]] = {kind: {} for kind in KINDS}


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
        kind: `prior`, `likelihood`, `posterior`, `network`, `objective`, `schedule`, `mask`, `dataset`,
            `metric`, `callback`, `figure` or `study_block`.
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
    _require_kind(kind)

    def mark(factory: Factory) -> Factory:
        if not (inspect.isfunction(factory) or inspect.isclass(factory)):
            raise ComponentError(
                f"register: expected a function or a class written in Python, got {factory!r}"
            )
        own = name or factory.__name__
        if not own.isidentifier():
            raise ComponentError(f"register: expected a name of letters, digits and _, got {own!r}")
        module = str(factory.__module__)
        inside = module.partition(".")[0] == __package__
        component = Component(kind, own, factory, validate, str(version), traits, "" if inside else module)
        is_named = not inside and not module.startswith(FILE_MODULE)
        if is_named:
            _refuse_taken(component)
        try:
            setattr(factory, _MARK, {**vars(factory).get(_MARK, {}), kind: component})
        except (AttributeError, TypeError):
            raise ComponentError(
                f"register: expected a function or a class written in Python, got {factory!r}"
            ) from None
        if is_named:
            _IN_PROCESS[kind][own] = component
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
        ComponentError: it does not exist, cannot be imported, or is of another kind.
        UntrustedError: it is not trusted; nothing of it was imported.

    >>> find("network", "dense").factory.__name__
    'Dense'
    >>> find("prior", "vmap")
    Traceback (most recent call last):
    ...
    vaekit.trust.ComponentError: expected one of standard_normal, mixture, vamp, exemplars, flow, \
factor_mixture, or MODULE:NAME, or FILE.py:NAME; got 'vmap'; did you mean 'vamp'?
    """
    _require_kind(kind)
    path = BUILT_IN[kind].get(reference, reference)
    if path in BUILT_IN[kind].values():
        module, _, attribute = path.partition(":")
        return _marked(kind, reference, getattr(importlib.import_module(module), attribute))
    if reference in _IN_PROCESS[kind]:
        return _IN_PROCESS[kind][reference]
    if reference in _entry_points(kind):
        return _from_entry_point(kind, reference)
    place, _, attribute = reference.rpartition(":")
    if place.endswith(".py") and attribute.isidentifier():
        return _from_file(kind, reference, place, attribute)
    if attribute.isidentifier() and all(part.isidentifier() for part in place.split(".")):
        return _from_module(kind, reference, place, attribute)
    known = names(kind)
    choices = [*([f"one of {', '.join(known)}"] if known else []), "MODULE:NAME", "FILE.py:NAME"]
    raise ComponentError(
        f"expected {', or '.join(choices)}; got {reference!r}{did_you_mean(reference, known)}"
    )


# -------------------------------------------------------------------------------------------------- resolving


def _require_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ComponentError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")


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
    return Component(kind, reference, found, mark.validate, mark.version, mark.traits, module, file)


def _attribute(reference: str, module: ModuleType, attribute: str) -> Any:
    """An object of a module; a module may compute it, which is code from outside too."""
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = [name for name, value in vars(module).items() if _MARK in getattr(value, "__dict__", ())]
        near = did_you_mean(attribute, public)
        raise ComponentError(f"{reference!r}: not found in it{near}") from None
    except Exception as error:
        raise ComponentError(f"{reference!r}: {type(error).__name__}: {first_line(error)}") from error


def _from_module(kind: str, reference: str, module: str, attribute: str) -> Component:
    found = _attribute(reference, import_module(reference, module), attribute)
    return _marked(kind, reference, found, module)


def _from_file(kind: str, reference: str, place: str, attribute: str) -> Component:
    module, path = import_file(reference, place)
    return _marked(kind, reference, _attribute(reference, module, attribute), path.name, path)


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
        places = " and ".join(sorted(point.value for point in points))
        raise ComponentError(
            f"{reference!r} is a {kind} of several installed packages: {places}; write one of these instead"
        )
    module, _, attribute = points[0].value.partition("[")[0].replace(" ", "").partition(":")
    if not attribute:
        raise ComponentError(
            f"{reference!r} is the entry point {points[0].value!r} of an installed package, expected "
            "MODULE:NAME; correct that package"
        )
    return _from_module(kind, reference, module, attribute)
