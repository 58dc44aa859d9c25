"""A run as one page that stands alone: read its directory, make the numbers readable, fill a template.

    run directory --read_run--> contents (plain values, images as data URIs) --render_report--> HTML

The page loads nothing: its style is inline and its images are in it. What a run lacks, such as an evaluation,
is named on the page together with the command that makes it.
"""

from __future__ import annotations

import base64
import json
import math
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.errors import InvalidError, NotFoundError
from vaekit.runs.summary import (
    MetricCard,
    ais_cards,
    bdmc_cards,
    describe_quality,
    evaluation_cards,
    training_cards,
)
from vaekit.utils.html import render_page
from vaekit.utils.io import write_whole

Contents = dict[str, Any]

CAPTIONS = {
    "training-curves": "The bound and its two terms over the epochs, and the weight of the KL if it changes.",
    "bound-by-samples": "How the bound of log p(x) grows with the samples: where it still climbs at the "
    "right end, more would raise it.",
    "classes": "New images of a conditional model: a column a class, a row the same style in all of them.",
    "samples": "Images decoded from draws of the prior: what the model takes the data to be.",
    "nearest": "Samples over the training images nearest to them, then held-out images over theirs: samples "
    "should not be nearer than these.",
    "reconstructions": "Held-out images over what the decoder makes of their codes.",
    "interpolations": "Between the codes of two held-out images, which stand at the sides.",
    "traversals": "One latent moved at a time, the others kept; the most informative come first.",
    "latent-space": "The codes of held-out images, a point each.",
    "decoded-grid": "The latent plane decoded at Gaussian quantiles: equal areas are equally probable.",
    "progress-samples": "Samples of the same latents, epoch by epoch.",
    "progress-reconstructions": "Reconstructions of the same images, epoch by epoch.",
}
_CURVES = "training-curves"
_MEASURED: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[MetricCard]]]] = {
    "evaluation": ("evaluation.json", evaluation_cards),
    "annealed": ("evaluation-ais.json", ais_cards),
    "bdmc": ("bdmc.json", bdmc_cards),
}
_SUFFIXES = (".png", ".gif")
_DOTS_AN_INCH = 120  # at which a figure's smallest letters come to about the size of a caption
_ENVIRONMENT = {
    "vaekit": "vaekit",
    "commit": "Commit",
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "platform": "Platform",
    "cpu": "Processor",
    "device": "Device",
    "threads": "Threads",
    "started": "Started",
    "command": "Command",
}


class EmbeddedImage(NamedTuple):
    """An image in the page itself."""

    name: str
    uri: str
    width: int
    height: int
    caption: str = ""


def write_report(run_dir: str | Path) -> Path:
    """Write report.html into a run directory, whole or not at all.

    Args:
        run_dir: where recipe.yaml lies; all else in it may be missing.

    Returns:
        The path of the page.

    Raises:
        NotFoundError: the directory holds no recipe.yaml.
        InvalidError: a file in it that cannot be read as what it should be.
        VaekitError: the page cannot be written.
    """
    return write_whole(Path(run_dir) / "report.html", render_report(read_run(run_dir)).encode())


def read_run(run_dir: str | Path) -> Contents:
    """What the files of a run directory say, as plain values; None, or nothing, for a file that is missing.

    Args:
        run_dir: where recipe.yaml lies.

    Returns:
        The keys `run`, `recipe`, `recipe_text`, `environment`, `metrics`, `evaluation`, `annealed`, `bdmc`,
        `parameters` and `pictures`, as `render_report` takes them.

    Raises:
        NotFoundError, InvalidError: as `write_report`.
    """
    run = Path(run_dir)
    if not (run / "recipe.yaml").is_file():
        raise NotFoundError(f"{run}: not a run directory (no recipe.yaml); make one with: vaekit train")
    text = (run / "recipe.yaml").read_text(encoding="utf-8")
    images = (file for file in sorted((run / "figures").glob("*")) if file.suffix in _SUFFIXES)
    return {
        "run": str(run),
        "recipe": _recipe(text, run / "recipe.yaml"),
        "recipe_text": text,
        "environment": _json(run / "environment.json"),
        "metrics": _metrics(run / "metrics.jsonl"),
        "evaluation": _json(run / "evaluation.json"),
        "annealed": _json(run / "evaluation-ais.json"),
        "bdmc": _json(run / "bdmc.json"),
        "parameters": parameters_in(run / "model" / "model.safetensors"),
        "pictures": [_picture(file) for file in images],
    }


def render_report(contents: Contents) -> str:
    """The page of a run, as HTML.

    Args:
        contents: what `read_run` returns; `recipe` is needed, every other key may be missing or None.

    Returns:
        A whole HTML document that loads nothing from anywhere.
    """
    return render_page("vaekit.runs", "report.html", **_view(contents))


def _view(contents: Contents) -> dict[str, Any]:
    """Every value that the template names."""
    recipe, environment = contents["recipe"], contents.get("environment") or {}
    evaluation, pictures = contents.get("evaluation") or {}, contents.get("pictures") or []
    rank = {name: place for place, name in enumerate(CAPTIONS)}
    pictures = sorted(pictures, key=lambda picture: rank.get(picture.name, len(rank)))
    return {
        "title": recipe.get("title") or recipe.get("name") or "A run",
        "name": recipe.get("name"),
        "data": (recipe.get("data") or {}).get("name"),
        "reference": recipe.get("reference"),
        "date": _date(environment.get("started")),
        "version": environment.get("vaekit"),
        "run": shlex.quote(contents.get("run") or "RUN"),
        "tiles": _tiles(contents) + training_cards(contents),
        "evaluated": bool(evaluation),
        "samples": evaluation.get("samples"),
        "caveats": evaluation.get("caveats") or [],
        "quality": describe_quality(evaluation["quality"]) if evaluation.get("quality") else "",
        "curves": [picture for picture in pictures if picture.name == _CURVES],
        "pictures": [picture for picture in pictures if picture.name != _CURVES],
        "recipe": contents.get("recipe_text") or "",
        "environment": {name: environment[key] for key, name in _ENVIRONMENT.items() if key in environment},
    }


def _tiles(contents: Contents) -> list[MetricCard]:
    """What was measured, by importance sampling, by annealed chains, and from both sides.

    Raises:
        InvalidError: a file lacks what it should hold, or holds something else.
    """
    tiles: list[MetricCard] = []
    for key, (file, make) in _MEASURED.items():
        try:
            tiles += make(contents.get(key) or {})
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InvalidError(
                f"{Path(contents.get('run') or '') / file}: expected the numbers that vaekit evaluate writes "
                f"({type(error).__name__}: {_first(error)}); delete the file and make it anew"
            ) from error
    return tiles


def _date(started: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(started)):%d %B %Y, %H:%M}".lstrip("0")
    except ValueError:
        return str(started or "")


# ------------------------------------------------------------------------------------------------- reading


def _recipe(text: str, file: Path) -> dict[str, Any]:
    import yaml

    try:
        recipe = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidError(f"{file}: expected YAML, got what cannot be read ({_first(error)})") from error
    if not isinstance(recipe, dict):
        raise InvalidError(f"{file}: expected keys and values, got {type(recipe).__name__}")
    return recipe


def _json(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InvalidError(
            f"{file}: expected a JSON object ({_first(error)}); delete the file and make it anew"
        ) from error


def _metrics(file: Path) -> list[dict[str, Any]]:
    """The records of metrics.jsonl; a last line cut short, as a killed run may leave it, is passed over."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    try:
        return [json.loads(line) for line in lines if line.strip().endswith("}")]
    except ValueError as error:
        raise InvalidError(f"{file}: expected a JSON object on each line ({_first(error)})") from error


def parameters_in(weights: Path) -> int | None:
    """How many numbers a model's file of weights holds, by its header alone; None where there is no file."""
    if not weights.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as tensors:
            return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise InvalidError(f"{weights}: expected safetensors ({_first(error)})") from error


def _picture(file: Path) -> EmbeddedImage:
    from PIL import Image

    try:
        with Image.open(file) as image:
            kind, dots = image.get_format_mimetype(), image.info.get("dpi", (_DOTS_AN_INCH,))[0]
            width, height = (round(side * _DOTS_AN_INCH / dots) for side in image.size)
    except OSError as error:
        raise InvalidError(
            f"{file}: expected a picture ({_first(error)}); delete it, then: vaekit report"
        ) from error
    uri = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    return EmbeddedImage(file.stem, uri, width, height, CAPTIONS.get(file.stem, ""))


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]
