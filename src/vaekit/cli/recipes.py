"""`vaekit recipes`: the packaged recipes, and all keys of a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options

if TYPE_CHECKING:
    from vaekit.config.schema.recipe import Recipe


@click.group()
def command() -> None:
    """List, show and copy recipes, and explain their keys.

    \b
    Examples:
      vaekit recipes list
      vaekit recipes copy mnist my.yaml
      vaekit train my.yaml
    """


@command.command("list")
@options.as_json
@options.verbose
def list_(as_json: bool) -> None:
    """List the packaged recipes.

    \b
    Example: vaekit recipes list
    """
    from vaekit.cli.output import emit, table
    from vaekit.config.loading import load_recipe, recipe_names

    rows = [_describe(load_recipe(name)) for name in recipe_names()]
    lines = table("name", "description")
    for row in rows:
        after = f"; after {row['reference']}" if row["reference"] else ""
        lines.add_row(row["name"], f"{row['title']}\n{row['data']}; {row['model']}{after}")
    emit({"recipes": rows}, lines, as_json)


@command.command()
@click.argument("name")
@click.option("--source", is_flag=True, help="Show the file as written, with its comments.")
@options.as_json
@options.verbose
def show(name: str, source: bool, as_json: bool) -> None:
    """Show a recipe with all defaults.

    \b
    Examples:
      vaekit recipes show mnist
      vaekit recipes show my.yaml --source
    """
    from vaekit.cli.output import emit
    from vaekit.config.loading import dump_recipe, load_recipe, recipe_text

    recipe = load_recipe(name)
    text = recipe_text(name) if source else dump_recipe(recipe)
    emit(recipe.model_dump(mode="json"), text.rstrip("\n"), as_json)


@command.command()
@click.argument("prefix", default="", metavar="[PART]")
@options.as_json
@options.verbose
def keys(prefix: str, as_json: bool) -> None:
    """List the keys of a recipe with default, meaning and allowed values.

    PART selects the keys that start with it.

    \b
    Examples:
      vaekit recipes keys
      vaekit recipes keys training
    """
    from vaekit.cli.output import emit
    from vaekit.config.reference import recipe_keys
    from vaekit.errors import NotFoundError, did_you_mean

    all_keys = recipe_keys()
    found = [key for key in all_keys if key.path.startswith(prefix)]
    if not found:
        parts = {key.path.partition(".")[0] for key in all_keys}
        raise NotFoundError(f"no recipe key starts with {prefix!r}{did_you_mean(prefix, parts)}")
    lines = [f"{key.path}={key.default}\n    {key.meaning or 'kind'}: {key.values}" for key in found]
    emit({"keys": [key._asdict() for key in found]}, "\n".join(lines), as_json)


@command.command()
@click.argument("name")
@click.argument("path", required=False)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@options.as_json
@options.verbose
def copy(name: str, path: str | None, force: bool, as_json: bool) -> None:
    """Copy a recipe to a file for editing.

    NAME is a recipe. PATH is the file, by default NAME.yaml.

    \b
    Example: vaekit recipes copy mnist my.yaml
    """
    from pathlib import Path

    from vaekit.cli.output import emit
    from vaekit.config.loading import recipe_text
    from vaekit.errors import VaekitError
    from vaekit.utils.io import write_whole

    text, target = recipe_text(name), Path(path or f"{Path(name).stem}.yaml")
    if target.exists() and not force:
        raise VaekitError(f"{target}: file exists; choose another name, or overwrite it with --force")
    write_whole(target, text.encode())
    emit({"file": str(target)}, f"{target}; to train it: vaekit train {target}", as_json)


def _describe(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "title": recipe.title,
        "data": f"{recipe.data.dataset}, {recipe.data.observation}",
        "model": _describe_model(recipe),
        "reference": recipe.reference,
    }


def _describe_model(recipe: Recipe) -> str:
    """Network, layer sizes and likelihood of the model."""
    network, likelihood = recipe.model.encoder.network, recipe.model.decoder.likelihood
    gated = "gated " if getattr(network, "gated", False) else ""
    hidden = [*getattr(network, "channels", []), *getattr(network, "hidden_sizes", [])]
    units = [*hidden, *recipe.model.layer_dims]
    return f"{gated}{network.kind} {'-'.join(map(str, units))}, {likelihood.kind}"
