"""`vaekit push`: a model on the Hugging Face Hub."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--license", metavar="NAME", help="License of the model, as the Hub names it, such as mit.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@options.model_output
def command(run: str, name: str, license: str | None, private: bool, as_json: bool) -> None:
    """Publish a model on the Hugging Face Hub, with its recipe, figures, numbers and a card.

    RUN is a run directory, a model directory, or the file of its weights. Log in with `hf auth login`, or set
    HF_TOKEN. The model is then hf://OWNER/NAME wherever a command takes RUN.

    \b
    Examples:
      vaekit push runs/mnist/1 ada/mnist-vae --license mit
      vaekit sample hf://ada/mnist-vae
    """
    from vaekit.cli.output import emit
    from vaekit.runs.push import push

    published = push(run, name, license=license, private=private)
    emit({"model": published}, published, as_json)
