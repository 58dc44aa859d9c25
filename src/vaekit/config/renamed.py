"""The recipe keys of format 1, which came before version 0.1.0, and their names today.

One table serves the hint of an error about an old name, and `vaekit migrate`, which rewrites saved files.
There are no aliases: an old name in a recipe is an error that says the new one. `training.tensorboard` is the
exception, since saved models of format 2 have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from vaekit.config.schema.data import observation_keys

Tree = dict[str, Any]

KEYS = {  # old path -> the new last key; `*` stands for any one key
    "data.name": "dataset",
    "data.observation": "binarization",
    "data.colour": "color",
    "model.latent": "latent_dim",
    "model.*.network.width": "hidden_sizes",
    "model.encoder.posterior.form": "type",
    "model.encoder.posterior.width": "hidden_sizes",
    "model.prior.form": "type",
    "model.prior.width": "hidden_sizes",
    "model.prior.spread": "init_std",
    "model.prior.start": "init",
    "model.condition.by": "variable",
    "model.condition.into": "parts",
    "objective.beta.over": "warmup",
    "objective.beta.start": "init",
    "objective.beta.value": "final",
    "training.schedule.final": "min_lr_ratio",
    "training.pictures": "sample_every",
    "training.on_divergence": "on_nan",
}
VALUES = {  # old path -> old value -> new value
    "data.crop": {"centre": "center"},
    "data.colour": {"grey": "gray"},
    "model.decoder.likelihood": {"discretised_logistic": "discretized_logistic"},
    "model.decoder.likelihood.kind": {"discretised_logistic": "discretized_logistic"},
    "model.prior.weights": {"class": "class_conditional"},
    "model.encoder.posterior": {"dirac": "delta"},
    "model.encoder.posterior.kind": {"dirac": "delta"},
    "objective.kind": {"importance_weighted": "iwae"},
}
PARAMETRIZATIONS = {  # a kind of posterior -> its parametrization of a Gaussian
    "log_variance": "log_var",
    "log_sigma": "log_std",
    "sigma": "softplus",
    "signed_sigma": "unconstrained",
}
OBSERVATIONS = {"grey": "discrete", "unit": "continuous"}  # the others keep their names


def upgrade_recipe(tree: Mapping[str, Any]) -> Tree:
    """A recipe of format 1, or a part of one from its root on, in the keys of format 2.

    >>> upgrade_recipe({"model": {"latent": 2}, "data": {"observation": "unit"}})
    {'model': {'latent_dim': 2}, 'data': {'binarization': 'none', 'values': 'continuous'}}
    """
    return _upgraded(tree, ())


def upgrade_training(tree: Any) -> Any:
    """The section `training` of format 2 as it is now: `tensorboard` became a logger.

    Recipes that earlier versions saved have the key, so it is read, but never written.

    >>> upgrade_training({"epochs": 3, "tensorboard": False}), upgrade_training({"tensorboard": True})
    ({'epochs': 3}, {'logger': ['tensorboard']})
    """
    if not isinstance(tree, Mapping) or not isinstance(tree.get("tensorboard"), bool):
        return tree
    rest = {key: value for key, value in tree.items() if key != "tensorboard"}
    return rest if not tree["tensorboard"] else {**rest, "logger": ["tensorboard"]}


def new_key(path: str) -> str:
    """The name that the last key of a path of format 1 has now; empty for one that was no such key.

    >>> new_key("model.encoder.network.width")
    'hidden_sizes'
    """
    return next((new for pattern, new in KEYS.items() if _fits(path, pattern)), "")


def new_value(path: str, value: Any) -> str:
    """What stands for a value of format 1 now, as one writes it in a recipe; empty for any other value.

    >>> new_value("model.encoder.posterior", "log_sigma")
    '{kind: gaussian, parametrization: log_std}'
    """
    if not isinstance(value, str):
        return ""
    if path.endswith("encoder.posterior") and value in PARAMETRIZATIONS:
        return f"{{kind: gaussian, parametrization: {PARAMETRIZATIONS[value]}}}"
    return next((new[value] for at, new in VALUES.items() if at == path and value in new), "")


def _upgraded(value: Any, path: tuple[str, ...]) -> Any:
    here = ".".join(path)
    if here == "model.encoder.posterior":
        value = _upgraded_posterior(value)
    if not isinstance(value, Mapping):
        return VALUES.get(here, {}).get(value, value) if isinstance(value, str) else value
    tree: Tree = {}
    for key, inner in value.items():
        place = f"{here}.{key}" if here else str(key)
        if place == "data.observation":
            tree |= observation_keys(OBSERVATIONS.get(str(inner), str(inner)))
        elif place == "objective.beta.value" and value.get("kind", "constant") == "constant":
            tree[key] = inner
        else:
            tree[new_key(place) or key] = _upgraded(inner, (*path, str(key)))
    return tree


def _upgraded_posterior(posterior: Any) -> Any:
    kind = posterior.get("kind") if isinstance(posterior, Mapping) else posterior
    if kind not in PARAMETRIZATIONS:
        return posterior
    options = dict(posterior) if isinstance(posterior, Mapping) else {}
    return options | {"kind": "gaussian", "parametrization": PARAMETRIZATIONS[kind]}


def _fits(path: str, pattern: str) -> bool:
    keys, wanted = path.split("."), pattern.split(".")
    return len(keys) == len(wanted) and all(map(fnmatchcase, keys, wanted))
