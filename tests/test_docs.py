"""What the documents name must be there: functions, tests, files and sections."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
SECTIONS = [part for part in THEORY.split("\n## ")[1:] if not part.startswith("Sources")]
FUNCTIONS = re.findall(r"`([\w.]+)`\s+\((src/[\w/]+\.py)\)", THEORY)
TRUST = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", THEORY + TRUST)


def defined(path: str) -> set[str]:
    """Functions, classes and methods of a file, as `name` and `Class.name`."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    outer = [node for node in tree.body if isinstance(node, kinds)]
    inner = [
        f"{node.name}.{method.name}"
        for node in outer
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, kinds)
    ]
    return {node.name for node in outer} | set(inner)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n")[0])
def test_every_section_ends_with_its_code_and_its_tests(section):
    last = section.rstrip().split("\n\n")[-1]
    assert re.search(r"^\*\*In the code\*\*: `.*\*\*checked\s+by\*\*\s+`tests/", last, re.DOTALL)


@pytest.mark.parametrize(("name", "path"), sorted(set(FUNCTIONS)))
def test_every_function_that_is_named_is_there(name, path):
    assert name in defined(path)


@pytest.mark.parametrize(("path", "name"), sorted(set(TESTS)))
def test_every_test_that_is_named_is_there(path, name):
    assert name in defined(path)


def test_every_path_and_test_in_the_text_was_understood():
    assert len(FUNCTIONS) == len(re.findall(r"src/vaekit", THEORY))
    assert len(TESTS) == len(re.findall(r"`tests/", THEORY + TRUST))


def test_the_table_of_contents_names_every_section():
    anchors = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", THEORY, re.MULTILINE)
    assert [title for title, _ in anchors] == [section.split("\n")[0] for section in SECTIONS]
    for title, anchor in anchors:
        assert anchor == re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def test_formulas_are_closed_where_they_begin():
    """A display is a paragraph of its own; a formula within the text does not go over the end of its line."""
    for paragraph in THEORY.split("\n\n"):
        if "$$" in paragraph:
            assert re.fullmatch(r"\$\$ [^$]+ \$\$\n?", paragraph)
        for line in paragraph.split("\n") * ("$$" not in paragraph):
            assert line.count("$") % 2 == 0, line
    for formula in re.findall(r"\$+([^$]+)\$+", THEORY):
        assert formula.count("{") == formula.count("}")
        assert not re.search(r"\\[^a-zA-Z]", formula), "Markdown takes away a backslash before a sign"


def test_every_block_of_a_page_is_told_of_and_no_other():
    from vaekit.studies.blocks import BLOCKS

    table = (
        (ROOT / "docs/extend.md").read_text(encoding="utf-8").partition("| what a page shows | blocks |")[2]
    )
    second = " ".join(line.split("|")[2] for line in table.split("\n\n")[0].splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", second)) == sorted(BLOCKS)


def test_as_many_experiments_are_told_of_as_there_are():
    words = ("five", "six", "seven", "eight", "nine", "ten")
    studies = len(list((ROOT / "src/vaekit/studies").glob("*.yaml")))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"one of the (\w+) experiments", readme)[1] == words[studies - 5]
