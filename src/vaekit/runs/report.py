"""One page about a run: what was trained, the key numbers, the figures, and how to reproduce it.

    RunFiles --render_report--> HTML

The page loads nothing: its style is inline, and its images are data URIs. For what a run lacks, such as an
evaluation, the page names the command that adds it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.errors import InvalidError, first_line
from vaekit.runs.answer import LEAD_FIGURES, answer, verdict
from vaekit.runs.files import RunFiles, svg_beside
from vaekit.runs.headline import two_estimates
from vaekit.runs.reproduce import reproduction
from vaekit.runs.summary import (
    MetricCard,
    ais_cards,
    bdmc_cards,
    describe_quality,
    evaluation_cards,
    lead_cards,
    training_cards,
)
from vaekit.utils.html import SCREEN_DPI, data_uri, render_page
from vaekit.utils.io import write_whole
from vaekit.utils.paths import is_file

CAPTIONS = {
    "training-curves": "The ELBO and its two terms by epoch, and beta if it changes.",
    "bound-by-samples": "The importance-weighted bound on log p(x) by number of samples, in a band of two "
    "standard errors over the data points. The bound of one sample is the ELBO. If the curve still rises at "
    "the right end, more samples would raise it further.",
    "columns": "The distribution of each column in held-out rows and in samples.",
    "correlations": "Correlations of the numbers in held-out rows and in samples.",
    "column-errors": "The error of reconstructed held-out rows by column; 1 is that of a constant.",
    "classes": "New images from a conditional model: one column per class; the images of a row share z.",
    "samples": "Images decoded from samples of the prior.",
    "nearest": "Samples above their nearest training images, then held-out images above theirs. Samples "
    "should not be nearer than held-out images.",
    "reconstructions": "Held-out images above their reconstructions.",
    "interpolations": "Interpolations in latent space between two held-out images, shown at both ends.",
    "traversals": "One latent changes along each row, the others stay fixed. Latents with the largest KL "
    "come first.",
    "latent-space": "Posterior means of held-out images, one point per image.",
    "decoded-grid": "The latent plane decoded at Gaussian quantiles: equal areas have the same probability.",
    "progress-samples": "Samples from the same latents, epoch by epoch.",
    "progress-reconstructions": "Reconstructions of the same images, epoch by epoch.",
}
_CURVES = "training-curves"
_CARDS: dict[str, tuple[str, Callable[[Mapping[str, Any]], list[MetricCard]]]] = {
    "evaluation": ("evaluation.json", evaluation_cards),
    "ais": ("evaluation-ais.json", ais_cards),
    "bdmc_bounds": ("bdmc.json", bdmc_cards),
}
_IMAGE_SUFFIXES = (".png", ".gif")
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
    """An image inside the page.

    Attributes:
        name: of its file, without the suffix.
        uri: the image as a data URI; empty if there is an SVG.
        width, height: in CSS pixels.
        caption: a sentence; empty for an unknown figure.
        svg: the figure in the colors of the page; empty for other images.

    >>> EmbeddedImage("samples", "data:image/png;base64,AA==", 320, 240).caption
    ''
    """

    name: str
    uri: str
    width: int
    height: int
    caption: str = ""
    svg: str = ""


def write_report(run: RunFiles) -> Path:
    """Write report.html into a run directory, whole or not at all.

    Args:
        run: the run. All files but recipe.yaml may be missing.

    Returns:
        The path of the page.

    Raises:
        InvalidError: a file of the run is damaged.
        VaekitError: the page cannot be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> write_report(RunFiles(folder)).name
    'report.html'
    """
    return write_whole(run.path / "report.html", render_report(run).encode())


def render_report(run: RunFiles) -> str:
    """The page of a run.

    Args:
        run: the run. All files but recipe.yaml may be missing.

    Returns:
        An HTML document that loads nothing.

    Raises:
        InvalidError: a file of the run is damaged.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("title: My VAE")
    >>> "<h1>My VAE</h1>" in render_report(RunFiles(folder))
    True
    """
    recipe, environment, evaluation = run.recipe, run.environment, run.evaluation
    rank = {name: place for place, name in enumerate(CAPTIONS)}
    files = [file for file in run.figures if file.suffix in _IMAGE_SUFFIXES]
    images = [_embed_image(file) for file in sorted(files, key=lambda file: rank.get(file.stem, len(rank)))]
    importance, annealed, gaps = (_metric_cards(run, reader) for reader in _CARDS)
    two = two_estimates(run)
    cards = [*lead_cards(importance, annealed, two), *gaps]
    found = {image.name: image for image in images}
    lead = next((found[name] for name in LEAD_FIGURES if name in found), None)
    rest = [image for image in images if image is not lead]
    return render_page(
        "vaekit.runs",
        "report.html",
        title=recipe.title or recipe.name,
        name=recipe.name,
        data=recipe.data.dataset,
        reference=recipe.reference,
        date=_format_date(environment.get("started")),
        version=environment.get("vaekit"),
        run=shlex.quote(str(run.path)),
        answer=answer(run, two),
        lead=lead,
        verdict=verdict(run),
        cards=cards + training_cards(run.metrics, run.n_parameters),
        evaluated=bool(evaluation),
        reproduction=reproduction(run),
        caveats=[*(evaluation.get("caveats") or []), *run.stale],
        quality=describe_quality(evaluation["quality"]) if evaluation.get("quality") else "",
        curves=[image for image in rest if image.name == _CURVES],
        images=[image for image in rest if image.name != _CURVES],
        drawn={image.name for image in images},
        recipe=run.recipe_text,
        environment={name: environment[key] for key, name in _ENVIRONMENT.items() if key in environment},
    )


def _metric_cards(run: RunFiles, reader: str) -> list[MetricCard]:
    """The cards of one kind of evaluation.

    Raises:
        InvalidError: the file lacks values, or holds others.
    """
    file, make = _CARDS[reader]
    try:
        return make(getattr(run, reader))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvalidError(
            f"{run.path / file}: expected the numbers that vaekit evaluate writes "
            f"({type(error).__name__}: {first_line(error)}); delete the file and evaluate again"
        ) from error


def _format_date(started: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(started)):%d %B %Y, %H:%M}".lstrip("0")
    except ValueError:
        return str(started or "")


def _embed_image(file: Path) -> EmbeddedImage:
    from PIL import Image

    caption = CAPTIONS.get(file.stem, "")
    svg = svg_beside(file)
    if is_file(svg) and svg.stat().st_mtime_ns >= file.stat().st_mtime_ns:  # not one of an earlier PNG
        from vaekit.plotting import themed_svg

        label = caption or file.stem.replace("-", " ")
        return EmbeddedImage(
            file.stem, "", 0, 0, caption, themed_svg(svg.read_bytes(), file.stem, label, SCREEN_DPI)
        )
    try:
        with Image.open(file) as image:
            media_type = str(image.get_format_mimetype())
            dpi = image.info.get("dpi", (SCREEN_DPI,))[0]
            width, height = (round(side * SCREEN_DPI / dpi) for side in image.size)
    except OSError as error:
        raise InvalidError(
            f"{file}: expected an image ({first_line(error)}); delete the file, then run: vaekit report"
        ) from error
    return EmbeddedImage(file.stem, data_uri(file.read_bytes(), media_type), width, height, caption)
