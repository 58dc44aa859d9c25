"""What the page shows: functions of a model and a question, which give a dictionary or a picture.

They know nothing of HTTP, and never change a model. `CALLS` lists them by method and name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vaekit.explorer import requests
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views import latents, map, uploads
from vaekit.explorer.views.model import describe, models
from vaekit.explorer.views.responses import ImageResponse, Response

__all__ = ["CALLS", "Call", "ImageResponse", "Response", "describe", "models"]


class Call(NamedTuple):
    """A question that may be asked, its schema, what answers it, and whether only the newest one counts."""

    method: str
    name: str
    ask: type[requests.Ask]
    view: Callable[[ExplorerSession, Any], Response]
    latest: bool = False


CALLS = (
    Call("GET", "map", requests.Map, map.points),
    Call("GET", "map/values", requests.Map, map.values),
    Call("GET", "density", requests.Map, map.density),
    Call("GET", "image", requests.Image, map.image),
    Call("POST", "point", requests.OfPoint, map.point, latest=True),
    Call("GET", "backdrop", requests.Backdrop, latents.backdrop),
    Call("GET", "pseudo", requests.Pseudo, latents.pseudo),
    Call("POST", "lift", requests.Lift, latents.lift),
    Call("POST", "decode", requests.Decode, latents.decode, latest=True),
    Call("POST", "draw", requests.Draw, latents.draw),
    Call("POST", "interpolate", requests.Interpolate, latents.interpolate),
    Call("POST", "strip", requests.Strip, latents.strip),
    Call("POST", "classes", requests.Classes, latents.classes),
    Call("POST", "encode", requests.Encode, uploads.encode, latest=True),
    Call("POST", "impute", requests.Impute, uploads.impute, latest=True),
)
