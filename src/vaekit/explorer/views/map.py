"""The map: its points, the values that color them, and the posterior of one point."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from vaekit.explorer import requests
from vaekit.explorer.images import png
from vaekit.explorer.projection import LinearProjection, Projection, bounds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import ImageResponse, Response, cell_values, describe_posterior, packed


def points(session: ExplorerSession, request: requests.Map) -> Response:
    """All points of the map, and the values that may color them; arrays in base64.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> points(session, requests.Map())["axes"]
        ['z0', 'z1']
    """
    projection = session.projection(request.kind)
    explained = projection.explained_variance_ratio
    return {
        "n": len(projection.points),
        "kind": projection.kind,
        "axes": list(projection.names),
        "explained_variance_ratio": None if explained is None else list(explained),
        "linear": linear(projection),
        "x": packed(projection.points[:, 0]),
        "y": packed(projection.points[:, 1]),
        "label": None if session.latents.labels is None else packed(session.latents.labels, "<i2"),
        "reconstruction": packed(session.reconstruction),
        "kl": packed(session.kl_per_layer.sum(0)) if session.is_bound else None,
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
    """The log-likelihoods once all are estimated, and the share that is.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> values(session, requests.Map())
        {'log_likelihood': None, 'progress': 0.0}
    """
    done = float(np.isfinite(session.log_likelihood).mean())
    return {"log_likelihood": packed(session.log_likelihood) if done == 1 else None, "progress": done}


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

    return contours(session.projection(request.kind).points)


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
        **describe_posterior(session, posterior, request.kind),
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
