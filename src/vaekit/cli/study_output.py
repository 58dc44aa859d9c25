"""What the commands that run or compare several runs print at their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

    from vaekit.studies.arrange import Entry
    from vaekit.studies.elements import Table
    from vaekit.studies.results import StudyResults

_TABLES = {"table", "paired_differences"}  # the blocks that are also printed in a terminal


def print_results(results: StudyResults, as_json: bool, tables: bool = False) -> None:
    """Print the paths of the page and of results.json, then raise an error if runs failed.

    Args:
        results: of the study.
        as_json: print JSON instead of text.
        tables: also print the tables of the page.

    Raises:
        DivergedError: runs failed, all of them by divergence.
        VaekitError: a run failed for another reason.

    >>> from vaekit.studies.results import StudyResults
    >>> from vaekit.studies.schema import Study
    >>> from pathlib import Path
    >>> study = Study(title="Mine", runs=[{"name": "digits", "recipe": "digits"}])
    >>> print_results(StudyResults(study, [], Path("out")), as_json=False)
    Page     out/index.html
    Numbers  out/results.json
    """
    from vaekit.cli.output import emit

    summary = {
        "page": str(results.page),
        "results": str(results.folder / "results.json"),
        "finished": sum(len(variant.finished) for variant in results.variants),
        "failed": [{"run": str(run.path), "failure": run.failure} for _, run in results.failures],
    }
    if tables:
        print_tables(results, summary, as_json)
    else:
        emit(summary, f"Page     {summary['page']}\nNumbers  {summary['results']}", as_json)
    _raise_failures(results)


def print_tables(results: StudyResults, summary: dict[str, Any], as_json: bool) -> None:
    """Print the tables of a page, and where it is.

    Args:
        results: of the study.
        summary: plain values; its key `page` is also printed as text.
        as_json: print JSON instead of text.

    >>> from vaekit.studies.results import StudyResults
    >>> from vaekit.studies.schema import Study
    >>> from pathlib import Path
    >>> study = Study(title="Mine", runs=[{"name": "digits", "recipe": "digits"}])
    >>> print_tables(StudyResults(study, [], Path("out")), {"page": "out/index.html"}, as_json=False)
    Page     out/index.html
    """
    from rich.console import Group

    from vaekit.cli.output import emit
    from vaekit.studies.blocks import draw_block
    from vaekit.studies.elements import Table, Text
    from vaekit.studies.results_json import table_to_dict

    blocks = [block for block in results.study.page if not _TABLES.isdisjoint(block)]
    parts = [part for block in blocks for part in draw_block(results, block)]
    tables = [part for part in parts if isinstance(part, Table)]
    for part in parts:
        if isinstance(part, Text) and part.kind == "error":
            click.echo(f"warning: {part.text}", err=True)
    place = [f"Page     {summary['page']}"] if summary.get("page") else []
    emit(
        {**summary, "tables": [table_to_dict(table) for table in tables]},
        Group(*(part for table in tables for part in (_TableView(table), "")), *place),
        as_json,
    )


class _TableView:
    """A table with its notes; a star marks what is bold on the page. Runs are columns if only that fits."""

    def __init__(self, table: Table):
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        from vaekit.cli.output import table as plain
        from vaekit.studies.arrange import arrange

        grid = arrange(self._table, options.max_width)
        lines = plain(grid.heading, *(_heading(*head) for head in grid.heads))
        for column in lines.columns[1:]:
            column.justify = "right"
        for (title, unit), entries in grid.rows:
            name = f"{title} ({unit})" if unit else title
            lines.add_row(name, *(_format_entry(entry) for entry in entries))
        yield lines
        yield ""
        yield from self._table.notes
        if _has_best(self._table):
            yield "* bold on the page"


def _has_best(table: Table) -> bool:
    return any(cell.best for _, cells in table.rows for cell in cells)


def _heading(title: str, unit: str) -> str:
    return f"{title}\n{unit}" if unit else title


def _format_entry(entry: Entry) -> str:
    marks = f" ({entry.marks})" if entry.marks else ""
    return entry.text.replace("−", "-") + "*" * entry.best + marks


def _raise_failures(results: StudyResults) -> None:
    from vaekit.errors import DivergedError, VaekitError

    failures = [run for _, run in results.failures]
    if not failures:
        return
    total = sum(len(variant.runs) for variant in results.variants)
    kind = DivergedError if all(t.exit_code == DivergedError.exit_code for t in failures) else VaekitError
    raise kind(
        f"{len(failures)} of {total} runs failed; first failure: {failures[0].path}: {failures[0].failure}"
    )
