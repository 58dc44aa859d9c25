"""A figure as SVG inside a page, in the colors of the page.

Ink, gray, hairlines and the white ground become the variables `--ink`, `--muted`, `--line` and `--paper` of
the page's style, so a figure follows its dark mode. Pictures inside stay as they are.

A file may come from a stranger. Only elements that draw are kept, with attributes that load nothing but data
URIs of pictures; everything else is dropped.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from vaekit.errors import InvalidError, first_line
from vaekit.plotting.style import HAIRLINE, INK, MUTED

MAX_BYTES = 8 << 20
_COLORS = {INK: "--ink", MUTED: "--muted", HAIRLINE: "--line", "#ffffff": "--paper", "#000000": "--ink"}
_DRAWS = {
    "svg", "g", "path", "rect", "circle", "line", "polyline", "polygon", "use", "defs", "clipPath", "text",
    "tspan", "image",
}  # fmt: skip
_ATTRIBUTES = {
    "id", "d", "x", "y", "width", "height", "transform", "style", "clip-path", "clip-rule", "fill", "stroke",
    "cx", "cy", "r", "x1", "x2", "y1", "y2", "points", "opacity", "viewBox", "preserveAspectRatio",
}  # fmt: skip
_HREFS = re.compile(r"#[\w.-]+|data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*")
_LOADS = re.compile(r"url\((?!#)|@import|expression|javascript:", re.IGNORECASE)
_SPACE = re.compile(r"\{[^}]*\}")


def themed_svg(content: bytes, name: str, label: str, dpi: float) -> str:
    """The SVG of a figure as an element of a page.

    Args:
        content: a file that `vaekit.plotting.render(figure, "svg")` wrote.
        name: a prefix for the identifiers inside, different for each figure of a page.
        label: what it shows, for those who do not see it.
        dpi: dots of the page per inch.

    Returns:
        An `svg` element with its size in dots.

    Raises:
        InvalidError: it is no SVG, has entities, or is larger than 8 MiB.

    >>> from vaekit.plotting.style import figure_frame, render
    >>> text = themed_svg(render(figure_frame(3, 1, "Empty"), "svg"), "empty", "An empty figure", 120)
    >>> text.startswith('<svg role="img" aria-label="An empty figure" width="360"'), "#ffffff" in text
    (True, False)
    """
    if len(content) > MAX_BYTES or b"<!ENTITY" in content:
        raise InvalidError(f"{name}: expected an SVG of at most {MAX_BYTES >> 20} MiB without entities")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise InvalidError(f"{name}: expected an SVG ({first_line(error)})") from error
    if _plain(root.tag) != "svg":
        raise InvalidError(f"{name}: expected an SVG, got {_plain(root.tag)}")
    width, height = (round(_inches(root.get(side, "")) * dpi) for side in ("width", "height"))
    size = (
        f'width="{width}" height="{height}" viewBox="{escape(root.get("viewBox", f"0 0 {width} {height}"))}"'
    )
    inside = "".join(_element(child, name) for child in root)
    return f'<svg role="img" aria-label="{escape(label)}" {size}>{inside}</svg>'


def _element(element: ElementTree.Element, name: str) -> str:
    """An element with its descendants; empty if it does not draw."""
    tag = _plain(element.tag)
    if tag not in _DRAWS:
        return ""
    attributes = "".join(_attribute(key, value, name) for key, value in element.attrib.items())
    inside = escape(element.text or "", quote=False) if tag in ("text", "tspan") else ""
    inside += "".join(_element(child, name) for child in element)
    return f"<{tag}{attributes}>{inside}</{tag}>"


def _attribute(key: str, value: str, name: str) -> str:
    plain = _plain(key)
    if plain == "href":
        if not _HREFS.fullmatch(value):
            return ""
        value = f"#{name}-{value[1:]}" if value.startswith("#") else value
    elif plain not in _ATTRIBUTES or _LOADS.search(value):
        return ""
    elif plain == "id":
        value = f"{name}-{value}"
    else:
        value = value.replace("url(#", f"url(#{name}-")
        for color, variable in _COLORS.items():
            value = value.replace(color, f"var({variable})")
    return f' {plain}="{escape(value)}"'


def _plain(tag: object) -> str:
    """A name without its namespace; empty for comments."""
    return _SPACE.sub("", tag) if isinstance(tag, str) else ""


def _inches(length: str) -> float:
    """A length in points or dots of 1/72 inch."""
    found = re.fullmatch(r"\s*([\d.]+)(?:pt|px)?\s*", length)
    return float(found[1]) / 72 if found else 4.0
