"""The options that several commands share, so that each means and is called the same everywhere."""

from __future__ import annotations

import click

SPLITS = ("train", "validation", "test")


def _be_verbose(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        context.ensure_object(dict)["verbose"] = True


run = click.argument("run", metavar="RUN")

jobs = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Runs at once, each in a process of its own; as many as cores, four at most, if left out.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

quiet = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")

verbose = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_be_verbose,
    help="Show the traceback of an error.",
)

seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of all that is random."
)

device = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda or mps."
)

data = click.option(
    "--data", metavar="NAME_OR_PATH", help="Other data of the same shape; the run's own if left out."
)

split = click.option(
    "--split", type=click.Choice(SPLITS), default="test", show_default=True, help="The part of the data."
)

missing = click.option(
    "--missing",
    metavar="SPEC",
    help="What to hide of every image: square:SIDE, pixels:SHARE, half:left|right|top|bottom|random, none.",
)

label = click.option("--label", metavar="NAME", help="Of a model told classes: which one, by name or number.")

settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of a model told attributes: one of them, the others as on average; may be repeated.",
)

output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to: a figure (.png, .pdf, .svg) or arrays (.npy, .npz); RUN/figures/ if left out.",
)
