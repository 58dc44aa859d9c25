"""What the commands that look at a model share: they open it, draw a picture of it, and say where that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.cli.output import emit

if TYPE_CHECKING:
    from vaekit.engine.trained_model import TrainedModel
    from vaekit.runs.plots import Plot


def open_model(path: str, device: str) -> tuple[TrainedModel, Path]:
    """The model in a run, a model directory or a file of weights, and the folder for pictures of it."""
    from vaekit.runs.run import Run, load

    found = load(path, device)
    return (found.trained, found.path / "figures") if isinstance(found, Run) else (found, Path())


def save_plot(picture: Plot, path: str | Path, as_json: bool) -> None:
    """Write a picture's figure or arrays, and print where."""
    written = picture.save(path)
    shapes = {name: list(array.shape) for name, array in picture.arrays.items()}
    emit({"file": str(written), "arrays": shapes}, str(written), as_json)
