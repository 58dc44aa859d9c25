"""The command line: one file per command, each a thin layer over a plain function.

A command's file exports `command`. It parses options, calls a function and prints the result; it computes
nothing. Heavy packages are imported inside the function, so that `--help` is fast. Results go to stdout,
everything else to stderr. Nothing imports `vaekit.cli` but the entry points.

To add a command, add a file and list it in `SECTIONS`.

- `program`, `main`: the group of commands, and the entry point
- `options`: the options that commands share
- `output`: opening models, progress, results on stdout
- `group`: sections of the help, errors and exit codes
"""

from __future__ import annotations

import click

import vaekit
from vaekit.cli import options
from vaekit.cli.group import CommandGroup
from vaekit.utils.contention import shorter_spins_under_contention
from vaekit.utils.cpu import keep_freed_memory, set_spin_wait

SECTIONS = {
    "Train and evaluate": ("train", "lr", "evaluate", "report"),
    "Experiment": ("study", "sweep", "compare"),
    "Use a model": (
        "sample",
        "reconstruct",
        "interpolate",
        "traverse",
        "encode",
        "score",
        "impute",
        "explore",
        "export",
        "push",
    ),
    "Data and recipes": ("data", "recipes", "migrate"),
    "Help": ("doctor",),
}


@click.group(name="vaekit", cls=CommandGroup, sections=SECTIONS, invoke_without_command=True)
@click.version_option(vaekit.__version__, prog_name="vaekit", message="%(prog)s %(version)s")
@options.verbose
@click.pass_context
def program(context: click.Context) -> None:
    """Train, evaluate and explore variational autoencoders.

    \b
    Examples:
      vaekit train                     train a VAE on MNIST, in minutes
      vaekit train --data PHOTOS/      train a VAE on your own images
      vaekit evaluate runs/mnist/1     its log-likelihood
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    set_spin_wait()
    keep_freed_memory()
    with shorter_spins_under_contention():
        program.main(prog_name="vaekit")
