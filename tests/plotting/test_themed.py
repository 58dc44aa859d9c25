"""Figures inside a page."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.colors import to_hex

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.plotting.style import BLUE, INK, MUTED

SPACES = b'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SVG = b"<svg " + SPACES + b' width="72pt" height="36pt">%s</svg>'


def test_a_chart_has_the_colors_of_the_page_and_its_own_for_lines():
    figure = plotting.bound_by_samples([(1, -110.0, 1.0), (10, -101.0, 0.8)], "A title")
    text = plotting.themed_svg(plotting.render(figure, "svg"), "bound", "The bound", 120)
    width, height = map(
        int, re.match(r'<svg role="img" aria-label="The bound" width="(\d+)" height="(\d+)"', text).groups()
    )
    assert (width, height) == tuple(round(side * 120) for side in figure.get_size_inches())
    assert all(f"var(--{name})" in text for name in ("ink", "muted", "line", "paper"))
    assert to_hex(BLUE) in text
    assert not any(color in text for color in (INK, MUTED, "#ffffff", "http"))
    assert "A title" in text


def test_identifiers_of_two_figures_do_not_collide_and_each_reference_has_its_target():
    figure = plotting.samples(np.zeros((4, 1, 8, 8)), "Samples")
    one, two = (plotting.themed_svg(plotting.render(figure, "svg"), name, "", 120) for name in ("a", "b"))
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, two)]
    assert not ids[0] & ids[1]
    for text, known in zip((one, two), ids, strict=True):
        targets = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
        assert {a or b for a, b in targets} <= known
    assert one.count("data:image/png;base64,") == 1


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b'<g onload="alert(1)"/>',
        b'<image xlink:href="https://example.org/a.png"/>',
        b'<image href="file:///etc/passwd"/>',
        b'<a href="javascript:alert(1)"><text>a</text></a>',
        b'<rect style="fill: url(https://example.org)"/>',
        b"<style>@import 'https://example.org'</style>",
        b"<foreignObject><p>words</p></foreignObject>",
        b'<image href="data:image/svg+xml;base64,AAAA"/>',
    ],
)
def test_what_does_not_draw_or_would_load_is_dropped(inside):
    text = plotting.themed_svg(SVG % inside, "a", "", 120)
    assert not re.search(r"script|onload|https|file:|example|passwd|style=|foreign|words|svg\+xml", text)


def test_words_are_escaped():
    text = plotting.themed_svg(SVG % b'<text id="&quot;&gt;">&lt;script&gt;</text>', "a", '"<b>', 120)
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "content", [b"no picture", b"<html/>", b'<!DOCTYPE a [<!ENTITY b "c">]><svg/>', b" " * (9 << 20)]
)
def test_what_is_no_figure_is_refused(content):
    with pytest.raises(InvalidError, match="a: expected an SVG"):
        plotting.themed_svg(content, "a", "", 120)


def test_differences_are_drawn_at_their_values():
    rows = [
        plotting.Difference("a", 0.0, None, None, "−155.8"),
        plotting.Difference("b", -4.6, -7.6, -1.6, "−4.6"),
        plotting.Difference("c", -5.0, -11.0, 1.0, "−5.0"),
    ]
    [axes] = plotting.differences(rows, "Runs", "nats").axes
    intervals = [
        line.get_xdata().tolist()
        for line in axes.lines
        if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"
    ]
    assert intervals == [[-7.6, -1.6], [-11.0, 1.0]]
    points = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    assert np.concatenate(points).tolist() == [0.0, -4.6, -5.0]
    colors = [to_hex(line.get_color()) for line in axes.lines if line.get_marker() == "o"]
    assert colors == [INK, BLUE, MUTED]
    with pytest.raises(InvalidError, match="rows: expected one or more"):
        plotting.differences([], "Runs", "nats")
