"""The state of a callback in a checkpoint: plain values as JSON, and the tensors among them by name.

{"best": 1.5, "mean": tensor}    ->    {"best": 1.5, "mean": {"tensor": "callback/0/mean"}}, {...: tensor}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vaekit.training.checkpoint import Weights

_MARK = "__tensor__"


def split_state(value: Any, place: str) -> tuple[Any, Weights]:
    """The plain values of a state, and its tensors.

    Args:
        value: numbers, words, None, tensors, and lists and dicts of these.
        place: the prefix of the names of tensors.

    Raises:
        TypeError: it has another value.

    >>> split_state({"best": 1.5, "seen": [1, 2]}, "callback/0")
    ({'best': 1.5, 'seen': [1, 2]}, {})
    """
    tensors: Weights = {}

    def plain(value: Any, place: str) -> Any:
        if isinstance(value, Tensor):
            tensors[place] = value.detach().clone()
            return {_MARK: place}
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise TypeError(f"{place.partition('/')[2]}: expected words as keys, got {list(value)[:3]}")
            return {key: plain(inner, f"{place}/{key}") for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner, f"{place}/{i}") for i, inner in enumerate(value)]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(
            f"{'.'.join(place.split('/')[2:]) or 'it'}: expected numbers, words, tensors, lists and dicts, "
            f"got {type(value).__name__}"
        )

    return plain(value, place), tensors


def join_state(value: Any, tensors: Weights) -> Any:
    """The state of which `split_state` made plain values and tensors; tuples became lists.

    >>> join_state(*split_state({"best": 1.5, "seen": (1, 2)}, "callback/0"))
    {'best': 1.5, 'seen': [1, 2]}
    """
    if isinstance(value, Mapping):
        if set(value) == {_MARK}:
            return tensors[value[_MARK]]
        return {key: join_state(inner, tensors) for key, inner in value.items()}
    return [join_state(inner, tensors) for inner in value] if isinstance(value, list) else value
