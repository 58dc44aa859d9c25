"""Words between the tables and figures."""

from __future__ import annotations

from vaekit.studies.parts import Part, Text
from vaekit.studies.results import Results


def heading(study: Results, text: str) -> list[Part]:
    """The heading of a section; the page's list of contents leads to it."""
    return [Text(text, "heading")]


def text(study: Results, text: str) -> list[Part]:
    """Paragraphs in a little markdown."""
    return [Text(text)]
