"""`vaekit study`: an experiment of several runs, and its page."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options


@click.command()
@click.argument("name", required=False, metavar="NAME_OR_FILE")
@click.option("--list", "listing", is_flag=True, help="List the studies of the package.")
@click.option("--preset", metavar="NAME", help="How much to spend: quick, full, or what else the study has.")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), help="Trainings of each run; as the preset says if left out."
)
@click.option("--resume", is_flag=True, help="Go on with runs that were interrupted.")
@options.jobs
@click.option("-o", "--output", metavar="DIR", help="Where to; runs/studies/NAME-PRESET if left out.")
@options.as_json
@options.quiet
@options.verbose
def command(
    name: str | None, listing: bool, as_json: bool, quiet: bool, output: str | None, **settings: Any
) -> None:
    """Run an experiment of several trainings, and write its page.

    What is finished is kept. The page, DIR/index.html, stands alone; DIR/results.json has the same for
    programs.

    \b
    Examples:
      vaekit study --list
      vaekit study latent-dimension --preset quick
      vaekit study my.yaml --seeds 3 --jobs 2
    """
    if listing:
        _list(as_json)
        return
    if name is None:
        raise click.UsageError("name a study (see: vaekit study --list), or a YAML file")
    from vaekit.cli.study_output import finish
    from vaekit.studies.display import make_display
    from vaekit.studies.run_study import study

    finish(study(name, folder=output, display=make_display(quiet), **settings), as_json)


def _list(as_json: bool) -> None:
    from vaekit.cli.output import emit, table
    from vaekit.studies.library import study_names, study_summary

    rows = [study_summary(name) for name in study_names()]
    lines = table("name", "what it asks")
    for row in rows:
        lines.add_row(row["name"], f"{row['title']}\nbudgets: {', '.join(row['presets'])}")
    emit({"studies": rows}, lines, as_json)
