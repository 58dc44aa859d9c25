"""`vaekit compare`: finished runs side by side."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", metavar="FILE", help="Also write a page of tables and figures.")
@options.model_output
def command(runs: tuple[str, ...], output: str | None, as_json: bool) -> None:
    """Compare finished runs: the differences of their recipes, and their evaluations.

    Nothing is trained or evaluated. For a run without an evaluation, the command that adds it is printed.
    Results from different protocols go in separate columns. For runs that were evaluated by the same protocol
    on the same images, a table shows the mean difference per image with a 95 % interval.

    \b
    Examples:
      vaekit compare runs/mnist/1 runs/mnist/2
      vaekit compare runs/mnist/* -o page.html
    """
    from vaekit.cli.study_output import print_tables
    from vaekit.studies.compare import compare
    from vaekit.studies.default_pages import unmeasured

    results = compare(runs, output)
    print_tables(results, {"page": output, "not_measured": unmeasured(results.variants)}, as_json)
    if output:
        click.echo(f"page: {output}", err=True)
