"""What was found out about large files, kept in the cache, so that not every command reads them.

    known.json      a digest of the identity of an array -> its range, its fingerprint, ...

The identity of an array names its files with their sizes and times of change (`vaekit.data.lazy`). A file
that changes has another identity, and is read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from vaekit.data.cache import cache_folder
from vaekit.utils.io import write_whole

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
    entries = list(({**_read(), key: value}).items())[-MOST:]
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_whole(_file(), json.dumps(dict(entries)).encode())
    except (OSError, RuntimeError, ValueError):
        pass


def _file() -> Any:
    return cache_folder() / "known.json"


def _read() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
