"""What a folder from a stranger may hold: no links that lead out of it, no other files, no absurd shapes.

A model folder holds config.json, model.safetensors, the files of own components, and texts about them. What
the recipe in config.json asks for is built only up to the size of the weights beside it, so the memory that
loading takes grows with the size of the files, not with the numbers written in them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.overrides import TorchFunctionMode

from vaekit.errors import InvalidError, printable
from vaekit.utils.io import is_leftover

MAX_CONFIG = 50_000_000  # bytes of config.json
MODEL_FILES = ("config.json", "model.safetensors", "components", "config.format1.json")
_TEXTS = (".md", ".txt", "LICENSE", ".gitattributes", ".gitignore", ".DS_Store", "Thumbs.db", "__pycache__")
_FACTORIES = (
    "empty", "empty_strided", "zeros", "ones", "full", "rand", "randn", "randint", "normal", "eye", "arange",
    "linspace", "new_empty", "new_zeros", "new_ones", "new_full", "repeat", "tile", "randperm",
)  # fmt: skip


def check_model_folder(folder: Path) -> None:
    """Refuse a model folder with links or other files.

    Raises:
        InvalidError: it holds some.

    >>> import vaekit
    >>> check_model_folder(vaekit.demo().source)
    """
    refuse_links(folder, outside_only=False)
    others = [name for name in os.listdir(folder) if _is_other(name)]
    if others:
        shown = ", ".join(printable(name, 60) for name in sorted(others)[:3])
        raise InvalidError(
            f"{folder}: expected the files of a model, but it holds {len(others)} others, such as {shown}; "
            f"remove what you do not need, or give the path of the weights, {folder / 'model.safetensors'}"
        )


def _is_other(name: str) -> bool:
    """Whether a file is none of a model; one that a killed process left is ignored, not read."""
    return not (name in MODEL_FILES or name.endswith(_TEXTS) or is_leftover(name))


def refuse_links(folder: Path, outside_only: bool = True, depth: int = 2) -> None:
    """Refuse links in a folder, through which something outside would be read or written.

    Args:
        outside_only: allow links to what lies within the folder.
        depth: levels of folders that are looked at.

    Raises:
        InvalidError: there is a link.

    >>> refuse_links(Path("no/such/folder"))
    """
    root = os.path.realpath(folder)
    for path in _links(folder, depth):
        inside = os.path.realpath(path).startswith(root + os.sep)
        if not (inside and outside_only):
            raise InvalidError(
                f"{printable(str(path), 300)}: is a link{'' if inside else f' to outside of {folder}'}, "
                "which is not followed; replace it by what it leads to (cp -rL copies so)"
            )


def _links(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # whoever reads the folder says why
        return
    for entry in entries:
        if entry.is_symlink():
            yield Path(entry.path)
        elif depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from _links(Path(entry.path), depth - 1)


@contextmanager
def bounded_building(n_values: int, source: str) -> Iterator[None]:
    """Within the block, refuse tensors that are larger than a model of so many values needs.

    Args:
        n_values: the number of values of the weights.
        source: the file of the weights, for the message.

    Raises:
        InvalidError: a tensor would be larger, before memory is taken.

    >>> import torch
    >>> with bounded_building(1000, "model.safetensors"):
    ...     torch.zeros(10**6, 10**6)
    Traceback (most recent call last):
    vaekit.errors.InvalidError: model.safetensors: holds 1,000 values, but its config.json asks for a model \
of far more; the two do not belong together
    """
    with _Bound(n_values, source):
        yield


class _Bound(TorchFunctionMode):
    """Counts the values of the tensors that are made."""

    def __init__(self, n_values: int, source: str):
        super().__init__()
        self._n_values, self._source = n_values, source
        self._single, self._left = 4 * n_values + 2**22, 16 * n_values + 2**26

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _FACTORIES:
            size = _size(name, args, kwargs)
            self._left -= size
            if size > self._single or self._left < 0:
                raise InvalidError(
                    f"{self._source}: holds {self._n_values:,} values, but its config.json asks for a model "
                    "of far more; the two do not belong together"
                )
        return func(*args, **kwargs)


def _size(name: str, args: Any, kwargs: Any) -> int:
    """The number of values that a factory makes: by its sizes, or by its largest number."""
    values = [*args, *kwargs.values()]
    lists = [value for value in values if isinstance(value, list | tuple)]
    numbers = [int(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
    if lists:
        sizes = [int(n) for n in lists[0]]
    elif name in ("arange", "linspace", "randperm", "randint"):
        sizes = [max(numbers, default=0)]
    else:
        sizes = numbers * 2 if name == "eye" and len(numbers) == 1 else numbers
    own = math.prod(args[0].shape) if name in ("repeat", "tile") else 1
    return own * math.prod(sizes)
