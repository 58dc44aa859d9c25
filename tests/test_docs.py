"""What the documents say must be true: names, paths, links, commands, recipe keys and Python examples."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "vaekit"
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
}
THEORY, TRUST = DOCUMENTS["docs/theory.md"], DOCUMENTS["docs/trust.md"]
ARCHITECTURE = DOCUMENTS["docs/architecture.md"]
SECTIONS = [part for part in THEORY.split("\n## ")[1:] if not part.startswith("Sources")]
FUNCTIONS = re.findall(r"`([\w.]+)`\s+\((src/[\w/]+\.py)\)", THEORY + ARCHITECTURE)
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", THEORY + TRUST)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OVERRIDE = re.compile(r"[a-z_]+(\.[a-z_]+)+=.*")


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


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language; plain ones have the language ""."""
    return [content for found, content in FENCE.findall(text) if found == language]


def spans(text: str) -> list[str]:
    """The inline code of a text, each on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def words(line: str) -> list[str]:
    """The words of a command line, without its comment and the variables before it; none of odd quotes."""
    try:
        found = shlex.split(line, comments=True)
    except ValueError:
        return []
    while found and re.fullmatch(r"[A-Z_]+=\S*", found[0]):
        found = found[1:]
    return found


def is_command(line: str) -> bool:
    """Whether a line or span calls `vaekit` with a command."""
    found = words(line)
    return len(found) > 1 and found[0] == "vaekit" and found[1].isalpha()


def is_override(span: str) -> bool:
    """Whether a span is `key.path=value`, once or several times."""
    return bool(words(span)) and all(OVERRIDE.fullmatch(word) for word in words(span))


def parse_command(line: str, complete: bool) -> None:
    """Parse a command line with the click program; one that is only named need not have its arguments.

    Raises:
        click.UsageError: it has an option, or a value of one, that does not exist.
    """
    from vaekit.cli import program

    context: click.Context = program.make_context("vaekit", [])
    command: click.Command = program
    rest = words(line)[1:]
    try:
        while isinstance(command, click.Group) and rest:
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command = found
            context = command.make_context(name, list(rest), parent=context)
            rest = [*context._protected_args, *context.args] if isinstance(command, click.Group) else []
    except click.MissingParameter:
        if complete:
            raise


def load_overrides(recipe: str, overrides: list[str]) -> None:
    """Validate overrides; of the values of a sweep, the first.

    Raises:
        VaekitError: a key does not exist, or a value does not fit.
    """
    from vaekit.config.loading import load_recipe, recipe_names

    first = [re.sub(r"(\]|=[^\[{,]*),[^}]*$", r"\1", word) for word in overrides]
    load_recipe(recipe if recipe in recipe_names() else "mnist", first)


COMMANDS = sorted(
    {(line, True) for text in DOCUMENTS.values() for block in blocks(text, "")
     for line in block.splitlines() if is_command(line)}
    | {(span, False) for text in DOCUMENTS.values() for span in spans(text) if is_command(span)}
)  # fmt: skip
OVERRIDES = sorted({span for text in DOCUMENTS.values() for span in spans(text) if is_override(span)})
EXAMPLES = ("key.path=value", "model.prior=heavy_tailed")  # a form, and an entry point that extend.md adds
OF_A_RUN = ("model/", "figures/", "checkpoint/", "components/", "components/own.py", "format1/")
PATHS = sorted(
    {
        (document, span)
        for document, text in DOCUMENTS.items()
        for span in spans(text)
        if re.fullmatch(r"[a-z][\w.-]*/[\w./-]*\.(py|js|md|yaml|txt)|[\w/]+/", span)
        and not span.startswith("runs/")
    }
)
LINKS = sorted(
    {
        (document, target)
        for document, text in DOCUMENTS.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
        if not re.match(r"https?:", target)
    }
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n")[0])
def test_every_section_ends_with_its_code_and_its_tests(section):
    last = section.rstrip().split("\n\n")[-1]
    assert re.search(r"^\*\*In the code\*\*: `.*\*\*checked\s+by\*\*\s+`tests/", last, re.DOTALL)


@pytest.mark.parametrize(("name", "path"), sorted(set(FUNCTIONS)))
def test_every_function_that_is_named_exists(name, path):
    assert name in defined(path)


@pytest.mark.parametrize(("path", "name"), sorted(set(TESTS)))
def test_every_test_that_is_named_exists(path, name):
    assert name in defined(path)


def test_every_path_and_test_in_the_text_was_understood():
    assert len(FUNCTIONS) == len(re.findall(r"src/vaekit/", THEORY + ARCHITECTURE))
    assert len(TESTS) == len(re.findall(r"`tests/[\w/]+\.py::(?!TEST)", THEORY + TRUST))


@pytest.mark.parametrize(
    "document",
    [
        "docs/theory.md",
        "docs/architecture.md",
        "docs/guide.md",
        "docs/extend.md",
        "docs/training.md",
        "docs/scaling.md",
    ],
)
def test_the_table_of_contents_names_every_section(document):
    text = FENCE.sub("", DOCUMENTS[document])
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    anchors = re.findall(r"^\d+\. \[(.+)\]\(#(.+)\)$", text, re.MULTILINE)
    assert [title for title, _ in anchors] == [title for title in titles if title != "Sources"]
    assert all(anchor == slug(title) for title, anchor in anchors)


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


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


def test_the_table_of_blocks_names_every_block_and_no_other():
    from vaekit.registry import BUILT_IN

    table = DOCUMENTS["docs/extend.md"].partition("| what a page shows | blocks |")[2]
    second = " ".join(line.split("|")[2] for line in table.split("\n\n")[0].splitlines()[2:])
    assert sorted(re.findall(r"`(\w+)`", second)) == sorted(BUILT_IN["study_block"])


def test_the_tables_of_the_code_that_are_named_exist():
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", DOCUMENTS["docs/extend.md"])) - {"NAME", "PART"}
    source = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    missing = {name for name in named if not re.search(rf"^{name}\b.*=", source, re.MULTILINE)}
    assert "BUILT_IN" in named
    assert not missing


def test_the_picture_of_the_tree_is_the_import_rule(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    from import_graph import FLOORS, top_names

    packages = {name.removesuffix(".py") for name in top_names()} - {"__main__"}
    floors = [found for floor in FLOORS if (found := set(floor) & packages)]
    picture = ARCHITECTURE.partition("\n## The tree\n")[2].partition("```\n")[2].partition("```")[0]
    lines = re.sub(r"\n {4,}", "  ", picture).splitlines()  # of two lines, the second is indented
    shown = [set(re.split(r"  +", line)) & packages for line in lines]
    assert shown == floors[::-1]


def test_the_number_of_experiments_is_right():
    numbers = ("five", "six", "seven", "eight", "nine", "ten")
    studies = len(list((PACKAGE / "studies").glob("*.yaml")))
    assert re.search(r"one of the (\w+) experiments", DOCUMENTS["README.md"])[1] == numbers[studies - 5]


@pytest.mark.parametrize(("line", "complete"), COMMANDS)
def test_every_command_line_parses(line, complete):
    parse_command(line, complete)


def test_every_option_in_the_text_exists():
    from vaekit.cli import program

    def options(command: click.Command) -> set[str]:
        found = {name for parameter in command.params for name in parameter.opts}
        if isinstance(command, click.Group):
            context = click.Context(command)
            commands = [command.get_command(context, name) for name in command.list_commands(context)]
            found |= {name for inner in commands if inner is not None for name in options(inner)}
        return found

    current = {
        name: text for name, text in DOCUMENTS.items() if name != "CHANGELOG.md"
    }  # which has old names
    named = {
        word for text in current.values() for span in spans(text) for word in re.findall(r"^--[a-z-]+", span)
    }
    assert "--samples" in named
    assert named <= options(program) | {"--help"}


@pytest.fixture
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder has own.py, with all components that the documents show."""
    shown = [*blocks(DOCUMENTS["README.md"], "python"), *blocks(DOCUMENTS["docs/extend.md"], "python")]
    components = [block for block in shown if "@vaekit.register" in block]
    assert len(components) > 5
    (tmp_path / "own.py").write_text("\n".join(components))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_own_file")
@pytest.mark.parametrize("line", [line for line, _ in COMMANDS if words(line)[1] in ("train", "sweep")])
def test_the_overrides_of_a_command_line_fit_the_schema(line):
    found = words(line)[2:]
    overrides = [word for word in found if OVERRIDE.fullmatch(word) and word not in EXAMPLES]
    load_overrides(next((word for word in found if not word.startswith("-")), "mnist"), overrides)


@pytest.mark.usefixtures("_own_file")
@pytest.mark.parametrize("span", OVERRIDES)
def test_every_override_in_the_text_fits_the_schema(span):
    load_overrides("mnist", [word for word in words(span) if word not in EXAMPLES])


def test_the_recipe_of_the_guide_is_one(tmp_path):
    from vaekit.config.loading import load_recipe

    [text] = blocks(DOCUMENTS["docs/guide.md"], "yaml")
    (tmp_path / "beta.yaml").write_text(text)
    assert load_recipe(tmp_path / "beta.yaml").objective.beta.kind == "linear"


def test_the_study_of_the_page_on_extensions_is_one(tmp_path):
    from vaekit.studies.library import load_study

    [text] = blocks(DOCUMENTS["docs/extend.md"], "yaml")
    (tmp_path / "study.yaml").write_text(text)
    assert load_study(tmp_path / "study.yaml").runs[0].grid == {"d": [2, 8, 32]}


@pytest.mark.parametrize(("document", "path"), PATHS)
def test_every_path_that_is_named_exists(document, path):
    places = (ROOT, PACKAGE, PACKAGE / "explorer" / "static")
    found = any((place / path).exists() for place in places)
    assert found or path in OF_A_RUN, f"{document} names {path}"


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_every_link_leads_somewhere(document, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / document).parent / path if path else ROOT / document
    assert file.exists()
    if anchor:
        text = FENCE.sub("", file.read_text(encoding="utf-8"))
        assert anchor in map(slug, re.findall(r"^#+ (.+)$", text, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_words_that_need_a_glossary_are_absent(document):
    text = re.sub(r"\b(exit|VQ|character) codes\b", "", DOCUMENTS[document], flags=re.IGNORECASE)
    assert not re.search(r"\btold\b|what hurts|\bcodes\b", text, re.IGNORECASE)


DOCS_THAT_RUN = [
    "README.md", "docs/guide.md", "docs/extend.md", "docs/python.md", "docs/plots.md", "docs/training.md",
    "docs/sklearn.md", "docs/sharing.md",
]  # fmt: skip


@pytest.mark.parametrize("document", DOCS_THAT_RUN)
def test_python_examples_run(document, tmp_path, monkeypatch):
    run_examples(
        document,
        [block for block in blocks(DOCUMENTS[document], "python") if not is_slow(block)],
        tmp_path,
        monkeypatch,
    )


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "docs/guide.md"])
def test_slow_python_examples_run(document, tmp_path, monkeypatch):
    slow = [block for block in blocks(DOCUMENTS[document], "python") if is_slow(block)]
    assert slow
    run_examples(document, slow, tmp_path, monkeypatch)


def is_slow(block: str) -> bool:
    """Whether a block trains on MNIST or runs a study."""
    return 'vaekit.train("mnist"' in block or "vaekit.study(" in block


def run_examples(document: str, examples: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run blocks one after the other with the same names, in a folder of their own."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__example__"}
    for number, example in enumerate(examples, 1):
        exec(compile(example, f"<{document}, example {number}>", "exec"), names)
