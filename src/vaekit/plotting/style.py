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
from vaekit.plotting.look import DPI, current_look
from vaekit.utils.io import write_whole

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
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],  # the others are for SVG files elsewhere
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",  # text that can be searched and edited
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
SCREEN_DPI = 110  # at which a notebook shows a figure, with the resolution of DPI

_EDGE, _TITLE_LINE, _SUBTITLE_LINE = 0.12, 0.19, 0.16  # inches
_TITLE_LETTERS, _SUBTITLE_LETTERS = 11.5, 14.5  # letters per inch, at 10 and 8 points


class ScreenFigure(Figure):
    """A figure that a notebook shows sharp and at its size in inches, whether pyplot is loaded or not.

    >>> bundle, facts = ScreenFigure(figsize=(3, 1), dpi=300)._repr_mimebundle_()
    >>> sorted(bundle), facts
    (['image/png', 'text/plain'], {'image/png': {'width': 330, 'height': 110}})
    """

    def _repr_mimebundle_(self, **formats: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = (round(float(side) * SCREEN_DPI) for side in self.get_size_inches())
        bundle = {"image/png": render(self), "text/plain": repr(self)}
        return bundle, {"image/png": {"width": width, "height": height}}


def figure_frame(width: float, height: float, title: str, subtitle: str = "") -> Figure:
    """Create a white figure with a header, which wraps to its width, above an empty body.

    Args:
        width, height: of the body, in inches.
        title, subtitle: of the header.

    Returns:
        The figure. It is higher than the body by the height of the header.

    Raises:
        InvalidError: the caller wants it drawn in given axes, which a figure of several panels is not.

    Example:
        >>> figure = figure_frame(3, 2, "Samples of a VAE", "MNIST")
        >>> [round(float(size), 2) for size in figure.get_size_inches()]
        [3.0, 2.59]
        >>> [text.get_text() for text in figure.texts]
        ['Samples of a VAE', 'MNIST']
    """
    if current_look().axes is not None:
        raise InvalidError("ax: this figure has several panels or a layout of its own; leave ax out")
    title, subtitle = current_look().titles(title, subtitle)
    room = max(width - 2 * _EDGE, 1.0)
    titles = textwrap.wrap(title, int(room * _TITLE_LETTERS))
    subtitles = textwrap.wrap(subtitle, int(room * _SUBTITLE_LETTERS))
    header = len(titles) * _TITLE_LINE + len(subtitles) * _SUBTITLE_LINE
    header += 2 * _EDGE if header else _EDGE
    figure = ScreenFigure(figsize=(_snap(width), _snap(height + header)), dpi=DPI)
    top = figure.get_figheight() - _EDGE
    _write_header(figure, titles, top, fontsize=10, fontweight="bold")
    _write_header(figure, subtitles, top - len(titles) * _TITLE_LINE - 0.02, fontsize=8, color=MUTED)
    return figure


def draw_title(axes: Axes, title: str, subtitle: str, rim: float = 0.0) -> None:
    """Write title and subtitle above axes of the caller, in the style of all figures.

    Args:
        axes: where to write.
        title, subtitle: long ones wrap.
        rim: how much higher than usual, in inches.

    Example:
        >>> axes = Figure().add_subplot()
        >>> draw_title(axes, "Samples", "seed 0")
        >>> axes.get_title("left")
        'Samples'
    """
    match_style(axes)
    title, subtitle = current_look().titles(title, subtitle)
    letters = int(max(axes.bbox.width / axes.figure.dpi, 1.0) * _SUBTITLE_LETTERS)
    small = textwrap.wrap(subtitle, letters)
    pad = 4 + 72 * rim
    if small:
        looks: Any = {"fontsize": 7.5, "color": MUTED, "va": "bottom", "textcoords": "offset points"}
        axes.annotate("\n".join(small), (0, 1), (0, pad), xycoords="axes fraction", **looks)
    wrapped = "\n".join(textwrap.wrap(title, int(letters * 0.85)))
    axes.set_title(wrapped, loc="left", pad=pad + 10.5 * len(small), fontsize=9)


def match_style(axes: Axes) -> None:
    """Give axes of the caller the sizes and colors of text, ticks and grid of all figures.

    Example:
        >>> axes = Figure().add_subplot()
        >>> match_style(axes)
        >>> axes.xaxis.label.get_size()
        8.0
    """
    axes.tick_params(labelsize=STYLE["xtick.labelsize"], color=MUTED, labelcolor=INK)
    axes.tick_params(grid_color=HAIRLINE, grid_linewidth=STYLE["grid.linewidth"])
    axes.set_axisbelow(True)
    axes.xaxis.label.set_fontsize(STYLE["axes.labelsize"])
    axes.yaxis.label.set_fontsize(STYLE["axes.labelsize"])


def figure_of(axes: Axes) -> Figure:
    """The whole figure that axes belong to, also where they are in a subfigure.

    Example:
        >>> figure = Figure()
        >>> figure_of(figure.subfigures().add_subplot()) is figure
        True
    """
    whole: Any = axes.figure
    return whole.figure


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

    With a color map of the caller, see `look`, they are even steps of that.

    Returns:
        RGBA, (count, 4).

    Source: Tol, "Color schemes", SRON technical note, 2021: the scheme "muted" and black.

    Example:
        >>> palette(3).shape, palette(40).shape
        ((3, 4), (40, 4))
        >>> len(np.unique(palette(40), axis=0))
        40
    """
    if (cmap := current_look().cmap) is not None:
        return matplotlib.colormaps[cmap](np.linspace(0.05, 0.95, count))
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
    figure.savefig(
        buffer, format=format, dpi=figure.dpi * current_look().dpi / DPI, metadata=METADATA[format]
    )
    return buffer.getvalue()


def _write_header(figure: Figure, lines: list[str], top: float, **looks: Any) -> None:
    if lines:
        width, height = figure.get_size_inches()
        figure.text(_EDGE / width, top / height, "\n".join(lines), va="top", linespacing=1.25, **looks)


def _snap(inches: float) -> float:
    """Round up to a whole number of pixels."""
    return math.ceil(inches * DPI - 1e-6) / DPI
