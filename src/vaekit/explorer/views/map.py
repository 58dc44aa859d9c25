"""The map: its points, what they may be colored by, and one of them from near."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vaekit.explorer import requests
from vaekit.explorer.images import png
from vaekit.explorer.projection import FlatProjection, Projection, bounds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.posterior import placed
from vaekit.explorer.views.responses import ImageResponse, Response, packed


def points(e: ExplorerSession, ask: requests.Map) -> Response:
    """All points of the map, and what they may be colored by."""
    plane = e.plane(ask.kind)
    return {
        "n": len(plane.points),
        "kind": plane.kind,
        "axes": list(plane.names),
        "explained": None if plane.explained is None else list(plane.explained),
        "linear": linear(plane),
        "x": packed(plane.points[:, 0]),
        "y": packed(plane.points[:, 1]),
        "label": None if e.codes.labels is None else packed(e.codes.labels, "<i2"),
        "reconstruction": packed(e.reconstruction),
        "rate": packed(e.kl_per_layer.sum(0)) if e.is_bound else None,
        "bounds": bounds(plane.points),
        **values(e, ask),
    }


def linear(plane: Projection) -> dict[str, Any] | None:
    """A and m of a plane p = A (z - m), so that the page can place and lift codes itself; None for others."""
    if not isinstance(plane, FlatProjection):
        return None
    return {"axes": plane.axes.tolist(), "origin": plane.origin.tolist()}


def values(e: ExplorerSession, ask: requests.Map) -> dict[str, Any]:
    """The log-likelihoods, once all of them are worked out, and the share that is done."""
    done = float(np.isfinite(e.log_likelihood).mean())
    return {"log_likelihood": packed(e.log_likelihood) if done == 1 else None, "progress": done}


def density(e: ExplorerSession, ask: requests.Map) -> Response:
    """Contours around the densest regions that hold 25, 50, 75 and 95 of 100 points."""
    from vaekit.explorer.contours import contours

    return contours(e.plane(ask.kind).points)


@torch.no_grad()
def point(e: ExplorerSession, ask: requests.OfPoint) -> Response:
    """One image of the data: its label, its terms, its posterior."""
    posterior = e.model.encode(e.image(ask.i), e.told_of(slice(ask.i, ask.i + 1)))
    label = None if e.codes.labels is None else int(e.codes.labels[ask.i])
    return {"i": ask.i, "label": label, "numbers": _numbers(e, ask.i), **placed(e, posterior, ask.kind)}


def _numbers(e: ExplorerSession, i: int) -> dict[str, float | None]:
    reconstruction, rate = float(e.reconstruction[i]), float(e.kl_per_layer[:, i].sum())
    known = e.is_bound and bool(np.isfinite(e.log_likelihood[i]))
    return {
        "reconstruction": reconstruction,
        "rate": rate if e.is_bound else None,
        "elbo": reconstruction - rate if e.is_bound else None,
        "log_likelihood": float(e.log_likelihood[i]) if known else None,
    }


def image(e: ExplorerSession, ask: requests.Image) -> Response:
    """An image of the data, as the model sees it."""
    return ImageResponse(png(e.image(ask.i)))
