"""`vaekit report`: a run on one page."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option("--redraw", is_flag=True, help="Draw all figures again, not only the missing ones.")
@click.option(
    "--figure",
    "own",
    metavar="NAME",
    multiple=True,
    help="Also draw a figure of your own, FILE.py:NAME or MODULE:NAME. Can be repeated.",
)
@options.device
@options.model_output
def command(run: str, redraw: bool, own: tuple[str, ...], device: str, as_json: bool) -> None:
    """Write the report of a run: recipe, key numbers, training curves and figures on one page.

    RUN is a run directory. The page is RUN/report.html and loads nothing from the network. It shows every
    image of RUN/figures, so a figure of your own stays in later reports.

    \b
    Examples:
      vaekit report runs/mnist/1
      vaekit report runs/mnist/1 --figure own.py:histogram
    """
    from vaekit.cli.output import emit
    from vaekit.runs.run import Run

    opened = Run(run, device)
    figures = opened.plot(only_missing=not redraw, figures=own)
    page = str(opened.report())
    emit({"report": page, "figures": [str(figure) for figure in figures]}, page, as_json)
