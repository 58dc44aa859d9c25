"""`vaekit report`: a run on one page."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option("--redraw", is_flag=True, help="Draw all figures again, not only the missing ones.")
@options.device
@options.as_json
@options.trust
@options.verbose
def command(run: str, redraw: bool, device: str, as_json: bool) -> None:
    """Write the report of a run: recipe, key numbers, training curves and figures on one page.

    RUN is a run directory. The page is RUN/report.html and loads nothing from the network.

    \b
    Example: vaekit report runs/mnist/1
    """
    from vaekit.cli.output import emit
    from vaekit.runs.run import Run

    opened = Run(run, device)
    figures = opened.plot(only_missing=not redraw)
    page = str(opened.report())
    emit({"report": page, "figures": [str(figure) for figure in figures]}, page, as_json)
