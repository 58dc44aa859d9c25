"""How the commands that run or compare several runs end: with what they found on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaekit.studies.elements import Cell, Column, Table
    from vaekit.studies.results import StudyResults

_TABLES = {"table", "paired_differences"}  # the blocks that are printed in a terminal too


def finish(results: StudyResults, as_json: bool, tables: bool = False) -> None:
    """Print where the page is, and leave with an error where runs failed.

    Args:
        tables: print the tables of the page as well.

    Raises:
        DivergedError: every run that failed diverged.
        VaekitError: one failed for another reason.
    """
    from vaekit.cli.output import emit

    summary = {
        "page": str(results.page),
        "results": str(results.folder / "results.json"),
        "finished": sum(len(variant.finished) for variant in results.variants),
        "failed": [{"run": str(run.path), "failure": run.failure} for _, run in results.failures],
    }
    if tables:
        show(results, summary, as_json)
    else:
        emit(summary, f"Page     {summary['page']}\nNumbers  {summary['results']}", as_json)
    _complain(results)


def show(results: StudyResults, summary: dict[str, Any], as_json: bool) -> None:
    """Print the tables among the blocks of a page, and a summary."""
    from rich.console import Group

    from vaekit.cli.output import emit
    from vaekit.studies.blocks import draw
    from vaekit.studies.elements import Table
    from vaekit.studies.results_json import table_to_dict

    blocks = [block for block in results.study.page if not _TABLES.isdisjoint(block)]
    parts = [part for block in blocks for part in draw(results, block)]
    tables = [part for part in parts if isinstance(part, Table)]
    where = [f"Page     {summary['page']}"] if summary.get("page") else []
    emit(
        {**summary, "tables": [table_to_dict(table) for table in tables]},
        Group(*(part for table in tables for part in (_drawn(table), "")), *where),
        as_json,
    )


def _drawn(table: Table) -> Any:
    """A table with its notes; the best of a column has a star."""
    from rich.console import Group

    from vaekit.cli.output import table as plain

    lines = plain(table.heading, *(_heading(column) for column in table.columns))
    for column in lines.columns[1:]:
        column.justify = "right"
    for name, cells in table.rows:
        words = (_word(cell, column) for cell, column in zip(cells, table.columns, strict=True))
        lines.add_row(name, *words)
    return Group(lines, "", *table.notes, *(["* the best of its column"] if _has_best(table) else []))


def _has_best(table: Table) -> bool:
    return any(cell.best for _, cells in table.rows for cell in cells)


def _heading(column: Column) -> str:
    return f"{column.title}\n{column.unit}" if column.unit else column.title


def _word(cell: Cell, column: Column) -> str:
    from vaekit.studies.page import written

    marks = f" ({cell.marks})" if cell.marks else ""
    return written(cell, column).replace("−", "-") + "*" * cell.best + marks


def _complain(results: StudyResults) -> None:
    from vaekit.errors import DivergedError, VaekitError

    failures = [run for _, run in results.failures]
    if not failures:
        return
    total = sum(len(variant.runs) for variant in results.variants)
    kind = DivergedError if all(t.exit_code == DivergedError.exit_code for t in failures) else VaekitError
    raise kind(
        f"{len(failures)} of {total} runs failed; the first: {failures[0].path}: {failures[0].failure}"
    )
