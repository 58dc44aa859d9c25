"""Seals: a file that vaekit wrote says when it was changed afterwards.

    JSON    the key "sha256" is the SHA-256 of all other keys and values, in any order and layout
    text    the first line, a comment, is the SHA-256 of all lines below it

A seal finds damage, cuts and edits; it is no protection against someone who writes a new seal. A file without
a seal is accepted: earlier versions wrote none, and deleting the seal is how a deliberate edit is accepted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaekit.errors import InvalidError, first_line
from vaekit.utils.io import read_bounded, to_jsonable

KEY = "sha256"
MAX_BYTES = 1 << 28  # of a JSON or text file of a run
_LINE = re.compile(r"# sha256 of the lines below: (?P<digest>[^\n]*)\n")


def sealed(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of plain values with its seal as the last key.

    >>> sorted(sealed({"epochs": 3}))
    ['epochs', 'sha256']
    >>> check_seal(sealed({"epochs": 3}), Path("x.json"))
    {'epochs': 3}
    """
    content = {key: value for key, value in tree.items() if key != KEY}
    return content | {KEY: digest(content)}


def check_seal(tree: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """A tree without its seal.

    Args:
        tree: the content of a file, with or without a seal.
        file: for the message.

    Raises:
        InvalidError: the tree is not the one that was sealed.

    >>> check_seal(sealed({"epochs": 3}) | {"epochs": 4}, Path("x.json"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vaekit.errors.InvalidError: x.json: changed since vaekit wrote it: ...
    """
    content = {key: value for key, value in tree.items() if key != KEY}
    if KEY in tree and tree[KEY] != digest(content):
        raise InvalidError(
            f'{file}: changed since vaekit wrote it: its "{KEY}" is of other content; restore the file, or '
            f'delete the line "{KEY}" to accept the change'
        )
    return content


def read_sealed(file: Path, remedy: str, most: int = MAX_BYTES) -> dict[str, Any]:
    """The content of a file with a JSON object, without its seal.

    Args:
        remedy: what to do about a damaged file, the end of the message.
        most: the largest number of bytes.

    Raises:
        FileNotFoundError: there is no such file.
        InvalidError: the file is damaged, too large, or changed.

    >>> read_sealed(Path("no/such.json"), "write it")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no/such.json'
    """
    try:
        tree = json.loads(read_bounded(file, most).decode("utf-8"))
        if not isinstance(tree, dict):
            raise TypeError(f"got {type(tree).__name__}")
    except (FileNotFoundError, InvalidError):
        raise
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InvalidError(f"{file}: expected a JSON object ({first_line(error)}); {remedy}") from error
    return check_seal(tree, file)


def seal_text(text: str) -> str:
    """A text with its seal as the first line.

    >>> check_text(seal_text("name: mine\\n"), Path("recipe.yaml"))
    'name: mine\\n'
    """
    return f"# sha256 of the lines below: {_digest_text(text)}\n{text}"


def check_text(text: str, file: Path) -> str:
    """A text without its seal.

    Raises:
        InvalidError: the text is not the one that was sealed.

    >>> check_text("name: mine\\n", Path("recipe.yaml"))
    'name: mine\\n'
    """
    line = _LINE.match(text)
    if line is None:
        return text
    rest = text[line.end() :]
    if line["digest"] != _digest_text(rest):
        raise InvalidError(
            f"{file}: changed since vaekit wrote it: its first line is the sha256 of other lines; restore "
            "the file, or delete its first line to accept the change"
        )
    return rest


def digest(tree: Any) -> str:
    """The SHA-256 of a tree of plain values, in hexadecimal digits; the order of keys does not count.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(to_jsonable(tree), sort_keys=True, default=str).encode()).hexdigest()


def _digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
