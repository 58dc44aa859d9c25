"""The house style: one look for every figure, laid out in inches that fall on whole device pixels.

A figure is a sheet: a header (title, subtitle) over a body of a given size, in which axes are placed.
At DPI dots an inch an image of `n` pixels shown `n / DPI` inches wide is drawn pixel for pixel.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.utils.io import write_whole

DPI = 300
INK, MUTED, HAIRLINE = "#1f2328", "#5f6773", "#e3e6ea"
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
TEN = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", INK)
UNDATED = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}  # a format each

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8.5,
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "svg.hashsalt": "vaekit",
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
}
styled = matplotlib.rc_context(STYLE)  # a decorator: the style holds while the function draws, and no longer

_EDGE, _TITLE_LINE, _SUBTITLE_LINE = 0.12, 0.19, 0.16  # inches
_TITLE_LETTERS, _SUBTITLE_LETTERS = 11.5, 14.5  # letters an inch, at 10 and 8 points


def figure_frame(width: float, height: float, title: str, subtitle: str = "") -> Figure:
    """A white figure whose body is `width` x `height` inches, under a header that wraps to that width."""
    titles = textwrap.wrap(title, int(width * _TITLE_LETTERS))
    subtitles = textwrap.wrap(subtitle, int(width * _SUBTITLE_LETTERS))
    header = 2 * _EDGE + len(titles) * _TITLE_LINE + len(subtitles) * _SUBTITLE_LINE
    figure = Figure(figsize=(_snap(width), _snap(height + header)), dpi=DPI)
    top = figure.get_figheight() - _EDGE
    _write(figure, titles, top, fontsize=10, fontweight="bold")
    _write(figure, subtitles, top - len(titles) * _TITLE_LINE - 0.02, fontsize=8, color=MUTED)
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float, **looks: Any) -> Axes:
    """Axes of `width` x `height` inches, `left` and `bottom` inches from the figure's lower left corner."""
    across, up = figure.get_size_inches()
    return figure.add_axes((_snap(left) / across, _snap(bottom) / up, width / across, height / up), **looks)


def text_width(texts: Sequence[str]) -> float:
    """Inches that the longest of these labels takes, at the size of a tick's label."""
    return max((len(text) for text in texts), default=0) * 0.066


def palette(count: int) -> np.ndarray:
    """RGBA colors (count, 4): ten that color-blind readers tell apart, and beyond ten steps of a rainbow.

    Source: Tol, "Color schemes", SRON technical note (2021), scheme "muted", completed by black.
    """
    if count <= len(TEN):
        return to_rgba_array(TEN[:count])
    return matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, count))


@styled
def save(figure: Figure, path: str | Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write a figure next to each other in every format asked for, each file whole or not at all.

    Args:
        figure: what to write; PNG comes at 300 dots an inch.
        path: the file's name; a known ending (.png, .pdf, .svg) gives way to that of each format.
        formats: among "png", "pdf", "svg".

    Returns:
        The files written, in the order of `formats`.

    Raises:
        InvalidError: a format that is not known.
        VaekitError: a file that cannot be written.
    """
    path = Path(path)
    stem = path.stem if path.suffix[1:] in UNDATED else path.name
    contents = {path.with_name(f"{stem}.{form}"): render(figure, form) for form in formats}
    return [write_whole(name, content) for name, content in contents.items()]


@styled
def render(figure: Figure, form: str = "png") -> bytes:
    """The bytes of a figure as "png", "pdf" or "svg", the same each time: no date and no version in them."""
    if form not in UNDATED:
        raise InvalidError(f"format: expected one of {', '.join(UNDATED)}, got {form!r}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=figure.dpi, metadata=UNDATED[form])
    return buffer.getvalue()


def _write(figure: Figure, lines: list[str], top: float, **looks: Any) -> None:
    if lines:
        across, up = figure.get_size_inches()
        figure.text(_EDGE / across, top / up, "\n".join(lines), va="top", linespacing=1.25, **looks)


def _snap(inches: float) -> float:
    return math.ceil(inches * DPI - 1e-6) / DPI
