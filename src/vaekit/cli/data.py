"""`vaekit data`: the available datasets, and importing your own."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options

_COLUMNS = 40  # shown at most


@click.group(name="data")
def command() -> None:
    """List, show, prepare and import datasets.

    \b
    Examples:
      vaekit data list
      vaekit data import photos/ --name cats --size 64 64
      vaekit train --data cats
    """


@command.command("list")
@options.as_json
@options.verbose
def list_(as_json: bool) -> None:
    """List the named datasets, and where each is found.

    \b
    Example: vaekit data list --json
    """
    from vaekit.cli.output import emit
    from vaekit.data.describe import list_datasets

    rows = list_datasets()
    emit({"datasets": rows}, _datasets_table(rows), as_json)


@command.command()
@click.argument("name")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@options.as_json
@options.verbose
def show(name: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Describe a dataset, the data at a path, or those of a function, FILE.py:NAME.

    KEY=VALUE sets a key of `data`, such as the label or the kinds of the columns of a table.

    \b
    Examples:
      vaekit data show mnist
      vaekit data show own.py:moons
      vaekit data show measurements.csv
      vaekit data show measurements.csv data.label=species "data.columns={id: ignore, year: ordered}"
    """
    from vaekit.cli.output import emit
    from vaekit.config.build import build_data, load_data
    from vaekit.config.loading import override_recipe
    from vaekit.config.schema.data import DataSettings, is_dataset_function
    from vaekit.config.schema.recipe import Recipe
    from vaekit.data.describe import describe_dataset

    if overrides:
        recipe = override_recipe(Recipe(data=DataSettings(dataset=name)), overrides)
        facts = describe_dataset(build_data(recipe.data.model_copy(update={"validation": 0}))[0])
    else:
        own = is_dataset_function(name)
        facts = describe_dataset(load_data(DataSettings(dataset=name)) if own else name)
    emit(facts, _facts_table(facts), as_json)


@command.command()
@click.argument("name")
@options.as_json
@options.verbose
def prepare(name: str, as_json: bool) -> None:
    """Download, verify and decode a dataset of the catalog, for later use.

    \b
    Example: vaekit data prepare fashion-mnist
    """
    from vaekit.cli.output import emit
    from vaekit.data import cache, catalog, load_dataset
    from vaekit.utils.paths import cache_folder

    dataset = load_dataset(catalog.find_entry(name).name)
    cached = str(cache_folder()) if name in cache.dataset_names(cache.catalog_folder()) else None
    facts = {"name": name, "images": len(dataset), "source": dataset.source, "cache": cached}
    state = f"ready in {cached}" if cached else "but the cache cannot be written"
    emit(facts, f"{name}: {len(dataset)} images, {state} (source: {dataset.source})", as_json)


@command.command("import")
@click.argument("path")
@click.option("--name", help="Name of the dataset. Default: the name of the file or folder.")
@click.option(
    "--size", nargs=2, type=click.IntRange(1), metavar="H W", help="Image height and width, pixels."
)
@click.option(
    "--crop",
    type=click.Choice(["resize", "center"]),
    default="resize",
    show_default=True,
    help="With --size: resize the whole image, or crop its center first.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "gray", "rgb"]),
    default="auto",
    show_default=True,
    help="Channels of the images; auto keeps those of the files.",
)
@click.option("--strict", is_flag=True, help="Refuse a folder with an image that cannot be read.")
@click.option(
    "--kind",
    type=click.Choice(["auto", "vector", "signal", "image", "volume"]),
    default="auto",
    show_default=True,
    help="What the data points of an array are.",
)
@click.option("--array", metavar="NAME", help="Array of a .npz, .h5 or .mat file that holds the values.")
@click.option("--force", is_flag=True, help="Replace an imported dataset of the same name.")
@options.as_json
@options.verbose
def import_(path: str, as_json: bool, **settings: Any) -> None:
    """Import your own data under a name, for --data.

    PATH is a folder of images (subfolders become labels), a .npy, .npz or .csv file, or the image file of an
    IDX pair.

    \b
    Example: vaekit data import photos/ --name cats --size 64 64 --crop center
    """
    from vaekit.cli.output import emit
    from vaekit.data import import_data
    from vaekit.data.describe import describe_dataset

    facts = describe_dataset(import_data(path, **settings).name)
    emit(facts, _facts_table(facts), as_json)


def _datasets_table(rows: list[dict[str, Any]]) -> Any:
    from vaekit.cli.output import table

    lines = table("name", "images", "shape", "location", "license")
    for row in rows:
        lines.add_row(
            row["name"], str(row["images"] or "–"), _text(row["shape"]), row["found"], row["license"]
        )
    return lines


def _facts_table(facts: dict[str, Any]) -> Any:
    from vaekit.cli.output import table

    lines = table()
    facts = dict(_with_columns_in_words(facts))
    noun = facts.pop("noun", "images")
    for key, value in facts.items():
        if value not in (None, "", [], {}):
            lines.add_row(noun if key == "images" else key, _text(value))
    return lines


def _with_columns_in_words(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with one line per column of a table, and with its notes one per line."""
    from vaekit.data.tables.facts import describe_column

    columns = facts.get("columns")
    if not columns:
        return facts
    lines = {row["name"]: describe_column(row) for row in columns[:_COLUMNS]}
    if len(columns) > _COLUMNS:
        lines["..."] = f"{len(columns) - _COLUMNS} more columns"
    aside = dict(list(facts["set_aside"].items())[:_COLUMNS])
    return {**facts, "columns": lines, "set_aside": aside, "notes": "\n".join(facts["notes"])}


def _text(value: Any) -> str:
    match value:
        case dict():
            return "\n".join(f"{key}: {_text(inner)}" for key, inner in value.items())
        case [int(), *_]:
            return "x".join(map(str, value))
        case list():
            return "; ".join(value)
        case _:
            return str(value)
