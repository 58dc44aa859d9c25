"""The tree is the import rule: nothing is imported upwards or in a circle; these counts may only fall."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from import_graph import circles, import_graph, top_names, upward_imports

NAMES_AT_THE_TOP, UPWARD, CIRCLES = 24, 0, 0


def test_names_at_the_top():
    assert len(top_names()) <= NAMES_AT_THE_TOP


def test_imports_upwards():
    assert len(upward_imports(import_graph())) <= UPWARD, upward_imports(import_graph())


def test_circles():
    assert len(circles(import_graph())) <= CIRCLES, circles(import_graph())
