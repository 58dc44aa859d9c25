"""`vaekit compare`: runs that are finished, side by side."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", metavar="FILE", help="Write a page of tables and figures, such as page.html.")
@options.as_json
@options.verbose
def command(runs: tuple[str, ...], output: str | None, as_json: bool) -> None:
    """Put finished runs side by side: what differs in their recipes, and what was measured.

    Nothing is trained or measured; a run without numbers is named with the command that measures it. Numbers
    that were not measured in the same way stand in columns of their own. Where runs were measured in the same
    way on the same images, their differences image by image are tabled, with 95 % intervals.

    \b
    Examples:
      vaekit compare runs/mnist/1 runs/mnist/2
      vaekit compare runs/mnist/* -o page.html
    """
    from vaekit.cli.study_output import show
    from vaekit.studies.compare import compare, unmeasured

    results = compare(runs, output)
    show(results, {"page": output, "not_measured": unmeasured(results.variants)}, as_json)
    if output:
        click.echo(f"page: {output}", err=True)
