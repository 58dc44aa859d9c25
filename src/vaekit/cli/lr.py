"""`vaekit lr`: find a learning rate."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@click.argument("words", nargs=-1, metavar="[RECIPE] [KEY=VALUE]...")
@click.option(
    "--data", metavar="NAME_OR_PATH", help="Dataset name (see: vaekit data list) or path of your own data."
)
@click.option("--steps", type=click.IntRange(2, 100_000), default=200, show_default=True, help="Steps.")
@click.option("--min-rate", type=float, default=1e-6, show_default=True, help="Learning rate of the first.")
@click.option("--max-rate", type=float, default=1.0, show_default=True, help="Learning rate of the last.")
@click.option("-o", "--output", default="learning-rates.png", show_default=True, help="File of the figure.")
@options.as_json
@options.verbose
def command(
    words: tuple[str, ...],
    data: str | None,
    steps: int,
    min_rate: float,
    max_rate: float,
    output: str,
    as_json: bool,
) -> None:
    """Suggest a learning rate: train for some steps with a rising one (Smith 2017).

    The suggestion is a tenth of the largest rate at which the loss is still the lowest. Nothing is kept but
    the figure.

    \b
    Examples:
      vaekit lr mnist
      vaekit lr --data photos/ -o rates.svg
    """
    from vaekit.cli.output import emit
    from vaekit.cli.train import split_words
    from vaekit.engine.learning_rate import find_learning_rate

    recipe, overrides = split_words(words)
    search = find_learning_rate(
        data, recipe=recipe, overrides=overrides, steps=steps, min_rate=min_rate, max_rate=max_rate
    )
    file = search.save(output)
    found = {
        "suggestion": search.suggestion,
        "rates": list(search.rates),
        "losses": list(search.losses),
        "figure": str(file),
    }
    text = f"training.learning_rate={search.suggestion:.2g}\nFigure  {file}"
    emit(found, text, as_json)
