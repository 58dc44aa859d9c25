"""`vaekit export`: a model as files that run without vaekit: ONNX, programs of PyTorch, or a web page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from vaekit.cli import options


@click.group()
def command() -> None:
    """Export a model in a form that runs without vaekit.

    \b
    Examples:
      vaekit export onnx runs/mnist/1 -o onnx
      vaekit export torch runs/mnist/1 -o programs
      vaekit export site runs/mnist/1 -o site
    """


def _of_model(function: Any) -> Any:
    """The arguments and options of exports of one model into a folder."""
    for add in (
        options.slow_model_output,
        click.option("-o", "--output", metavar="FOLDER", required=True, help="A new or empty folder."),
        click.argument("run", metavar="RUN"),
    ):
        function = add(function)
    return function


@command.command()
@_of_model
def onnx(run: str, output: str, as_json: bool, quiet: bool) -> None:
    """Write encoder, decoder, terms of the bound and prior as ONNX files.

    README.md in the folder says what their inputs and outputs are. The files are compared with the model,
    where onnxruntime is installed.

    \b
    Examples:
      vaekit export onnx runs/mnist/1 -o onnx
    """
    _export(run, output, "onnx", as_json, quiet)


@command.command()
@_of_model
def torch(run: str, output: str, as_json: bool, quiet: bool) -> None:
    """Write the same files as programs of torch.export, which PyTorch loads without vaekit.

    \b
    Examples:
      vaekit export torch runs/mnist/1 -o programs
    """
    _export(run, output, "torch", as_json, quiet)


def _export(run: str, output: str, format: Literal["onnx", "torch"], as_json: bool, quiet: bool) -> None:
    from vaekit.cli.output import emit, open_model
    from vaekit.engine.export.files import export_files

    trained, _ = open_model(run, "cpu")
    folder = export_files(trained, output, format, lambda name: None if quiet else click.echo(name, err=True))
    emit({"folder": str(folder)}, str(folder), as_json)


@command.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--demo", is_flag=True, help="Export the small conditional model that comes with the package.")
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
    weights. Up to four models are shown side by side. Without RUN, the page is the guided tour of the small
    models that come with the package: its address with #tour=1 at the end starts the tour.

    \b
    Examples:
      vaekit export site runs/mnist/1 -o site
      vaekit export site -o tour.html --single-file
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
