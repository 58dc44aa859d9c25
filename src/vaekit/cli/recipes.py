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
@click.argument("part", default="", metavar="[PART]")
@click.argument("name", default="", metavar="[NAME]")
@options.as_json
@options.verbose
def keys(part: str, name: str, as_json: bool) -> None:
    """Explain the keys of a recipe, and the components that it can name.

    PART is a part of a recipe (data, model, objective, training), a key, or a kind of component, such as
    priors. NAME is one component of the kind. Without PART, list the parts and kinds.

    \b
    Examples:
      vaekit recipes keys
      vaekit recipes keys training
      vaekit recipes keys priors
      vaekit recipes keys prior vamp
    """
    from vaekit.cli.key_tables import kind_tables, overview, part_table
    from vaekit.cli.output import emit
    from vaekit.config.keys import component_places, find_keys, recipe_parts
    from vaekit.registry import KINDS

    if name and part not in {*KINDS, *KINDS.values()}:
        part, name = f"{part}.{name}", ""
    found, kinds = find_keys(part, name)
    data = {"keys": [key._asdict() for key in found], "kinds": [kind.as_dict() for kind in kinds]}
    if not part:
        emit(data, overview(recipe_parts(), kinds), as_json)
    elif found:
        paths = {key.path for key in found}
        named = [KINDS[kind] for kind, places in component_places().items() if paths & places.keys()]
        emit(data, part_table(found, named), as_json)
    else:
        from rich.console import Group

        tables = [part for kind in kinds for part in ("", kind_tables(kind))][1:]
        emit(data, Group(*tables), as_json)


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
    from vaekit.config.components import short_name

    network, likelihood = recipe.model.encoder.network, recipe.model.decoder.likelihood
    gated = "gated " if getattr(network, "gated", False) else ""
    hidden = [*getattr(network, "channels", []), *getattr(network, "hidden_sizes", [])]
    units = [*hidden, *recipe.model.layer_dims]
    return f"{gated}{short_name(network)} {'-'.join(map(str, units))}, {short_name(likelihood)}"
