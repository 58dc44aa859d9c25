"""The views of the page: pure functions of a session and a request, which return a dictionary or an image.

They know nothing of HTTP and never change a model. The server and the static export call them. `CALLS`
lists them by method and name.

describe, models         the models in words and numbers
Call, CALLS              the calls of the API
Response, ImageResponse  what a view returns
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vaekit.explorer import requests
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views import latents, map, selection, uploads
from vaekit.explorer.views.computation import computation
from vaekit.explorer.views.model import describe, models
from vaekit.explorer.views.responses import ImageResponse, Response

__all__ = ["CALLS", "Call", "ImageResponse", "Response", "describe", "models"]


class Call(NamedTuple):
    """A call of the API.

    Attributes:
        method: "GET" or "POST".
        name: the path below /api/.
        request: the class of its request.
        view: the function that answers.
        latest: whether only the newest request of a client counts.

    Example:
        >>> {call.name: call for call in CALLS}["decode"].latest
        True
    """

    method: str
    name: str
    request: type[requests.Request]
    view: Callable[[ExplorerSession, Any], Response]
    latest: bool = False


CALLS = (
    Call("GET", "map", requests.Map, map.points),
    Call("GET", "map/values", requests.Map, map.values),
    Call("GET", "map/waiting", requests.Map, map.waiting),
    Call("GET", "density", requests.Map, map.density),
    Call("GET", "image", requests.Image, map.image),
    Call("POST", "point", requests.Point, map.point, latest=True),
    Call("POST", "neighbors", requests.Neighbors, map.neighbors, latest=True),
    Call("POST", "thumbnails", requests.Thumbnails, selection.thumbnails),
    Call("POST", "summary", requests.Selection, selection.summary, latest=True),
    Call("POST", "export", requests.Export, selection.export),
    Call("GET", "backdrop", requests.Backdrop, latents.backdrop),
    Call("GET", "pseudo_inputs", requests.PseudoInputs, latents.pseudo_inputs),
    Call("POST", "unproject", requests.Unproject, latents.unproject),
    Call("POST", "decode", requests.Decode, latents.decode, latest=True),
    Call("POST", "sample", requests.Sample, latents.sample),
    Call("POST", "interpolate", requests.Interpolate, latents.interpolate),
    Call("POST", "strip", requests.Strip, latents.strip),
    Call("POST", "classes", requests.Classes, latents.classes),
    Call("POST", "computation", requests.Computation, computation, latest=True),
    Call("POST", "encode", requests.Encode, uploads.encode, latest=True),
    Call("POST", "impute", requests.Impute, uploads.impute, latest=True),
)
