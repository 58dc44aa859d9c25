"""Cards: a title, a few numbers and a small picture as HTML, for the output of a notebook's cell.

A card has no script and no style sheet. It takes the color of the text around it, so that it follows a light
or a dark theme. All texts are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaekit.utils.format import format_number
from vaekit.utils.html import data_uri, render_page

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _HEIGHT, _EDGE = 220, 84, 5  # pixels of a line chart
_DASHES = ("", "4 3")  # of the first and the second line


def card(
    title: str,
    subtitle: str,
    rows: Sequence[Sequence[str]],
    picture: Markup | str = "",
    caption: str = "",
    notes: Sequence[str] = (),
) -> str:
    """A card as HTML.

    Args:
        title, subtitle: texts.
        rows: texts (R, C), the first of each row in gray: names and values.
        picture: of `pictures` or `line_chart`; any other text is escaped.
        caption: below the picture.
        notes: sentences below the rows.

    >>> html = card("A <model>", "on data", [("latents", "8")])
    >>> "A &lt;model&gt;" in html, "<script" in html
    (True, False)
    """
    columns = max((len(row) for row in rows), default=1)
    padded = [[*row, *[""] * (columns - len(row))] for row in rows]
    return render_page(
        "vaekit.utils", "card.html", title=title, subtitle=subtitle, rows=padded, columns=columns,
        picture=picture, caption=caption, notes=notes,
    )  # fmt: skip


def pictures(images: Sequence[bytes], columns: int, width: int) -> Markup:
    """PNG images in rows.

    Args:
        images: the bytes of each.
        columns: per row.
        width: of each image in pixels of the screen.

    >>> pictures([b"png"], columns=1, width=40).count("<img")
    1
    """
    from markupsafe import Markup

    one = Markup(
        '<img src="{}" alt="" style="width: {}px; margin: 0; display: block; image-rendering: pixelated">'
    )
    grid = Markup('<div style="display: grid; grid-template-columns: repeat({}, {}px); gap: 3px">{}</div>')
    content = Markup("").join(one.format(data_uri(image, "image/png"), width) for image in images)
    return grid.format(columns, width, content)


def line_chart(lines: Sequence[Sequence[tuple[float, float]]], ends: bool = True) -> Markup:
    """A small chart of one or two lines in the color of the text, the second dashed.

    Args:
        lines: the points (x, y) of each line, in order; lines of fewer than two points are left out.
        ends: write the first and the last value of the first line.

    Returns:
        An SVG; empty if there is no line.

    >>> line_chart([[(1, 3.0), (2, 2.5)]]).count("<polyline")
    1
    >>> line_chart([[(1, 3.0)]])
    Markup('')
    """
    from markupsafe import Markup

    lines = [line for line in lines if len(line) > 1]
    if not lines:
        return Markup("")
    xs, ys = ([point[axis] for line in lines for point in line] for axis in (0, 1))
    low, high = (min(xs), min(ys)), (max(xs), max(ys))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = ((value - a) / ((b - a) or 1.0) for value, a, b in zip(point, low, high, strict=True))
        return _EDGE + x * (_WIDTH - 2 * _EDGE), _EDGE + (1 - y) * (_HEIGHT - 2 * _EDGE)

    drawn = Markup("").join(
        Markup('<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5" '
               'stroke-linejoin="round" stroke-dasharray="{}"/>').format(
            " ".join("{:.1f},{:.1f}".format(*place(point)) for point in line), dash
        )
        for line, dash in zip(lines, _DASHES, strict=False)
    )  # fmt: skip
    base = Markup(
        '<path d="M{0} {0}V{1}H{2}" fill="none" stroke="currentColor" stroke-opacity="0.35"/>'
    ).format(_EDGE - 3, _HEIGHT - _EDGE + 3, _WIDTH)
    start, stop = (format_number(lines[0][end][1]) for end in (0, -1))
    below = Markup('<div style="display: flex; justify-content: space-between; font-size: 12px; '
                   'font-variant-numeric: tabular-nums"><span>{}</span><span>{}</span></div>')  # fmt: skip
    svg = Markup('<svg width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img">{2}{3}</svg>')
    chart = svg.format(_WIDTH, _HEIGHT, base, drawn)
    whole = Markup('<div style="width: {}px">{}{}</div>')
    return whole.format(_WIDTH, chart, below.format(start, stop) if ends else "")
