"""A little markdown as HTML: paragraphs, `- ` lists, **bold**, `code`; a link becomes text and address."""

from __future__ import annotations

import re
from html import escape

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"),
    (re.compile(r"\[([^\]]+)\]\(([^)]+)\)"), r"\1 (\2)"),
)


def html(text: str) -> str:
    """The HTML of a text, in which nothing but the markup above has a meaning."""
    return "\n".join(_block(block) for block in re.split(r"\n\s*\n", text.strip()) if block)


def _block(block: str) -> str:
    lines = block.splitlines()
    if not lines[0].lstrip().startswith("- "):
        return f"<p>{_inline(' '.join(lines))}</p>"
    items = re.split(r"(?:^|\n)\s*- ", block)[1:]
    return "<ul>" + "".join(f"<li>{_inline(' '.join(item.split()))}</li>" for item in items) + "</ul>"


def _inline(text: str) -> str:
    text = escape(text)
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text
