"""The command line: one file a command, each a thin door to a plain function.

A file here exports `command`. It parses, calls and prints; it computes nothing, and it imports what is heavy
inside the function, so that `--help` answers at once. Results go to stdout, all else to stderr.

To add a command, add a file and name it in `SECTIONS`.
"""

from __future__ import annotations

import click

import vaekit
from vaekit.cli import options
from vaekit.cli.group import CommandGroup
from vaekit.utils.cpu import keep_freed_memory, set_spin_wait

SECTIONS = {
    "Train and measure": ("train", "evaluate", "report"),
    "Experiment": ("study", "sweep", "compare"),
    "Look": ("sample", "reconstruct", "interpolate", "traverse", "encode", "impute", "explore", "export"),
    "Data and recipes": ("data", "recipes"),
    "Help": ("doctor",),
}


@click.group(name="vaekit", cls=CommandGroup, sections=SECTIONS, invoke_without_command=True)
@click.version_option(vaekit.__version__, prog_name="vaekit", message="%(prog)s %(version)s")
@options.verbose
@click.pass_context
def program(context: click.Context) -> None:
    """Train, measure and look at variational autoencoders.

    \b
    Examples:
      vaekit train                     a VAE on MNIST, in minutes
      vaekit train --data PHOTOS/      one on images of your own
      vaekit evaluate runs/mnist/1     its log-likelihood
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """The entry point."""
    set_spin_wait()
    keep_freed_memory()
    program.main(prog_name="vaekit")
