"""What was found out about large files, kept in the cache, so that not every command reads them.

    known.json      a digest of the identity of an array -> its range, its fingerprint, ...
    indexes/        the same for arrays, such as the places of pictures in a tar file

The identity of an array names its files with their sizes and times of change (`vaekit.data.lazy`). A file
that changes has another identity, and is read again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from zipfile import BadZipFile

import numpy as np

from vaekit.errors import VaekitError
from vaekit.utils.io import write_whole
from vaekit.utils.paths import cache_folder

DIGEST = "digest"  # the purpose of the digest of all bytes of an array
MOST = 10_000  # entries; the oldest are dropped


def recall(purpose: str, identity: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
    """What is known for a purpose about an array; it is computed and kept if nothing is known.

    Args:
        purpose: such as "fingerprint".
        identity: of the array; empty for one that has none, about which nothing is kept.
        compute: returns plain values.

    >>> recall("length", (), lambda: 3)
    3
    """
    if not identity:
        return compute()
    key = hashlib.sha256(repr((purpose, identity)).encode()).hexdigest()
    known = _read()
    if key not in known:
        value = compute()
        remember(purpose, identity, value)
        return value
    return known[key]


def remember(purpose: str, identity: tuple[Any, ...], value: Any) -> None:
    """Keep what was found out; a cache that cannot be written keeps nothing."""
    key = hashlib.sha256(repr((purpose, identity)).encode()).hexdigest()
    entries = list({**_read(), key: value}.items())[-MOST:]
    with suppress(VaekitError):
        write_whole(_file(), json.dumps(dict(entries)).encode())


def _file() -> Any:
    return cache_folder() / "known.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def recall_arrays(
    purpose: str, identity: tuple[Any, ...], compute: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """The same for arrays, such as the places of a million pictures in a tar file.

    >>> recall_arrays("places", (), lambda: {"offsets": np.arange(3)})["offsets"]
    array([0, 1, 2])
    """
    key = hashlib.sha256(repr((purpose, identity)).encode()).hexdigest()
    file = cache_folder() / "indexes" / f"{key}.npz"
    try:
        with np.load(file, allow_pickle=False) as found:
            return dict(found)
    except (OSError, ValueError, EOFError, BadZipFile):
        pass
    arrays = compute()
    if identity:
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        with suppress(VaekitError):
            write_whole(file, content.getvalue())
    return arrays
