"""From codes to images: what a code decodes to, where codes come from, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.errors import InvalidError
from vaekit.evaluation.mixture_components import pseudo_inputs
from vaekit.explorer import prior_samples, requests
from vaekit.explorer.images import gif, png
from vaekit.explorer.projection import bounds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import ImageResponse, Response, rounded
from vaekit.models.vae import interpolate as way


def lift(e: ExplorerSession, ask: requests.Lift) -> Response:
    """The code at a point of the map."""
    return {"z": rounded(_lifted(e, ask.kind, (ask.x, ask.y), ask.base))}


def _lifted(
    e: ExplorerSession, kind: str | None, at: tuple[float, float], base: Sequence[float] | None
) -> np.ndarray:
    start = None if base is None else e.latents([base])[0].double().cpu().numpy()
    return e.plane(kind).lift(np.array([at]), start)[0]


def decode(e: ExplorerSession, ask: requests.Decode) -> Response:
    """What codes decode to, side by side."""
    codes = ask.z or [_lifted(e, ask.kind, ask.at or (0, 0), ask.base).tolist()]
    picture = png(_decoded(e, e.latents(codes), ask.label))
    return ImageResponse(picture, notes={} if ask.z else {"Z": rounded(np.array(codes[0]))})


@torch.no_grad()
def _decoded(e: ExplorerSession, z: Tensor, label: Any) -> Tensor:
    return e.model.decode(z, e.label(label, len(z))).mean


def backdrop(e: ExplorerSession, ask: requests.Backdrop) -> Response:
    """What the map decodes to, in n by n tiles over a square or over its bounds, the upper edge first."""
    plane = e.plane(ask.kind)
    x0, x1, y0, y1 = bounds(plane.points) if ask.side is None else _square(ask.x, ask.y, ask.side / 2)
    middles = (np.arange(ask.n) + 0.5) / ask.n
    x, y = np.meshgrid(x0 + (x1 - x0) * middles, y1 - (y1 - y0) * middles)
    z = e.latents(plane.lift(np.stack([x.ravel(), y.ravel()], 1)).tolist())
    images = torch.cat([_decoded(e, some, ask.label) for some in z.split(100)])
    return ImageResponse(png(images, ask.n), notes={"Bounds": [x0, x1, y0, y1]})


def _square(x: float, y: float, half: float) -> list[float]:
    return [x - half, x + half, y - half, y + half]


def draw(e: ExplorerSession, ask: requests.Draw) -> Response:
    """A code from the model's own prior, or one with its lower levels drawn anew."""
    label = e.label(ask.label)
    if ask.level is None:
        z = prior_samples.sample_latent(e.model, ask.temperature, label, ask.seed, ask.component)
    elif ask.z is None:
        raise InvalidError("z: expected the code whose lower levels are to be drawn anew")
    else:
        z = prior_samples.resample_below(
            e.model, e.latents([ask.z]), ask.level, ask.temperature, label, ask.seed
        )
    return {"z": rounded(z[0])}


def interpolate(e: ExplorerSession, ask: requests.Interpolate) -> Response:
    """The codes on the way from a to b."""
    a, b = _end(e, ask.a), _end(e, ask.b)
    return {"z": [rounded(z) for z in way(a, b, ask.steps, ask.path)]}


def _end(e: ExplorerSession, end: requests.End) -> Tensor:
    if end.z is not None:
        return e.latents([end.z])[0]
    e.image(end.i or 0)
    return torch.from_numpy(e.codes.mean[end.i or 0])


def strip(e: ExplorerSession, ask: requests.Strip) -> Response:
    """The images of codes as a file to keep: a strip, or a film there and back."""
    images = _decoded(e, e.latents(ask.z), ask.label)
    if ask.form == "gif":
        return ImageResponse(gif(images, ask.fps), "image/gif")
    return ImageResponse(png(images))


def classes(e: ExplorerSession, ask: requests.Classes) -> Response:
    """One code in every class."""
    if e.model.labels is None:
        raise InvalidError("classes: this model is not conditioned on a label")
    n = len(e.model.labels)
    with torch.no_grad():
        images = e.model.decode(e.latents([ask.z] * n), torch.arange(n, device=e.trained.device)).mean
    return ImageResponse(png(images))


def pseudo(e: ExplorerSession, ask: requests.Pseudo) -> Response:
    """Some of the images that the prior is made of, ten a row."""
    images = pseudo_inputs(e.model)
    if not 0 <= ask.start < len(images):
        raise InvalidError(f"start: this prior is made of {len(images)} images, got {ask.start}")
    some = images[ask.start : ask.start + ask.n]
    columns = min(10, len(some))
    return ImageResponse(png(some, columns), notes={"Columns": columns, "Count": len(some)})
