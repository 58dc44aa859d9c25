"""`vaekit explore`: a web page in which one walks through the latent space of a model, or of two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options

if TYPE_CHECKING:
    from vaekit.engine.trained_model import TrainedModel


@click.command()
@click.argument("runs", metavar="RUN [RUN_B]", nargs=-1)
@click.option("--demo", is_flag=True, help="Open a small model that comes with the package.")
@options.data
@click.option(
    "--split",
    type=click.Choice([*options.SPLITS, "all"]),
    default="test",
    show_default=True,
    help="The part of the data whose images are points of the map; at most 70,000 of them.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen; a free port is taken where this one is not.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="On which address; any but this machine's own needs the token in the address that is printed.",
)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@options.device
@options.quiet
@options.verbose
def command(
    runs: tuple[str, ...],
    demo: bool,
    data: str | None,
    split: str,
    port: int,
    host: str,
    no_open: bool,
    device: str,
    quiet: bool,
) -> None:
    """Walk through the latent space of a model, in a browser.

    RUN is a run directory, a model directory, or the file of its weights; two are shown side by side. The
    page is served to this machine alone, until Ctrl-C.

    \b
    Examples:
      vaekit explore --demo
      vaekit explore runs/mnist/1
      vaekit explore runs/mnist/1 runs/mnist-vamp/1
    """
    from vaekit.explorer.server import serve
    from vaekit.explorer.session import open_session

    models = opened(runs, demo, device)
    with _bar(quiet) as progress:
        explored = [open_session(trained, python, data, split, progress) for trained, python in models]
    serve(explored, host, port, lambda address: _ready(address, not no_open))


def opened(runs: tuple[str, ...], demo: bool, device: str) -> list[tuple[TrainedModel, str]]:
    """One model or two, each with the expression that loads it."""
    if not 1 <= len(runs) + demo <= 2:
        raise click.UsageError("expected one RUN, or two to compare; or --demo")
    from vaekit.cli import common
    from vaekit.explorer.session import demo as packaged_model

    named = [(common.open_model(run, device)[0], f"vaekit.load({run!r}, device='cpu')") for run in runs]
    return [(packaged_model(), "vaekit.demo()"), *named] if demo else named


def _ready(address: str, browse: bool) -> None:
    click.echo(address)
    if browse:
        import webbrowser

        webbrowser.open(address)


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    """A bar over the images on stderr, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from vaekit.cli.output import console

    screen = console()
    columns = (TextColumn("codes"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=quiet or not screen.is_terminal) as bar:
        task = bar.add_task("codes", total=None)
        yield lambda images, of: bar.update(task, advance=images, total=of)
