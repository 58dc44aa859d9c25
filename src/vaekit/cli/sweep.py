"""`vaekit sweep`: one recipe with several values of its keys."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options


@click.command()
@click.argument("recipe")
@click.argument("words", nargs=-1, required=True, metavar="KEY=VALUE,VALUE...")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Seeds per combination.",
)
@click.option("--epochs", type=click.IntRange(1), help="Short for training.epochs=N.")
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=100,
    show_default=True,
    help="Importance samples per image.",
)
@click.option(
    "--images", type=click.IntRange(1), default=1000, show_default=True, help="Number of test images."
)
@options.split
@options.execution
@click.option("-o", "--output", metavar="DIR", help="Folder to write. Default: runs/sweeps/RECIPE-KEYS.")
@options.slow_model_output
def command(
    recipe: str,
    words: tuple[str, ...],
    epochs: int | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a recipe with every combination of the given values, and compare the results.

    A key with values separated by commas varies; a key with one value is set for all runs. A list in brackets
    is one value. Finished runs are kept, so a sweep can be extended later.

    RECIPE is a name or a file, or the path of data, for which a recipe is proposed. To choose a value,
    compare on the validation split.

    \b
    Examples:
      vaekit sweep mnist model.latent_dim=2,8,32 --epochs 3
      vaekit sweep digits objective.beta=0.5,1,4 model.latent_dim=4,8 --seeds 3
      vaekit sweep patients.csv model.latent_dim=2,4,8 --split validation
    """
    from vaekit.cli.study_output import print_results
    from vaekit.studies.display import make_display
    from vaekit.studies.sweep import sweep

    grid, fixed = _split_grid([*words, *([f"training.epochs={epochs}"] if epochs else [])])
    results = sweep(recipe, grid, fixed, folder=output, display=make_display(quiet), **settings)
    print_results(results, as_json, tables=True)


def _split_grid(words: list[str]) -> tuple[dict[str, list[Any]], list[str]]:
    """The keys with several values, and the overrides with one."""
    from vaekit.studies.sweep import parse_values

    grid: dict[str, list[Any]] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise click.UsageError(f"expected KEY=VALUE,VALUE... after the recipe, got {word!r}")
        if len(values := parse_values(text)) > 1:
            grid[key] = values
    return grid, [word for word in words if word.partition("=")[0] not in grid]
