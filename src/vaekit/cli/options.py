"""Options that several commands share, so that each has one name and one meaning."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

Decorator = Callable[[Any], Any]

SPLITS = ("train", "validation", "test")


def _set_verbose(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        context.ensure_object(dict)["verbose"] = True


run = click.argument("run", metavar="RUN")

jobs = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Number of runs at the same time, each in its own process. Default: one per core, at most 4.",
)


def _job_option(context: click.Context, option: click.Parameter, words: tuple[str, ...]) -> dict[str, Any]:
    from vaekit.utils.yaml import parse_yaml

    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not equals or not key:
            raise click.BadParameter("expected KEY=VALUE, such as slurm_partition=gpu")
    return {key: parse_yaml(text) for key, _, text in pairs}


def execution(command: Decorator) -> Decorator:
    """The options of where the runs of a study are trained."""
    for option in reversed(_EXECUTION):
        command = option(command)
    return command


_EXECUTION = [
    jobs,
    click.option("--resume", is_flag=True, help="Resume interrupted runs."),
    click.option(
        "--executor", type=click.Choice(("local", "slurm", "dask")), default="local", show_default=True,
        help="Where the runs are trained: on this machine, by Slurm, or by Dask.",
    ),
    click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler, such as tcp://host:8786."),
    click.option(
        "--retries", type=click.IntRange(0, 100), default=1, show_default=True,
        help="How often a run is tried again whose process was lost.",
    ),
    click.option(
        "--job-option", "job_options", multiple=True, metavar="KEY=VALUE", callback=_job_option,
        help="A parameter of submitit, such as slurm_partition=gpu, or of Dask. Can be repeated.",
    ),
    click.option(
        "--halving", type=click.IntRange(2, 100), metavar="R",
        help="Stop runs early: of those that reached 1, R, R*R, ... epochs, the best 1/R go on.",
    ),
]  # fmt: skip

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def _allow(context: click.Context, option: click.Parameter, modules: tuple[str, ...]) -> None:
    from vaekit.registry import allow

    allow(*modules)


trust = click.option(
    "--trust",
    metavar="MODULE",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_allow,
    help="Allow a model to import this module or file from outside vaekit. Can be repeated.",
)

quiet = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")

verbose = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_verbose,
    help="Show the traceback of an error.",
)

seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed."
)

device = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda or mps."
)

data = click.option(
    "--data",
    metavar="NAME_OR_PATH",
    help="Other data of the same shape. Default: the data that the model was trained on.",
)

strict = click.option(
    "--strict", is_flag=True, help="Refuse data with a picture that cannot be read, instead of skipping it."
)

split = click.option(
    "--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Part of the data."
)

split_or_all = click.option(
    "--split", type=click.Choice((*SPLITS, "all")), default="test", show_default=True,
    help="Part of the model's own data; other data are used completely.",
)  # fmt: skip

missing = click.option(
    "--missing",
    metavar="SPEC",
    help="Pixels to hide per image: square:SIDE, pixels:SHARE, half:left|right|top|bottom|front|back|random, "
    "or none.",
)

label = click.option(
    "--label", metavar="NAME", help="Class to condition on, by name or number (conditional models)."
)

attributes = click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Attribute to condition on; the others keep their mean. Can be repeated (conditional models).",
)

output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File to write: a figure (.png, .pdf, .svg) or arrays (.npy, .npz). Default: in RUN/figures/.",
)


def pictures(columns: str = "", images: bool = True) -> Decorator:
    """The options of how a figure looks, for a command that draws one; they hold while the command runs.

    Args:
        columns: what --columns counts; empty for a figure without it.
        images: whether the figure is made of images, else of points.
    """
    colored = "gray images" if images else "the classes"
    chosen = [
        click.option("--columns", type=click.IntRange(1, 1000), help=f"{columns} per row of the figure."),
        click.option(
            "--width", type=click.FloatRange(1, 100), metavar="INCHES",
            help="Width of the figure. Default: one that fits what is drawn.",
        ),
        click.option(
            "--dpi", type=click.IntRange(30, 2400), default=300, show_default=True,
            help="Pixels per inch of a PNG.",
        ),
        click.option("--no-title", is_flag=True, help="Leave out title and subtitle."),
        click.option("--cmap", metavar="NAME", help=f"Color map of matplotlib for {colored}, such as magma."),
        click.option("--invert", is_flag=True, help="Draw images as negatives: black on white."),
    ]  # fmt: skip
    if not images:
        chosen.pop()
    if not columns:
        chosen.pop(0)

    def decorate(command: Any) -> Any:
        @wraps(command)
        def run_with_look(
            *, width: float | None, dpi: int, no_title: bool, cmap: str | None, invert: bool = False,
            columns: int | None = None, **arguments: Any,
        ) -> None:  # fmt: skip
            from vaekit.plotting import look

            options = {"columns": columns, "width": width, "dpi": dpi, "cmap": cmap, "invert": invert}
            with look(title=not no_title, **options):
                command(**arguments)

        return _stack(*chosen)(run_with_look)

    return decorate


def _stack(*options: Decorator) -> Decorator:
    """One decorator for several options, in their order in --help."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


model_output = _stack(as_json, trust, verbose)
"""Of a command that opens a model and prints results."""

slow_model_output = _stack(as_json, quiet, trust, verbose)
"""Of one that also shows its progress."""

random = _stack(seed, device)
"""Of a command that draws random numbers on a device."""
