"""Callbacks and loggers: from what a recipe or a program names to objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from vaekit.config.components import Options, build_component, is_callback_class, option_values
from vaekit.config.schema.recipe import RecipeTraining
from vaekit.errors import RecipeError, VaekitError
from vaekit.training.callbacks import check_callbacks


def split_loggers(loggers: Any) -> tuple[list[str], list[Any]]:
    """Loggers as a program gives them: an override for those with a name, and those that are objects.

    Args:
        loggers: a name, {"kind": name} with options, an object, or a list of these.

    Example:
        >>> split_loggers(["csv", {"kind": "mlflow", "experiment": "mine"}])
        (['training.logger=["csv", {"kind": "mlflow", "experiment": "mine"}]'], [])
    """
    given = list(loggers) if isinstance(loggers, list | tuple) else [loggers]
    named = [logger for logger in given if isinstance(logger, str | Mapping)]
    own = [logger for logger in given if logger is not None and not isinstance(logger, str | Mapping)]
    return ([f"training.logger={json.dumps(named)}"] if named else []), own


def build_callbacks(training: RecipeTraining) -> list[Any]:
    """Build the callbacks and loggers of a recipe.

    A function is called with its options, a class makes an object.

    Raises:
        RecipeError: an object of a class is no callback.

    Example:
        >>> build_callbacks(RecipeTraining(logger="csv"))[0].file is None
        True
    """
    return [_build_callback(options) for options in (*training.callbacks, *training.logger)]


def _build_callback(options: Options) -> Any:
    component, name = type(options).component, PurePath(options.kind).name
    if not is_callback_class(component):
        called = partial(component.factory, **option_values(options))
        called.__name__ = name  # type: ignore[attr-defined]
        return called
    try:
        return check_callbacks([build_component(options)], f"training.callbacks: {name}")[0]
    except VaekitError:
        raise
    except ValueError as error:
        raise RecipeError(f"training.callbacks: {name}: {error}") from error
