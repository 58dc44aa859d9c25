"""Formulas as MathML, which browsers show by themselves: no JavaScript, and no request."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

FUNCTION = re.compile(r"(<mi>(?:log|exp|max|min|sin|cos)</mi>)(?!<mo [^>]*>&#x00028;)")
SPACE = '<mspace width="0.17em" />'


def as_mathml(formula: str, display: str = "inline") -> str:
    """LaTeX as MathML, with a space after the name of a function.

    >>> as_mathml(r"\\log x").count("mspace")
    1
    """
    return FUNCTION.sub(rf"\1{SPACE}", convert(formula, display=display))


def inline(translator: Any, node: nodes.math) -> None:
    """A formula within a line."""
    translator.body.append(as_mathml(node.astext()))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    """A formula of its own."""
    formula = as_mathml(" ".join(node.astext().split()), "block")
    translator.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
