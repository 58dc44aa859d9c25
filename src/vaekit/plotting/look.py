"""How figures look where the caller wants it otherwise: their width, title and colors, or axes to draw in.

    with look(width=4, cmap="viridis"):
        figure = samples(images, "Samples")

The options hold for every figure that is drawn within the block, as those of `matplotlib.rc_context` do. They
say how a figure looks, never what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import matplotlib
from matplotlib.axes import Axes

from vaekit.errors import InvalidError

DPI = 300  # a figure is laid out in pixels of this size
MIN_WIDTH = 1.0  # inches


class LookOptions(TypedDict, total=False):
    """The fields of `Look` that a caller sets, as keyword arguments."""

    columns: int | None
    width: float | None
    title: str | bool
    cmap: str | None
    invert: bool


@dataclass(frozen=True)
class Look:
    """Options of figures.

    Attributes:
        columns: pictures or panels per row; None for the default of each figure.
        width: of the whole figure in inches; None for the width that draws pictures pixel for pixel.
        title: a title in place of the default; False for neither title nor subtitle.
        cmap: a color map of matplotlib for gray pictures and for the classes of points.
        invert: draw images as negatives, black on white.
        dpi: pixels per inch of a PNG file.
        axes: draw in these axes, not in a figure of its own.

    Raises:
        InvalidError: a value is out of range, or there is no such color map.

    >>> Look(width=4).invert
    False
    >>> Look(cmap="rainbows")
    Traceback (most recent call last):
    ...
    vaekit.errors.InvalidError: cmap: matplotlib has no color map 'rainbows'; try gray, viridis or magma
    """

    columns: int | None = None
    width: float | None = None
    title: str | bool = True
    cmap: str | None = None
    invert: bool = False
    dpi: int = DPI
    axes: Axes | None = None

    def __post_init__(self) -> None:
        if self.columns is not None and self.columns < 1:
            raise InvalidError(f"columns: expected 1 or more, got {self.columns}")
        if self.width is not None and not MIN_WIDTH <= self.width <= 100:
            raise InvalidError(f"width: expected {MIN_WIDTH:g} to 100 inches, got {self.width:g}")
        if self.cmap is not None and self.cmap not in matplotlib.colormaps:
            raise InvalidError(f"cmap: matplotlib has no color map {self.cmap!r}; try gray, viridis or magma")

    def titles(self, title: str, subtitle: str) -> tuple[str, str]:
        """The title and the subtitle that are written.

        >>> Look(title=False).titles("Samples", "seed 0"), Look(title="Mine").titles("Samples", "seed 0")
        (('', ''), ('Mine', 'seed 0'))
        """
        if self.title is False:
            return "", ""
        return (title if self.title is True else self.title), subtitle


_current: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039 (frozen)


def current_look() -> Look:
    """The options of the innermost `look`.

    >>> current_look() == Look()
    True
    """
    return _current.get()


@contextmanager
def look(**options: Any) -> Iterator[Look]:
    """Draw figures with other options until the block ends; those that are left out stay as they are.

    Args:
        options: fields of `Look`.

    Raises:
        InvalidError: a value is out of range.

    >>> with look(columns=5), look(width=4):
    ...     current_look()
    Look(columns=5, width=4, title=True, cmap=None, invert=False, dpi=300, axes=None)
    """
    changed = replace(_current.get(), **options)
    token = _current.set(changed)
    try:
        yield changed
    finally:
        _current.reset(token)
