"""`vaekit data`: the datasets at hand, and how to add one's own."""

from __future__ import annotations

from typing import Any

import click

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(name="data")
def command() -> None:
    """List, show, prepare and import datasets.

    \b
    Example: vaekit data import photos/ --name cats --size 64 64
             vaekit train --data cats
    """


@command.command("list")
@_as_json
def list_(as_json: bool) -> None:
    """Every dataset that has a name, and where it would be taken from."""
    from vaekit.cli.output import emit

    from vaekit.data.describe import overview

    rows = overview()
    emit({"datasets": rows}, _table(rows), as_json)


@command.command()
@click.argument("name")
@_as_json
def show(name: str, as_json: bool) -> None:
    """Everything about the dataset NAME (or the data at a path): shape, splits, licence, suggestion."""
    from vaekit.cli.output import emit

    from vaekit.data.describe import describe

    facts = describe(name)
    emit(facts, _lines(facts), as_json)


@command.command()
@click.argument("name")
@_as_json
def prepare(name: str, as_json: bool) -> None:
    """Fetch, check and decode the dataset NAME of the catalogue, so that later uses find it at once."""
    from vaekit.cli.output import emit

    from vaekit.data import cache, catalog, load

    dataset = load(catalog.entry(name).name)
    facts = {"name": name, "images": len(dataset), "source": dataset.source, "cache": str(cache.home())}
    emit(facts, f"{name}: {len(dataset)} images from {dataset.source}, ready in {cache.home()}", as_json)


@command.command("import")
@click.argument("path")
@click.option("--name", help="What to call it; the name of the file or folder if left out.")
@click.option("--size", nargs=2, type=click.IntRange(1), metavar="H W", help="Height and width of images.")
@click.option("--crop", type=click.Choice(["resize", "centre"]), default="resize", show_default=True)
@click.option("--colour", type=click.Choice(["auto", "grey", "rgb"]), default="auto", show_default=True)
@click.option("--force", is_flag=True, help="Replace an import of the same name.")
@_as_json
def import_(path: str, as_json: bool, **options: Any) -> None:
    """Read the data at PATH once and keep it under a name, for --data NAME.

    PATH is a folder of images, a .npy, .npz or .csv file, or the images file of an IDX pair.
    """
    from vaekit.cli.output import emit

    from vaekit.data import import_data
    from vaekit.data.describe import describe

    facts = describe(import_data(path, **options).name)
    emit(facts, _lines(facts), as_json)


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table("name", "images", "shape", "found", "licence", box=None, header_style="bold")
    for row in rows:
        shape = "x".join(map(str, row["shape"]))
        table.add_row(row["name"], f"{row['images']}", shape, row["found"], row["licence"])
    return table


def _lines(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for key, value in facts.items():
        if value not in (None, "", [], {}):
            table.add_row(key, _text(value))
    return table


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ("x" if value and isinstance(value[0], int) else ", ").join(map(str, value))
    return str(value)
