"""One style for all figures: fonts, colors, and a layout in inches that are whole numbers of pixels.

A figure has a header (title and subtitle) above a body of a given size, in which axes are placed. A figure
has DPI pixels per inch. An image of n pixels, placed n / DPI inches wide, is therefore drawn pixel for pixel.
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
# The metadata of each file format, without the date and the version that would make equal figures differ.
METADATA = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}

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
    "text.parse_math": False,  # a dollar sign in a title is text
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
}
styled = matplotlib.rc_context(STYLE)  # a decorator: the style applies only while the function runs

_EDGE, _TITLE_LINE, _SUBTITLE_LINE = 0.12, 0.19, 0.16  # inches
_TITLE_LETTERS, _SUBTITLE_LETTERS = 11.5, 14.5  # letters per inch, at 10 and 8 points


def figure_frame(width: float, height: float, title: str, subtitle: str = "") -> Figure:
    """Create a white figure with a header, which wraps to its width, above an empty body.

    Args:
        width, height: of the body, in inches.
        title, subtitle: of the header.

    Returns:
        The figure. It is higher than the body by the height of the header.

    Example:
        >>> figure = figure_frame(3, 2, "Samples of a VAE", "MNIST")
        >>> [round(float(size), 2) for size in figure.get_size_inches()]
        [3.0, 2.59]
        >>> [text.get_text() for text in figure.texts]
        ['Samples of a VAE', 'MNIST']
    """
    room = max(width - 2 * _EDGE, 1.0)
    titles = textwrap.wrap(title, int(room * _TITLE_LETTERS))
    subtitles = textwrap.wrap(subtitle, int(room * _SUBTITLE_LETTERS))
    header = 2 * _EDGE + len(titles) * _TITLE_LINE + len(subtitles) * _SUBTITLE_LINE
    figure = Figure(figsize=(_snap(width), _snap(height + header)), dpi=DPI)
    top = figure.get_figheight() - _EDGE
    _write_header(figure, titles, top, fontsize=10, fontweight="bold")
    _write_header(figure, subtitles, top - len(titles) * _TITLE_LINE - 0.02, fontsize=8, color=MUTED)
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float, **looks: Any) -> Axes:
    """Add axes to a figure at a position in inches.

    Args:
        figure: where to add them.
        left, bottom: the distance to the lower left corner of the figure, in inches.
        width, height: of the axes, in inches.
        looks: further arguments of `Figure.add_axes`.

    Example:
        >>> axes = place(figure_frame(4, 2, "Title"), left=1, bottom=0.5, width=2, height=1)
        >>> [round(float(size) / DPI, 2) for size in axes.bbox.size]
        [2.0, 1.0]
    """
    x, y = figure.get_size_inches()
    return figure.add_axes((_snap(left) / x, _snap(bottom) / y, width / x, height / y), **looks)


def text_width(texts: Sequence[str]) -> float:
    """Estimate the width in inches of the longest text, at the size of tick labels.

    Example:
        >>> round(text_width(["a", "a longer label"]), 2), text_width([])
        (0.92, 0.0)
    """
    return max((len(text) for text in texts), default=0) * 0.066


def palette(count: int) -> np.ndarray:
    """Choose distinct colors. Up to ten are safe for color-blind readers; more are steps of a rainbow.

    Returns:
        RGBA, (count, 4).

    Source: Tol, "Color schemes", SRON technical note, 2021: the scheme "muted" and black.

    Example:
        >>> palette(3).shape, palette(40).shape
        ((3, 4), (40, 4))
        >>> len(np.unique(palette(40), axis=0))
        40
    """
    if count <= len(TEN):
        return to_rgba_array(TEN[:count])
    return matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, count))


@styled
def save(figure: Figure, path: str | Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write a figure to one file per format. Each file is written completely or not at all.

    Args:
        figure: what to write. A PNG has 300 pixels per inch.
        path: the name of the file. A suffix .png, .pdf or .svg is replaced by that of each format.
        formats: any of "png", "pdf", "svg".

    Returns:
        The files, in the order of `formats`.

    Raises:
        InvalidError: a format is not known.
        VaekitError: a file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     files = save(figure_frame(3, 1, "Empty"), f"{folder}/figure.png", formats=("png", "svg"))
        ...     [file.name for file in files]
        ['figure.png', 'figure.svg']
    """
    path = Path(path)
    stem = path.stem if path.suffix[1:] in METADATA else path.name
    contents = {path.with_name(f"{stem}.{format}"): render(figure, format) for format in formats}
    return [write_whole(name, content) for name, content in contents.items()]


@styled
def render(figure: Figure, format: str = "png") -> bytes:
    """Render a figure as the bytes of a file. The same figure always gives the same bytes.

    Args:
        figure: what to render.
        format: "png", "pdf" or "svg".

    Raises:
        InvalidError: the format is not known.

    Example:
        >>> render(figure_frame(3, 1, "Empty"))[:4]
        b'\x89PNG'
    """
    if format not in METADATA:
        raise InvalidError(f"format: expected one of {', '.join(METADATA)}, got {format!r}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, dpi=figure.dpi, metadata=METADATA[format])
    return buffer.getvalue()


def _write_header(figure: Figure, lines: list[str], top: float, **looks: Any) -> None:
    if lines:
        width, height = figure.get_size_inches()
        figure.text(_EDGE / width, top / height, "\n".join(lines), va="top", linespacing=1.25, **looks)


def _snap(inches: float) -> float:
    """Round up to a whole number of pixels."""
    return math.ceil(inches * DPI - 1e-6) / DPI
