"""`vaekit export`: a model as a web page that runs without Python."""

from __future__ import annotations

from pathlib import Path

import click

from vaekit.cli import options


@click.group()
def command() -> None:
    """Export a model in a form that runs without Python.

    \b
    Examples:
      vaekit export site runs/mnist/1 -o site
    """


@command.command()
@click.argument("runs", metavar="RUN [RUN_B]", nargs=-1)
@click.option("--demo", is_flag=True, help="Export the small model that comes with the package.")
@click.option("-o", "--output", metavar="FOLDER", required=True, help="Folder, or file with --single-file.")
@click.option("--single-file", is_flag=True, help="Write one HTML file that opens without a server.")
@click.option(
    "--images",
    type=click.IntRange(2, 70_000),
    default=2000,
    show_default=True,
    help="Largest number of images of the data in the page.",
)
@options.split
@options.data
@options.slow_model_output
def site(
    runs: tuple[str, ...],
    demo: bool,
    output: str,
    single_file: bool,
    images: int,
    split: str,
    data: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the explorer as a static page; the models run in the browser.

    Any static web server can host the page. RUN is a run directory, a model directory, or the file of its
    weights. Two models are shown side by side.

    \b
    Examples:
      vaekit export site runs/mnist/1 -o site
      vaekit export site --demo -o demo.html --single-file
    """
    from vaekit.cli.explore import open_models
    from vaekit.cli.output import emit
    from vaekit.explorer.session import open_session
    from vaekit.explorer.static_export import contents, pages, runtime

    models = open_models(runs, demo, "cpu")
    library = runtime.runtime_files()
    sessions = [open_session(trained, python, data, split, images=images) for trained, python in models]
    parts = contents.site_files(sessions, lambda name: None if quiet else click.echo(name, err=True))
    write = pages.write_file if single_file else pages.write_folder
    written = write(Path(output), parts, library)
    emit({"file": str(written)}, str(written), as_json)
