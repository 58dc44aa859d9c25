"""The files of a folder and all folders within, in natural order, without following a circle of links."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vaekit.data.readers.guard import reading
from vaekit.data.readers.raw import natural_key

_CLUTTER = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")  # left out without a word
_EXAMPLES = 3


@dataclass
class Listing:
    """The files of a folder, and the names of what is left out, by reason.

    >>> Listing().notes()
    ()
    """

    files: list[Path] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, name: str) -> None:
        """Note that something is left out."""
        self.left_out.setdefault(reason, []).append(name)

    def notes(self) -> tuple[str, ...]:
        """One sentence per reason, with the number and some names."""
        return tuple(f"{reason}: {name_some(names)}" for reason, names in self.left_out.items())


def name_some(names: Iterable[str]) -> str:
    """How many names there are, and the first of them.

    >>> name_some(["a", "b", "c", "d"])
    '4, such as a, b, c'
    """
    names = list(names)
    if len(names) <= _EXAMPLES:
        return f"{len(names)} ({', '.join(names)})"
    return f"{len(names)}, such as {', '.join(names[:_EXAMPLES])}"


def list_files(folder: Path) -> Listing:
    """All files in a folder and the folders within: files before folders, in natural order of their names.

    Links are followed, each folder once. Pipes, sockets and devices are never opened.

    Raises:
        DataError: the folder cannot be read.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> for name in ("10.txt", "9.txt", ".hidden"):
    ...     _ = (place / name).write_text("content")
    >>> listing = list_files(place)
    >>> [file.name for file in listing.files], listing.notes()
    (['9.txt', '10.txt'], ('hidden files skipped: 1 (.hidden)',))
    """
    listing = Listing()
    with reading(folder, "a folder"):
        known = folder.stat()
        entries = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    _add(folder, entries, listing, {(known.st_dev, known.st_ino)})
    return listing


def _add(root: Path, entries: list[Path], listing: Listing, visited: set[tuple[int, int]]) -> None:
    """Add entries to the listing, files first, then what the folders among them hold."""
    folders = []
    for path in entries:
        name = path.relative_to(root).as_posix()
        if path.name in _CLUTTER or path.name.startswith("._"):
            continue
        if path.name.startswith("."):
            listing.leave_out("hidden files skipped", name)
            continue
        try:
            facts = path.stat()
        except OSError:
            listing.leave_out("links to nothing skipped", name)
            continue
        if stat.S_ISDIR(facts.st_mode):
            key = (facts.st_dev, facts.st_ino)
            if key in visited:
                listing.leave_out("links to folders that are read already skipped", name)
            else:
                visited.add(key)
                folders.append(path)
        elif not stat.S_ISREG(facts.st_mode):
            listing.leave_out("pipes, sockets and devices skipped", name)
        elif not facts.st_size:
            listing.leave_out("empty files skipped", name)
        else:
            listing.files.append(path)
    for path in folders:
        try:
            inner = sorted(path.iterdir(), key=lambda entry: natural_key(entry.name))
        except OSError:
            listing.leave_out("folders that cannot be opened skipped", path.relative_to(root).as_posix())
            continue
        _add(root, inner, listing, visited)
