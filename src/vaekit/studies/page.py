"""Write the page of a study: a single HTML file, and results.json with the same tables.

Each block is drawn once, for both files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import vaekit
from vaekit import plotting
from vaekit.runs.answer import verdict
from vaekit.studies.answer import answer
from vaekit.studies.arrange import arrange
from vaekit.studies.blocks import draw_block
from vaekit.studies.elements import Element, FigureElement, Table, Text
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.results_json import write_results
from vaekit.utils.format import count_of, format_duration
from vaekit.utils.html import SCREEN_DPI, render_page
from vaekit.utils.io import write_whole

WIDEST = 112  # letters of a table that fit the page
_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"),
    (re.compile(r"\[([^\]]+)\]\(([^)]+)\)"), r"\1 (\2)"),
)


def write_page(results: StudyResults) -> None:
    """Write index.html and results.json into the study's folder, each atomically.

    Raises:
        VaekitError: a file cannot be written.

    >>> import tempfile
    >>> from dataclasses import replace
    >>> from pathlib import Path
    >>> from vaekit.studies.example import example_results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_page(replace(example_results(), folder=Path(folder)))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['index.html', 'results.json']
    """
    elements = draw_blocks(results)
    write_whole(results.page, render_study(results, elements).encode())
    write_results(results, [element for element in elements if isinstance(element, Table)])


def draw_blocks(results: StudyResults) -> list[Element]:
    """The elements of all blocks of the page, from top to bottom.

    >>> from vaekit.studies.example import example_results
    >>> [type(element).__name__ for element in draw_blocks(example_results())]
    ['Table']
    """
    return [element for block in results.study.page for element in draw_block(results, block)]


def render_study(results: StudyResults, elements: Sequence[Element]) -> str:
    """The page as an HTML document that loads nothing from the network.

    >>> from vaekit.studies.example import example_results
    >>> "<h1>Two small models</h1>" in render_study(example_results(), [])
    True
    """
    study = results.study
    parts = [_template_part(element, place) for place, element in enumerate(elements)]
    runs = [run for variant in results.variants for run in variant.finished]
    sentence, figure = answer(results)
    seconds = sum(record.get("seconds") or 0 for run in runs for record in run.metrics)
    values = {
        "title": study.title or study.name,
        "question": markdown_to_html(study.question),
        "description": markdown_to_html(results.preset.description),
        "reference": study.reference,
        "preset": results.preset_name,
        "date": f"{datetime.now(UTC):%d %B %Y}".lstrip("0"),
        "count": len(runs),
        "epochs": _epochs([len(run.metrics) for run in runs]),
        "time": format_duration(seconds) if seconds else "",
        "version": vaekit.__version__,
        "answer": markdown_to_html(sentence),
        "lead": _template_part(figure, len(parts)) if figure else None,
        "verdict": _verdict(results),
        "parts": parts,
        "headings": [part for part in parts if part["kind"] == "heading"],
        "failures": _failures(results),
        "stopped": [
            f"{variant.name} seed {run.seed}, after {count_of(len(run.metrics), 'epoch')}"
            for variant in results.variants
            for run in variant.finished
            if run.fell_behind
        ],
        "places": _places(results),
        "command": results.command,
        "runs": [_paths(results, variant) for variant in results.variants],
        "environment": runs[0].environment if runs else {},
    }
    return render_page("vaekit.studies", "study.html", **values)


def markdown_to_html(text: str) -> str:
    """A subset of Markdown as HTML: paragraphs, `- ` lists, **bold** and `code`.

    A link becomes its text and address. Everything else is escaped.

    >>> markdown_to_html("**two** `z`")
    '<p><b>two</b> <code>z</code></p>'
    """
    return "\n".join(_paragraph(block) for block in re.split(r"\n\s*\n", text.strip()) if block)


def _paragraph(block: str) -> str:
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


def _verdict(results: StudyResults) -> list[str] | None:
    """What doctor finds in the numbers of the finished runs, one line per problem; None without a run."""
    found = [
        (v.label, verdict(run.run_dir)) for v in results.variants for run in v.finished if _is_there(run)
    ]
    if not found or any(sentences is None for _, sentences in found):
        return None
    problems: dict[str, list[str]] = {}
    for label, sentences in found:
        for sentence in sentences or ():
            problem = sentence.partition(";")[0]
            problems.setdefault(problem, []).append(label)
    return [f"{', '.join(dict.fromkeys(labels))}: {problem}." for problem, labels in problems.items()]


def _is_there(run: RunResult) -> bool:
    return (run.path / "recipe.yaml").is_file()


def _epochs(trained: Sequence[int]) -> str:
    """How long the runs of the page trained.

    >>> _epochs([8, 8]), _epochs([3, 20]), _epochs([])
    ('8 epochs each', '3 to 20 epochs each', '')
    """
    known = sorted({epochs for epochs in trained if epochs})
    if not known:
        return ""
    span = f"{known[0]} to {known[-1]} epochs" if len(known) > 1 else count_of(known[0], "epoch")
    return f"{span} each"


def _failures(results: StudyResults) -> list[str]:
    """The reasons of failures, each with the names of its runs."""
    reasons: dict[str, list[str]] = {}
    for variant, run in results.failures:
        reasons.setdefault(run.failure, []).append(f"{variant.name} seed {run.seed}")
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _places(results: StudyResults) -> list[str]:
    """Where runs were trained, each place with the names of its runs; none for those of this machine."""
    places: dict[str, list[str]] = {}
    for variant in results.variants:
        for run in variant.finished:
            if run.place:
                places.setdefault(run.place, []).append(f"{variant.name} seed {run.seed}")
    return [f"{place}: {', '.join(names)}" for place, names in places.items()]


def _paths(results: StudyResults, variant: VariantResult) -> dict[str, Any]:
    """The run directories of a variant, relative to the study's folder where possible."""
    paths = [run.path for run in variant.finished]
    shown = [
        str(p.relative_to(results.folder)) if p.is_relative_to(results.folder) else str(p) for p in paths
    ]
    return {"label": variant.label, "name": variant.name, "paths": shown}


def _template_part(element: Element, place: int) -> dict[str, Any]:
    """An element as the values that the template reads."""
    match element:
        case Text(text, kind):
            content = text if kind in ("heading", "error") else markdown_to_html(text)
            return {"kind": kind, "text": content, "id": f"part-{place}"}
        case Table():
            grid = arrange(element, WIDEST)
            hint = ["The table is wider than the page: scroll it sideways."] if grid.width > WIDEST else []
            return {"kind": "table", "grid": grid, "notes": [*hint, *element.notes]}
        case FigureElement(figure, caption):
            label = caption or "figure"
            drawing = plotting.themed_svg(
                plotting.render(figure, "svg"), f"figure-{place}", label, SCREEN_DPI
            )
            broad = figure.get_figwidth() * SCREEN_DPI > 560
            return {"kind": "figure", "svg": drawing, "broad": broad, "caption": caption}
