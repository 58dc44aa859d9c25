"""Paths that a user gave, which may be no path at all.

`pathlib` raises errors of several kinds for a name that is too long, a home of nobody (`~nosuch`) or a zero
byte. These functions raise none of them: such a path is no file and no folder, and `why_no_file` says why.
"""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

import platformdirs

from vaekit.errors import InvalidError, printable


def cache_folder() -> Path:
    """The cache folder: VAEKIT_CACHE, or the user's cache folder of this system; it may not exist.

    >>> cache_folder().name != ""
    True
    """
    return Path(os.environ.get("VAEKIT_CACHE") or platformdirs.user_cache_dir("vaekit"))


def user_path(text: str | Path) -> Path:
    """The path that a user means: `~` is the home folder; `~nosuch` stays as it is.

    >>> user_path("~nosuch/x.npy").as_posix()
    '~nosuch/x.npy'
    """
    return Path(os.path.expanduser(text))


def real_path(text: str | Path) -> Path:
    """The absolute path without links that a user means; of a link in a circle, as far as it leads.

    >>> real_path("no/such").is_absolute()
    True
    """
    return Path(os.path.realpath(user_path(text)))


def is_file(path: str | Path) -> bool:
    """Whether a path is a regular file, or a link to one; False for what is no path.

    Raises:
        InvalidError: a folder on the path may not be entered.

    >>> is_file("x" * 10_000), is_file("\\0")
    (False, False)
    """
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def exists(path: str | Path) -> bool:
    """Whether something is at a path; False for what is no path.

    Raises:
        InvalidError: as for `is_file`.

    >>> exists("."), exists("x" * 10_000)
    (True, False)
    """
    return _mode(path) is not None


def _mode(path: str | Path) -> int | None:
    try:
        return os.stat(path).st_mode
    except PermissionError:
        raise InvalidError(
            f"{printable(str(path), 200)}: permission denied; make it readable for you"
        ) from None
    except (OSError, ValueError):
        return None


def why_no_file(path: str | Path) -> str:
    """Why a path is no regular file, in some words.

    >>> why_no_file("no/such"), why_no_file("."), why_no_file("x" * 10_000)
    ('no such file', 'is a folder, expected a file', 'File name too long')
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "is a link to nothing" if os.path.islink(path) else "no such file"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    if stat.S_ISDIR(mode):
        return "is a folder, expected a file"
    return "is a file" if stat.S_ISREG(mode) else "is a pipe, a socket or a device, expected a file"


def numbered_folder(parent: Path) -> Path:
    """The first free one of parent/1, parent/2, ...; created at once, so that no two processes share it.

    Raises:
        OSError: it cannot be created.

    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> numbered_folder(parent).name, numbered_folder(parent).name
    ('1', '2')
    """
    parent.mkdir(parents=True, exist_ok=True)
    used = [int(place.name) for place in parent.iterdir() if place.name.isdigit()]
    for number in itertools.count(max(used, default=0) + 1):
        try:
            (parent / str(number)).mkdir()
        except FileExistsError:
            continue
        return parent / str(number)
    raise AssertionError
