"""From latents to images: decode, sample from the prior, interpolate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.errors import InvalidError
from vaekit.evaluation import mixture_components
from vaekit.explorer import prior_samples, requests
from vaekit.explorer.images import gif, png
from vaekit.explorer.projection import NeighborProjection, Projection, bounds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import ImageResponse, Response, cell_values, rounded
from vaekit.models import vae


def unproject(session: ExplorerSession, request: requests.Unproject) -> Response:
    """The latent vector at a point of the map.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> unproject(session, requests.Unproject(x=0.5, y=-1.0))
        {'z': [0.5, -1.0]}
    """
    return {"z": rounded(_unproject(session, request, (request.x, request.y), request.base))}


def _unproject(
    session: ExplorerSession,
    request: requests.Unproject | requests.Decode,
    point: tuple[float, float],
    base: Sequence[float] | None,
) -> np.ndarray:
    start = None if base is None else session.latent_tensor([base])[0].double().cpu().numpy()
    return _plane(session, request).unproject(np.array([point]), start)[0]


def _plane(
    session: ExplorerSession, request: requests.Unproject | requests.Decode | requests.Backdrop
) -> Projection:
    """The map of a request, in two dimensions, decoded as it asks for."""
    if request.between == "neighbors":
        return session.neighbor_projection(request.kind)
    return session.projection(request.kind)


def decode(session: ExplorerSession, request: requests.Decode) -> Response:
    """The decoder means of latent vectors, side by side.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> decode(session, requests.Decode(point=(0.5, -1.0))).headers
        {'Z': [0.5, -1.0]}
    """
    headers: dict[str, Any] = {}
    if request.z is not None:
        z = request.z
    else:
        point = request.point or (0.0, 0.0)
        z = [_unproject(session, request, point, request.base).tolist()]
        headers = {"Z": rounded(np.array(z[0])), **_sources(session, request, point)}
    decoded = _decode(session, session.latent_tensor(z), request.label)
    return ImageResponse(
        png(decoded, limits=session.limits), headers={**headers, **cell_values(session, decoded)}
    )


def _sources(
    session: ExplorerSession, request: requests.Decode, point: tuple[float, float]
) -> dict[str, list[list[float]]]:
    """The data whose latents are averaged at a point, with their weights; nothing on a plane."""
    projection = _plane(session, request)
    if not isinstance(projection, NeighborProjection):
        return {}
    index, weight = projection.sources(np.array([point]))
    return {"Sources": [[int(i), round(float(w), 3)] for i, w in zip(index[0], weight[0], strict=True)]}


@torch.no_grad()
def _decode(session: ExplorerSession, z: Tensor, label: Any) -> Tensor:
    return session.model.decode(z, session.label_tensor(label, len(z))).mean


def backdrop(session: ExplorerSession, request: requests.Backdrop) -> Response:
    """The decoder means of the map in n by n tiles, over a square or over its bounds; the top row is first.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> backdrop(session, requests.Backdrop(side=2.0, n=2)).headers
        {'Bounds': [-1.0, 1.0, -1.0, 1.0]}
    """
    projection = _plane(session, request)
    if request.side is None:
        x0, x1, y0, y1 = bounds(projection.points)
    else:
        x0, x1 = request.x - request.side / 2, request.x + request.side / 2
        y0, y1 = request.y - request.side / 2, request.y + request.side / 2
    centers = (np.arange(request.n) + 0.5) / request.n
    x, y = np.meshgrid(x0 + (x1 - x0) * centers, y1 - (y1 - y0) * centers)
    z = session.latent_tensor(projection.unproject(np.stack([x.ravel(), y.ravel()], 1)).tolist())
    images = torch.cat([_decode(session, batch, request.label) for batch in z.split(100)])
    return ImageResponse(png(images, request.n, session.limits), headers={"Bounds": [x0, x1, y0, y1]})


def sample(session: ExplorerSession, request: requests.Sample) -> Response:
    """A sample from the prior, or a latent vector whose lower layers are resampled.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> len(sample(session, requests.Sample(seed=1))["z"])
        2
    """
    label = session.label_tensor(request.label)
    if request.layer is None:
        z = prior_samples.sample_latent(
            session.model, request.temperature, label, request.seed, request.component
        )
    elif request.z is None:
        raise InvalidError("z: expected the latent vector whose lower layers are resampled")
    else:
        z = prior_samples.resample_below(
            session.model,
            session.latent_tensor([request.z]),
            request.layer,
            request.temperature,
            label,
            request.seed,
        )
    return {"z": rounded(z[0])}


def interpolate(session: ExplorerSession, request: requests.Interpolate) -> Response:
    """The latent vectors on the path from a to b; see `vaekit.models.vae.interpolate`.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> request = requests.Interpolate(a={"z": [0, 0]}, b={"z": [1, 2]}, steps=3)
        >>> interpolate(session, request)["z"]
        [[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]
    """
    a, b = _endpoint(session, request.a), _endpoint(session, request.b)
    return {"z": [rounded(z) for z in vae.interpolate(a, b, request.steps, request.path)]}


def _endpoint(session: ExplorerSession, end: requests.Endpoint) -> Tensor:
    if end.z is not None:
        return session.latent_tensor([end.z])[0]
    session.image(end.index or 0)  # refuses an index beyond the last image
    return torch.from_numpy(session.latents.mean[end.index or 0])


def strip(session: ExplorerSession, request: requests.Strip) -> Response:
    """The decoder means of latent vectors as a file: a strip of images, or an animation there and back.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> strip(session, requests.Strip(z=[[0, 0], [1, 0]], format="gif")).media_type
        'image/gif'
    """
    images = _decode(session, session.latent_tensor(request.z), request.label)
    if request.format == "gif":
        return ImageResponse(gif(images, request.fps, session.limits), "image/gif")
    return ImageResponse(png(images, limits=session.limits))


def classes(session: ExplorerSession, request: requests.Classes) -> Response:
    """One latent vector decoded in every class, side by side.

    Raises:
        InvalidError: the model is not conditioned on a label.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> classes(session, requests.Classes(z=[0, 0])).media_type
        'image/png'
    """
    if session.model.labels is None:
        raise InvalidError("classes: this model is not conditioned on a label")
    n = len(session.model.labels)
    labels = torch.arange(n, device=session.trained.device)
    with torch.no_grad():
        images = session.model.decode(session.latent_tensor([request.z] * n), labels).mean
    return ImageResponse(png(images, limits=session.limits))


def pseudo_inputs(session: ExplorerSession, request: requests.PseudoInputs) -> Response:
    """Some of the pseudo-inputs or exemplars of the prior, ten per row.

    Raises:
        InvalidError: the prior has none, or fewer than `start`.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> pseudo_inputs(session, requests.PseudoInputs())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        vaekit.errors.InvalidError: prior: expected vamp or exemplars, ...
    """
    images = mixture_components.pseudo_inputs(session.model)
    if not 0 <= request.start < len(images):
        raise InvalidError(f"start: expected 0 to {len(images) - 1}, got {request.start}")
    page = images[request.start : request.start + request.n]
    columns = min(10, len(page))
    return ImageResponse(png(page, columns, session.limits), headers={"Columns": columns, "Count": len(page)})
