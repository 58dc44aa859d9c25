"""The map: its points, the values that color them, and the posterior of one point."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vaekit.explorer import requests
from vaekit.explorer.images import png
from vaekit.explorer.projection import LinearProjection, NeighborProjection, Projection, bounds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import (
    ImageResponse,
    Response,
    cell_values,
    describe_posterior,
    packed,
    rounded,
)


def points(session: ExplorerSession, request: requests.Map) -> Response:
    """All points of the map, and the values that may color them; arrays in base64.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> points(session, requests.Map())["axes"]
        ['z0', 'z1']
    """
    projection, waiting = session.find_projection(request.kind, request.dims)
    explained = projection.explained_variance_ratio
    depth = packed(projection.points[:, 2]) if projection.points.shape[1] == 3 else None
    return {
        "n": len(projection.points),
        "kind": projection.kind,
        "dims": projection.points.shape[1],
        "waiting": None if waiting is None else waiting._asdict(),
        "fitted": projection.fitted if isinstance(projection, NeighborProjection) else None,
        "axes": list(projection.names),
        "explained_variance_ratio": None if explained is None else list(explained),
        "linear": linear(projection),
        "x": packed(projection.points[:, 0]),
        "y": packed(projection.points[:, 1]),
        "depth": depth,
        "label": None if session.latents.labels is None else packed(session.latents.labels, "<i2"),
        "reconstruction": packed(session.reconstruction),
        "kl": packed(session.kl_per_layer.sum(0)) if session.is_bound else None,
        "attributes": {name: packed(column) for name, column in session.attributes.items()},
        "bounds": bounds(projection.points),
        **values(session, request),
    }


def linear(projection: Projection) -> dict[str, Any] | None:
    """A and m of a linear projection p = A (z - m), with which the page projects by itself; None for others.

    Example:
        >>> import numpy as np
        >>> from vaekit.explorer.projection import fit_projection
        >>> linear(fit_projection(np.eye(2)))
        {'axes': [[1.0, 0.0], [0.0, 1.0]], 'origin': [0.0, 0.0]}
    """
    if not isinstance(projection, LinearProjection):
        return None
    return {"axes": projection.axes.tolist(), "origin": projection.origin.tolist()}


def values(session: ExplorerSession, request: requests.Map) -> dict[str, Any]:
    """The log-likelihoods and errors once all are measured, and the share that is.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> values(session, requests.Map())
        {'log_likelihood': None, 'error': None, 'progress': 0.0}
    """
    done = session.measured / len(session.images)
    known = session.is_bound and done == 1
    return {
        "log_likelihood": packed(session.log_likelihood) if known else None,
        "error": packed(session.error) if done == 1 else None,
        "progress": done,
    }


def waiting(session: ExplorerSession, request: requests.Map) -> Response:
    """What is still computed of a map, or None.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> waiting(session, requests.Map(kind="pca"))
        {'waiting': None}
    """
    _, found = session.find_projection(request.kind, request.dims)
    return {"waiting": None if found is None else found._asdict()}


def neighbors(session: ExplorerSession, request: requests.Neighbors) -> Response:
    """The data nearest to a latent vector in latent space, with distances, and its place on the map.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> z = session.latents.mean[7].tolist()
        >>> found = neighbors(session, requests.Neighbors(z=z, n=2))
        >>> found["index"][0], found["distance"][0]
        (7, 0.0)
    """
    z = session.latent_tensor([request.z])[0].cpu().numpy()
    found = session.neighbors.nearest(z, request.n, session.of_class(request.label))
    xy = session.projection(request.kind, request.dims).project(z[None])[0]
    return {"index": found.index.tolist(), "distance": rounded(found.distance), "xy": rounded(xy)}


def density(session: ExplorerSession, request: requests.Map) -> Response:
    """Contours of the densest regions that hold 25, 50, 75 and 95% of the points.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> density(session, requests.Map())["coverage"]
        [0.95, 0.75, 0.5, 0.25]
    """
    from vaekit.explorer.contours import contours

    return contours(session.projection(request.kind).points[:, :2])


@torch.no_grad()
def point(session: ExplorerSession, request: requests.Point) -> Response:
    """One image of the data: its label, the terms of its bound in nats, and its posterior.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> sorted(point(session, requests.Point(index=3)))
        ['ellipse', 'index', 'label', 'std', 'terms', 'xy', 'z']
    """
    i = request.index
    posterior = session.model.encode(session.image(i), session.conditions_of(slice(i, i + 1)))
    reconstruction, kl = float(session.reconstruction[i]), float(session.kl_per_layer[:, i].sum())
    estimated = session.is_bound and bool(np.isfinite(session.log_likelihood[i]))
    terms = {
        "reconstruction": reconstruction,
        "kl": kl if session.is_bound else None,
        "elbo": reconstruction - kl if session.is_bound else None,
        "log_likelihood": float(session.log_likelihood[i]) if estimated else None,
    }
    label = None if session.latents.labels is None else int(session.latents.labels[i])
    return {
        "index": i,
        "label": label,
        "terms": terms,
        **describe_posterior(session, posterior, request.kind, request.dims),
    }


def image(session: ExplorerSession, request: requests.Image) -> Response:
    """An image of the data, as the model sees it.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> image(session, requests.Image(index=3)).media_type
        'image/png'
    """
    x = session.image(request.index)
    return ImageResponse(png(x, limits=session.limits), headers=cell_values(session, x))
