"""What commands share at their start and end: open a model, show progress, save a plot, print the result.

A result goes to stdout, as text or as JSON. Everything else goes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from vaekit.data import Dataset
    from vaekit.engine.plot import Plot
    from vaekit.engine.trained_model import TrainedModel

FILE_WIDTH = 200
"""Columns of text where stdout is not a terminal, so that no line of a table is broken."""


def open_model(path: str, device: str, strict: bool = False) -> tuple[TrainedModel, Path]:
    """Open the model of a run, a model directory, or a file of weights.

    Args:
        path: of the run or model.
        device: where its weights go.
        strict: refuse other data with pictures that cannot be read, instead of skipping these.

    Returns:
        The model, and the folder for its plots: `figures` of the run, else the current folder.

    >>> from importlib.resources import files
    >>> trained, folder = open_model(str(files("vaekit") / "explorer" / "demo_model"), "cpu")
    >>> trained.shape, str(folder)
    ((1, 28, 28), '.')
    """
    from dataclasses import replace

    from vaekit.config.loading import override_recipe
    from vaekit.runs.run import Run, open_path

    found = open_path(path, device)
    trained, folder = (found.trained, found.path / "figures") if isinstance(found, Run) else (found, Path())
    if strict:
        trained = replace(trained, recipe=override_recipe(trained.recipe, ["data.strict=true"]))
    return trained, folder


def say_notes(dataset: Dataset, data: str | None) -> None:
    """Say on stderr what was inferred of other data that the user named; nothing of the model's own.

    >>> from vaekit.data import load_dataset
    >>> say_notes(load_dataset("digits"), None)
    """
    for note in dataset.notes if data is not None else ():
        click.echo(f"data: {note}", err=True)


def say_part(dataset: Dataset, used: int, split: str) -> None:
    """Say on stderr that a part of the data is used, so that nobody takes it for all of them.

    >>> from vaekit.data import load_dataset
    >>> say_part(load_dataset("digits"), 1797, "test")
    """
    if used < len(dataset):
        click.echo(
            f"data: the {split} split, {used:,} of {len(dataset):,} {dataset.noun}; --split all takes all of "
            "them",
            err=True,
        )


def save_plot(plot: Plot, path: str | Path, as_json: bool) -> None:
    """Write the figure or the arrays of a plot, and print the path.

    >>> import tempfile
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from vaekit.engine.plot import Plot
    >>> path = Path(tempfile.mkdtemp()) / "zeros.npy"
    >>> save_plot(Plot({"images": np.zeros((2, 1, 8, 8))}, Figure()), path, False)  # doctest: +ELLIPSIS
    /...zeros.npy
    """
    written = plot.save(path)
    shapes = {name: list(array.shape) for name, array in plot.arrays.items()}
    emit({"file": str(written), "arrays": shapes}, str(written), as_json)


def console(stderr: bool = True, width: int | None = None) -> Console:
    """A rich console that prints text as it is: no markup, no highlighting. It respects NO_COLOR.

    >>> console(width=60).width
    60
    """
    from rich.console import Console

    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def emit(data: Any, renderable: Any, as_json: bool) -> None:
    """Print a result on stdout.

    Args:
        data: plain values for JSON; numbers that are not finite become null.
        renderable: a text, or anything that rich can render.
        as_json: print `data` instead of `renderable`.

    >>> emit({"images": 3}, "3 images", as_json=False)
    3 images
    >>> emit({"images": 3}, "3 images", as_json=True)
    {
      "images": 3
    }
    """
    from vaekit.utils.io import to_json

    if as_json:
        click.echo(to_json(data), nl=False)
    elif isinstance(renderable, str):
        click.echo(renderable)
    else:
        width = None if console(stderr=False).is_terminal else FILE_WIDTH
        console(stderr=False, width=width).print(renderable)


def table(*headings: str) -> Table:
    """A table without lines, in the style of all commands; without headings, plain columns.

    >>> table("name", "shape").columns[1].header
    'shape'
    """
    from rich.table import Table

    return Table(*headings, box=None, header_style="bold", show_header=bool(headings), pad_edge=False)


@contextmanager
def progress_bar(quiet: bool, what: str = "images") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, if that is a terminal.

    Args:
        quiet: show nothing.
        what: what is counted.

    Yields:
        A function of the number of newly finished items and the total.

    >>> with progress_bar(quiet=True) as advance:
    ...     advance(10, 100)
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, advance=done, total=total)
