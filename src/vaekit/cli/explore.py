"""`vaekit explore`: the latent space of one model, or of up to four, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vaekit.cli import options

if TYPE_CHECKING:
    from vaekit.engine.trained_model import TrainedModel


MAX_MODELS = 4  # side by side


@click.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--demo", is_flag=True, help="Open the small conditional model that comes with the package.")
@click.option("--tour", is_flag=True, help="Start with the guided tour of what a VAE is.")
@options.data
@click.option(
    "--split",
    type=click.Choice([*options.SPLITS, "all"]),
    default="test",
    show_default=True,
    help="Part of the data whose images are points of the map, at most 70,000.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the server. If it is in use, a free port is used.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the server. Unless it is local, the printed URL contains a token that is required.",
)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@options.device
@options.quiet
@options.trust
@options.verbose
def command(
    runs: tuple[str, ...],
    demo: bool,
    tour: bool,
    data: str | None,
    split: str,
    port: int,
    host: str,
    no_open: bool,
    device: str,
    quiet: bool,
) -> None:
    """Explore the latent space of a model in a browser.

    RUN is a run directory, a model directory, or the file of its weights. Up to four models are shown side by
    side. Without RUN, the page shows the small models that come with the package, and a guided tour of them.
    By default, the page is served to this machine only, until Ctrl-C.

    \b
    Examples:
      vaekit explore
      vaekit explore --tour
      vaekit explore runs/mnist/1
      vaekit explore runs/mnist/1 runs/mnist-vamp/1
    """
    from vaekit.cli.output import progress_bar
    from vaekit.explorer.server import serve
    from vaekit.explorer.session import MAX_IMAGES, TOUR_IMAGES, open_session

    if tour and (runs or demo):
        raise click.UsageError("--tour: expected no RUN and no --demo, as the tour has models of its own")
    models = open_models(runs, demo, device)
    with progress_bar(quiet, "latents") as progress:
        images = MAX_IMAGES if runs or demo else TOUR_IMAGES
        sessions = [
            open_session(trained, python, data, split, progress, images) for trained, python in models
        ]
    serve(sessions, host, port, lambda address: _announce(address + "#tour=1" * tour, not no_open))


def open_models(runs: tuple[str, ...], demo: bool, device: str) -> list[tuple[TrainedModel, str]]:
    """Open up to four models; without any, those of the tour.

    Args:
        runs: run directories, model directories or files of weights.
        demo: put the conditional demo model of the package first.
        device: where the models are put.

    Returns:
        Each model, and the Python expression that loads it.

    Raises:
        click.UsageError: there are more than four models.

    >>> [(trained, expression)] = open_models((), demo=True, device="cpu")
    >>> expression
    'vaekit.demo()'
    """
    if len(runs) + demo > MAX_MODELS:
        raise click.UsageError(f"expected at most four models to compare, got {len(runs) + demo}")
    from vaekit.cli.output import open_model
    from vaekit.explorer.session import TOUR
    from vaekit.explorer.session import demo as packaged_model

    if not runs and not demo:
        return [(packaged_model(name), f"vaekit.demo({name!r})") for name in TOUR]
    named = [(open_model(run, device)[0], f"vaekit.load({run!r}, device='cpu')") for run in runs]
    return [(packaged_model(), "vaekit.demo()"), *named] if demo else named


def _announce(address: str, browse: bool) -> None:
    click.echo(address)
    if browse:
        import webbrowser

        webbrowser.open(address)
