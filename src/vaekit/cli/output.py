"""What a command prints: its result on stdout, as text or as JSON, and all else on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 200


def console(stderr: bool = True, width: int | None = None) -> Console:
    """A console that prints what it is given, and no more: no markup, no guessed colors; NO_COLOR holds."""
    from rich.console import Console

    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def emit(data: Any, renderable: Any, as_json: bool) -> None:
    """Print a result on stdout.

    Args:
        data: plain values, for JSON; numbers that are not finite become null.
        renderable: a text, or anything that rich can draw, for people.
        as_json: which of the two.
    """
    from vaekit.utils.io import to_json

    if as_json:
        click.echo(to_json(data), nl=False)
    elif isinstance(renderable, str):
        click.echo(renderable)
    else:
        _print(renderable)


def table(*headings: str) -> Table:
    """A table in the style of all the others: no lines; without headings, plain columns."""
    from rich.table import Table

    return Table(*headings, box=None, header_style="bold", show_header=bool(headings), pad_edge=False)


@contextmanager
def images_bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar over the images on stderr, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console()
    columns = (TextColumn("images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task("images", total=None)
        yield lambda images, of: bar.update(task, advance=images, total=of)


def _print(renderable: Any) -> None:
    """Draw on stdout; where that is no terminal, so wide that no line is broken."""
    wide = None if console(stderr=False).is_terminal else WIDE
    console(stderr=False, width=wide).print(renderable)
