"""The documentation site has every page and every public name; `make docs` builds it."""

from __future__ import annotations

import re
from pathlib import Path

import vaekit

DOCS = Path(__file__).parents[1] / "docs"


def listed() -> list[str]:
    """The pages in the tables of contents."""
    trees = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    return [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]


def test_every_page_is_listed_once():
    pages = [*DOCS.glob("*.md"), *DOCS.glob("reference/*.md"), *DOCS.glob("notebooks/*.ipynb")]
    names = sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in pages)
    assert sorted([*listed(), "index"]) == names


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "reference" / "python.md").read_text()
    assert sorted(re.findall(r"^\.\. auto\w+:: vaekit\.(\w+)$", text, re.MULTILINE)) == sorted(vaekit.__all__)


def test_every_public_name_can_be_imported():
    assert [name for name in vaekit.__all__ if not hasattr(vaekit, name)] == []
