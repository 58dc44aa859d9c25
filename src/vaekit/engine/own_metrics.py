"""Metrics of the user, measured with an evaluation.

    f(trained: LoadedModel, images: ObservedImages, **options) -> float | dict[str, float]

`images` is the split as the model sees it: `images.all()` are all images (N, C, H, W), `images.batches(100)`
iterates over batches of images and labels. All global random generators are seeded, so the same evaluation
gives the same values. A metric must not change the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from vaekit.config.functions import NamedFunction
from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import first_line
from vaekit.utils.random import all_seeded

MetricValues = dict[str, float | None]


def own_metrics(
    functions: Iterable[NamedFunction], trained: LoadedModel, images: ObservedImages, seed: int = 0
) -> tuple[MetricValues, list[str]]:
    """Measure each metric.

    Args:
        functions: from `vaekit.config.functions.named_functions`.
        trained: the model.
        images: the split.
        seed: of all global random generators, anew for each metric.

    Returns:
        The values by name, `name.key` for a metric that returns several. A metric that fails has None, and
        one line in the list that follows.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> found = [NamedFunction("count", "count", lambda trained, images: len(images))]
    >>> own_metrics(found, trained, trained.load_split(images=5))
    ({'count': 5.0}, [])
    """
    values: MetricValues = {}
    failures = []
    for function in functions:
        try:
            with all_seeded(seed):
                returned = function(trained, images)
            values |= _numbers(function.name, returned)
        except Exception as error:  # a metric of the user must not cost the evaluation
            values[function.name] = None
            reason = (
                first_line(error)
                if isinstance(error, _NonsenseError)
                else f"{type(error).__name__}: {first_line(error)}"
            )
            failures.append(f"metric {function.reference} failed: {reason}")
        finally:
            trained.model.eval()
    return values, failures


class _NonsenseError(ValueError):
    """What a metric returns is no number."""


def _numbers(name: str, returned: Any) -> MetricValues:
    if isinstance(returned, Mapping):
        if not returned:
            raise _NonsenseError("expected a number, or numbers by name, got an empty dict")
        return {f"{name}.{key}": _number(value, f"{key}: ") for key, value in returned.items()}
    return {name: _number(returned, "")}


def _number(value: Any, where: str) -> float:
    try:
        number = float(value) if not isinstance(value, str | bytes) else math.nan
    except (TypeError, ValueError, RuntimeError):
        raise _NonsenseError(f"{where}expected a number, got {type(value).__name__}") from None
    if not math.isfinite(number):
        raise _NonsenseError(f"{where}expected a finite number, got {value!r}")
    return number
