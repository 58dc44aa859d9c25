"""`vaekit migrate`: models and runs of an older format, converted to the current one."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@click.argument("path")
@options.as_json
@options.verbose
def command(path: str, as_json: bool) -> None:
    """Convert a model or run of format 1 to the current format, in place.

    PATH is a run directory or a model directory. Recipe keys and weights get their current names; all values
    stay the same. The old config.json is kept as config.format1.json, and the old recipe.yaml of a run as
    recipe.format1.yaml. The evaluations and the checkpoint of a run are moved to the folder format1.

    \b
    Example: vaekit migrate runs/mnist/1
    """
    from vaekit.cli.output import emit
    from vaekit.engine.migrate import migrate

    files = [str(file) for file in migrate(path)]
    emit({"files": files}, "\n".join(files) or f"{path}: already in the current format", as_json)
