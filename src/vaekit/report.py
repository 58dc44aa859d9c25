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
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.errors import InvalidError, NotFoundError
from vaekit.files import write_whole

Contents = dict[str, Any]

CAPTIONS = {
    "training-curves": "The bound and its two terms over the epochs, and the weight of the KL if it changes.",
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


class Tile(NamedTuple):
    """A key number: what it is, its value with unit, and what to know to read it."""

    name: str
    value: str
    unit: str = ""
    note: str = ""


class Picture(NamedTuple):
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
        The keys `run`, `recipe`, `recipe_text`, `environment`, `metrics`, `evaluation`, `parameters` and
        `pictures`, as `render_report` takes them.

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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page = Environment(
        loader=PackageLoader("vaekit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return page.get_template("report.html").render(_view(contents))


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
        "tiles": measured(evaluation) + trained(contents),
        "evaluated": bool(evaluation),
        "samples": evaluation.get("samples"),
        "caveats": evaluation.get("caveats") or [],
        "quality": quality_in_words(evaluation["quality"]) if evaluation.get("quality") else "",
        "curves": [picture for picture in pictures if picture.name == _CURVES],
        "pictures": [picture for picture in pictures if picture.name != _CURVES],
        "recipe": contents.get("recipe_text") or "",
        "environment": {name: environment[key] for key, name in _ENVIRONMENT.items() if key in environment},
    }


# ------------------------------------------------------------------------------------------------- numbers


def measured(evaluation: Mapping[str, Any]) -> list[Tile]:
    """The key numbers of evaluation.json; those that it lacks, or that are not defined, are left out."""
    known = {key: value for key, value in evaluation.items() if value is not None}
    makers = (_log_likelihood, _elbo, _reconstruction, _rate, _bits, _active, _effective)
    return [tile for make in makers if (tile := make(known))] + _quality(known)


def quality_in_words(quality: Mapping[str, Any]) -> str:
    """What was compared to measure the quality of samples, one sentence."""
    pixels = {"drawn": "drawn pixels", "means": "means of the pixels"}[quality["pixels"]]
    return (
        f"Sample quality: {quality['images']:,} samples ({pixels}) against as many training images, by "
        f"{quality['description']}; as many held-out images show what can be reached."
    )


def trained(contents: Contents) -> list[Tile]:
    """The key numbers of the training: parameters, epochs, time."""
    metrics, parameters = contents.get("metrics") or [], contents.get("parameters")
    tiles = [Tile("Parameters", f"{parameters:,}")] if parameters else []
    if metrics:
        tiles.append(Tile("Epochs", str(metrics[-1].get("epoch", len(metrics))), note=_best(metrics)))
    if seconds := sum(record.get("seconds") or 0 for record in metrics):
        tiles.append(Tile("Training time", duration(seconds), note=_speed(metrics)))
    return tiles


def number(value: float, digits: int = 2) -> str:
    """A number for people: thousands apart, a true minus sign, and words where it is not finite."""
    return f"{value:,.{digits}f}".replace("-", "−") if math.isfinite(value) else "not finite"


def significant(value: float) -> str:
    """A number with three digits that say something, for scales that are not known beforehand."""
    size = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return number(value, min(max(2 - size, 0), 8))


def duration(seconds: float) -> str:
    """Seconds as the two largest of hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _log_likelihood(known: Mapping[str, Any]) -> Tile | None:
    if "log_likelihood" not in known:
        return None
    error = known.get("log_likelihood_stderr")
    value = number(known["log_likelihood"]) + (f" ± {number(error)}" if error is not None else "")
    name = "Log-likelihood" if known.get("is_likelihood", True) else "Score (no likelihood of the data)"
    samples = f"{known['samples']:,} importance samples, " if "samples" in known else ""
    return Tile(name, value, "nats", samples + _images(known))


def _elbo(known: Mapping[str, Any]) -> Tile | None:
    return Tile("ELBO", number(known["elbo"]), "nats", "lower bound") if "elbo" in known else None


def _reconstruction(known: Mapping[str, Any]) -> Tile | None:
    if "reconstruction" not in known:
        return None
    return Tile("Reconstruction", number(known["reconstruction"]), "nats", "log p(x|z), mean over q(z|x)")


def _rate(known: Mapping[str, Any]) -> Tile | None:
    levels = known.get("rate")
    if not levels:
        return None
    each = f"by level: {', '.join(map(number, levels))}" if len(levels) > 1 else "KL of q(z|x) from the prior"
    return Tile("Rate", number(sum(levels)), "nats", each)


def _bits(known: Mapping[str, Any]) -> Tile | None:
    if "bits_per_dimension" not in known:
        return None
    observation = known.get("observation")
    note = f"observation {observation}" if observation else ""
    return Tile("Bits per dimension", number(known["bits_per_dimension"], 3), note=note)


def _active(known: Mapping[str, Any]) -> Tile | None:
    if not known.get("active_units"):
        return None
    levels = [f"{active} of {of}" for active, of in zip(known["active_units"], known["latents"], strict=True)]
    each = f"by level: {', '.join(levels)}" if len(levels) > 1 else "latents that vary over images"
    return Tile("Active units", f"{sum(known['active_units'])} of {sum(known['latents'])}", note=each)


def _quality(known: Mapping[str, Any]) -> list[Tile]:
    quality = known.get("quality")
    if not quality:
        return []

    def tile(key: str, name: str, form: Callable[[float], str]) -> Tile:
        return Tile(name, form(quality[key]), note=f"held-out images: {form(quality[f'floor_{key}'])}")

    return [
        tile("frechet", "Fréchet distance", significant),
        tile("kernel", "Kernel distance", significant),
        tile("precision", "Precision", partial(number, digits=3)),
        tile("recall", "Recall", partial(number, digits=3)),
    ]


def _effective(known: Mapping[str, Any]) -> Tile | None:
    if "ess_mean" not in known:
        return None
    least = f", least {number(known['ess_min'], 1)}" if "ess_min" in known else ""
    of = f"of {known['samples']:,}, " if "samples" in known else ""
    return Tile("Effective samples", number(known["ess_mean"], 1), note=f"{of}mean over images{least}")


def _images(known: Mapping[str, Any]) -> str:
    count = f"{known['images']:,} " if "images" in known else ""
    return f"{count}{known.get('split') or 'held-out'} images"


def _best(metrics: list[dict[str, Any]]) -> str:
    from vaekit.figures import best_epoch

    best = best_epoch(metrics)
    return f"best validation: {best}" if best else ""


def _speed(metrics: list[dict[str, Any]]) -> str:
    speeds = sorted(record["images_per_second"] for record in metrics if record.get("images_per_second"))
    return f"{number(speeds[len(speeds) // 2], 0)} images/s" if speeds else ""


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


def _picture(file: Path) -> Picture:
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
    return Picture(file.stem, uri, width, height, CAPTIONS.get(file.stem, ""))


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]
