"""Propose a recipe for a table: sizes by cross-validation, and few steps from a closed form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from vaekit.config.loading import parse_recipe
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.preprocessing import fit_preprocessing
from vaekit.data.splits import Splits
from vaekit.models.closed_form import choose_sizes
from vaekit.models.common_factors import Choice
from vaekit.utils.format import count_of

STEPS = 1500
BATCH = 128
MAX_EPOCHS = 300
FACTORS = "factor_mixture"


class Proposal(NamedTuple):
    """A recipe, and the reasons for its settings, one line each.

    >>> Proposal(Recipe(name="mine")).reasons
    ()
    """

    recipe: Recipe
    reasons: tuple[str, ...] = ()


def recipe_name(dataset: Dataset) -> str:
    """The name of a recipe for a dataset, with letters, digits, '.', '_' and '-' only.

    >>> import numpy as np
    >>> recipe_name(Dataset("my table", "My table", np.zeros((2, 3), np.float32), None, ()))
    'my-table'
    """
    return re.sub(r"[^\w.-]+", "-", dataset.name).strip("-") or "data"


def propose_table(
    data: str,
    dataset: Dataset,
    splits: Splits,
    settings: DataSettings,
    where: str,
    overrides: Iterable[str] = (),
    asked_epochs: int | None = None,
) -> Proposal:
    """Propose a recipe for a table.

    Args:
        data: name or path of the dataset.
        dataset: the table.
        splits: the rows for training, validation and testing.
        settings: the keys of `data`, which say how numbers are scaled.
        where: the start of error messages.
        overrides: `key=value` strings that will change the proposal; a number of latents, or a prior, that
            they give is not chosen here.
        asked_epochs: the length of training, where the caller chose it.
    """
    given = _given(overrides)
    preprocessing = fit_preprocessing(dataset, splits.train, settings.scaling)
    rows = preprocessing.to_model(dataset.in_units(splits.train))
    if given.latent_dim and (given.components or given.prior):
        choice = Choice(given.latent_dim, given.components or 1, {})
    else:
        choice = choose_sizes(preprocessing.columns, rows, factors=given.latent_dim)
    batch = min(BATCH, max(1, len(splits.train) // 4))
    epochs = asked_epochs or max(5, min(MAX_EPOCHS, round(STEPS * batch / len(splits.train))))
    network = {"kind": "tabular", "hidden_sizes": [64, 64]}
    tree: dict[str, Any] = {
        "name": recipe_name(dataset),
        "title": f"VAE on {dataset.title}",
        "data": {"dataset": data, "binarization": "none", "values": "continuous", "validation": 0.1},
        "model": {
            "latent_dim": choice.factors,
            "prior": {"kind": FACTORS, "components": choice.components},
            "encoder": {"network": network, "posterior": "gaussian" if given.prior else "message"},
            "decoder": {"network": network, "likelihood": "columns"},
        },
        "objective": {"samples": 4},
        "training": {
            "epochs": epochs,
            "batch_size": batch,
            "schedule": "cosine",
            "gradient_clip": 10,
            "keep_start": True,
            "patience": max(10, epochs // 5),
            "sample_every": 0,
        },
    }
    reasons = _reasons(choice.factors, choice.components, epochs)
    return Proposal(parse_recipe(tree, where, trust=True), reasons[1:] if choice.scores == {} else reasons)


class _Given(NamedTuple):
    """The sizes, and a prior other than a mixture of factors, that overrides give; None if not given."""

    latent_dim: int | None = None
    components: int | None = None
    prior: str | None = None


def _given(overrides: Iterable[str]) -> _Given:
    values = {key: _value(text) for key, _, text in (word.partition("=") for word in overrides)}
    options = {key: value for key, value in values.items() if key.startswith("model.prior")}
    prior = options.get("model.prior", options.get("model.prior.kind", FACTORS))
    kind = prior.get("kind", FACTORS) if isinstance(prior, dict) else prior
    components = prior.get("components") if isinstance(prior, dict) else options.get("model.prior.components")
    latents = values.get("model.latent_dim")
    return _Given(
        latents if isinstance(latents, int) and latents > 0 else None,
        components if isinstance(components, int) else None,
        None if kind == FACTORS else str(kind),
    )


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _reasons(factors: int, components: int, epochs: int) -> tuple[str, ...]:
    prior = "N(0, I)" if components == 1 else f"a mixture of {components} Gaussians"
    start = "factor analysis" if components == 1 else "a mixture of factor analyzers"
    return (
        f"{count_of(factors, 'latent')} and {prior} as prior: best log-density in cross-validation "
        f"of {start}, from which training starts",
        f"at most {count_of(epochs, 'epoch')}; the weights with the best validation bound are kept",
    )
