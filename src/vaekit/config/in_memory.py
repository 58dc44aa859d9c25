"""A recipe for data that a Python program gives: values that it holds, or a name or a path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaekit.config.loading import load_recipe, override_recipe, parse_recipe
from vaekit.config.outside_code import with_absolute_files
from vaekit.config.propose import Proposal, propose
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.in_memory import NAME, dataset_of, is_reference
from vaekit.data.tables.frames import is_frame
from vaekit.errors import InvalidError

RecipeLike = str | Path | Recipe | Mapping[str, Any]
"""A recipe, its name or file, or its keys and values."""


def as_recipe(recipe: RecipeLike) -> Recipe:
    """A recipe of any form.

    Raises:
        NotFoundError, RecipeError: there is no such recipe, or it does not fit the schema.

    >>> as_recipe("digits").name, as_recipe({"training": {"epochs": 3}}).training.epochs
    ('digits', 3)
    """
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Mapping):
        return parse_recipe(with_absolute_files(dict(recipe), Path()), "recipe", trust=True)
    return load_recipe(recipe)


def recipe_for(
    X: Any, y: Any, recipe: RecipeLike | None, changes: list[str], **shares: float
) -> tuple[Dataset | None, Proposal]:
    """The dataset of values that a program holds, and a recipe for it with the reasons for what is proposed.

    Args:
        X: values as for `vaekit.data.in_memory.dataset_of`, or a name or a path.
        y: labels of values, or None.
        recipe: a recipe in place of the proposal.
        changes: `key.path=value` overrides.
        shares: of `data` where `changes` do not say otherwise: `validation` and `test`.

    Returns:
        The dataset, or None for a name or a path; and the recipe.

    Raises:
        VaekitError: the data cannot be used, or do not fit the recipe.

    >>> import numpy as np
    >>> dataset, (recipe, reasons) = recipe_for(np.eye(20), None, "digits", ["training.epochs=3"], test=0)
    >>> dataset, recipe.training.epochs, recipe.data.test
    (Dataset('X', 20 vectors of (20,), uint8), 3, 0)
    """
    named = is_reference(X)
    if y is not None and named:
        raise InvalidError("y: labels apply to data that a program holds; a dataset with a name has its own")
    known = None if recipe is None else as_recipe(recipe)
    dataset = None if named else _read(X, y, known, changes)
    reference = str(X) if named else NAME
    defaults = [
        f"data.{name}={share}"
        for name, share in shares.items()
        if not any(change.startswith(f"data.{name}=") for change in changes)
    ]
    if known is None:
        proposed, reasons = propose(reference, [*defaults, *changes], dataset)
        return dataset, Proposal(override_recipe(proposed, [*defaults, *changes]), reasons)
    data = known.data.model_copy(update={"dataset": reference, "options": {}})
    whole = override_recipe(known.model_copy(update={"data": data}), [*defaults, *changes])
    return dataset, Proposal(whole)


def _read(X: Any, y: Any, recipe: Recipe | None, changes: list[str]) -> Dataset:
    """Values as a dataset, read by the keys of `data`, such as the kinds of columns."""
    plain = parse_recipe({"data": {"dataset": NAME}}, "the recipe")
    own = [change for change in changes if change.startswith("data.")]
    of_table = (recipe if is_frame(X) else None) or plain  # only the caller's keys are wrong for another X
    table = override_recipe(of_table, own).data.table_options
    return dataset_of(X, y, override_recipe(recipe or plain, own).data.points, **table)
