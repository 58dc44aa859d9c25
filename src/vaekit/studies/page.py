"""Results become one page that stands alone, and results.json: its blocks are drawn once, for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import vaekit
from vaekit import plotting
from vaekit.studies.blocks import draw
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, Text
from vaekit.studies.markdown import html
from vaekit.studies.results import StudyResults
from vaekit.studies.results_json import write_results
from vaekit.utils.format import format_duration, format_number, format_significant
from vaekit.utils.html import SCREEN_DPI, data_uri, render_page
from vaekit.utils.io import write_whole


def write_page(results: StudyResults) -> None:
    """Write index.html and results.json into the study's folder, each whole or not at all.

    Raises:
        VaekitError: one cannot be written.
    """
    parts = draw_all(results)
    write_whole(results.page, render(results, parts).encode())
    write_results(results, [part for part in parts if isinstance(part, Table)])


def draw_all(results: StudyResults) -> list[Element]:
    """The parts of all blocks, from top to bottom."""
    return [part for block in results.study.page for part in draw(results, block)]


def render(results: StudyResults, parts: Sequence[Element]) -> str:
    """A whole HTML document that loads nothing from anywhere."""
    return render_page("vaekit.studies", "study.html", **_view(results, parts))


def _view(results: StudyResults, parts: Sequence[Element]) -> dict[str, Any]:
    """Every value that the template names."""
    study = results.study
    shown = [_shown(part, place) for place, part in enumerate(parts)]
    runs = [run for variant in results.variants for run in variant.finished]
    seconds = sum(record.get("seconds") or 0 for run in runs for record in run.metrics)
    return {
        "title": study.title or study.name,
        "question": html(study.question) if study.question else "",
        "description": html(results.preset.description) if results.preset.description else "",
        "reference": study.reference,
        "preset": results.preset_name,
        "date": f"{datetime.now(UTC):%d %B %Y}".lstrip("0"),
        "count": len(runs),
        "time": format_duration(seconds) if seconds else "",
        "version": vaekit.__version__,
        "parts": shown,
        "headings": [part for part in shown if part["kind"] == "heading"],
        "failures": _failures(results),
        "command": results.command,
        "runs": [_run(results, variant) for variant in results.variants],
        "environment": runs[0].run_dir.environment if runs else {},
    }


def _failures(results: StudyResults) -> list[str]:
    """Why runs did not come to their end, each reason once, after those it concerns."""
    reasons: dict[str, list[str]] = {}
    for variant, run in results.failures:
        reasons.setdefault(run.failure, []).append(f"{variant.name} seed {run.seed}")
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _run(results: StudyResults, variant: Any) -> dict[str, Any]:
    """Where the runs of a variant lie."""
    paths = [t.path for t in variant.finished]
    near = [str(p.relative_to(results.folder)) if p.is_relative_to(results.folder) else str(p) for p in paths]
    return {"label": variant.label, "name": variant.name, "paths": near}


def _shown(part: Element, place: int) -> dict[str, Any]:
    """A part as the template takes it."""
    match part:
        case Text():
            text = part.text if part.kind in ("heading", "error") else html(part.text)
            return {"kind": part.kind, "text": text, "id": f"part-{place}"}
        case Table():
            return {"kind": "table", **_table(part)}
        case FigureElement():
            return {"kind": "figure", **_figure(part)}


def _table(table: Table) -> dict[str, Any]:
    return {
        "heading": table.heading,
        "columns": table.columns,
        "rows": [
            (name, [_cell(cell, column) for cell, column in zip(cells, table.columns, strict=True)])
            for name, cells in table.rows
        ],
        "notes": table.notes,
    }


def _cell(cell: Cell, column: Column) -> dict[str, Any]:
    return {"text": written(cell, column), "marks": cell.marks, "best": cell.best}


def written(cell: Cell, column: Column) -> str:
    """A cell as people read it: so many digits, ± the deviation, a dash for what is not known."""
    if cell.value is None:
        return "–"
    if isinstance(cell.value, str):
        return cell.value
    word = _writer(column)
    return word(cell.value) + (f" ± {word(cell.std)}" if cell.std is not None else "")


def _writer(column: Column) -> Callable[[float], str]:
    if column.setting:
        return _short
    return format_significant if column.digits is None else partial(format_number, digits=column.digits)


def _short(value: float) -> str:
    """A number that was chosen: with as many digits as it takes."""
    return f"{value:.12g}".replace("-", "−")


def _figure(part: FigureElement) -> dict[str, Any]:
    across, up = part.figure.get_size_inches()
    return {
        "uri": data_uri(plotting.render(part.figure), "image/png"),
        "width": round(across * SCREEN_DPI),
        "height": round(up * SCREEN_DPI),
        "caption": part.caption,
    }
