"""`vaekit study`: an experiment of several runs, and its page."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options


@click.command()
@click.argument("name", required=False, metavar="NAME_OR_FILE")
@click.option("--list", "listing", is_flag=True, help="List the packaged studies.")
@click.option(
    "--preset", metavar="NAME", help="Size of the experiment: quick, full, or another preset of the study."
)
@click.option(
    "--seeds", type=click.IntRange(1, 1000), help="Number of seeds per run. Default: that of the preset."
)
@options.execution
@click.option("-o", "--output", metavar="DIR", help="Folder to write. Default: runs/studies/NAME-PRESET.")
@options.slow_model_output
def command(
    name: str | None, listing: bool, as_json: bool, quiet: bool, output: str | None, **settings: Any
) -> None:
    """Run an experiment of several runs, and write its page.

    Finished runs are kept. The page is DIR/index.html and loads nothing from the network; DIR/results.json
    holds the same results for programs.

    \b
    Examples:
      vaekit study --list
      vaekit study latent-dimension --preset quick
      vaekit study my.yaml --seeds 3 --jobs 2
    """
    if listing:
        _list_studies(as_json)
        return
    if name is None:
        raise click.UsageError("expected the name of a study (see: vaekit study --list) or a YAML file")
    from vaekit.cli.study_output import print_results
    from vaekit.studies.display import make_display
    from vaekit.studies.run_study import study

    print_results(study(name, folder=output, display=make_display(quiet), **settings), as_json)


def _list_studies(as_json: bool) -> None:
    from vaekit.cli.output import emit, table
    from vaekit.studies.library import study_names, study_summary

    rows = [study_summary(name) for name in study_names()]
    lines = table("name", "question")
    for row in rows:
        lines.add_row(row["name"], f"{row['title']}\npresets: {', '.join(row['presets'])}")
    emit({"studies": rows}, lines, as_json)
