"""What the page shows: functions of a model and a question, which give a dictionary or a picture.

They know nothing of HTTP, and never change a model. `CALLS` lists them by method and name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vaekit.explorer import asks
from vaekit.explorer.explored import Explored
from vaekit.explorer.views import codes, incoming, map
from vaekit.explorer.views.answers import Answer, Picture
from vaekit.explorer.views.model import describe, models

__all__ = ["CALLS", "Answer", "Call", "Picture", "describe", "models"]


class Call(NamedTuple):
    """A question that may be asked, its schema, what answers it, and whether only the newest one counts."""

    method: str
    name: str
    ask: type[asks.Ask]
    view: Callable[[Explored, Any], Answer]
    latest: bool = False


CALLS = (
    Call("GET", "map", asks.Map, map.points),
    Call("GET", "map/values", asks.Map, map.values),
    Call("GET", "density", asks.Map, map.density),
    Call("GET", "image", asks.Image, map.image),
    Call("POST", "point", asks.OfPoint, map.point, latest=True),
    Call("GET", "backdrop", asks.Backdrop, codes.backdrop),
    Call("GET", "pseudo", asks.Pseudo, codes.pseudo),
    Call("POST", "lift", asks.Lift, codes.lift),
    Call("POST", "decode", asks.Decode, codes.decode, latest=True),
    Call("POST", "draw", asks.Draw, codes.draw),
    Call("POST", "interpolate", asks.Interpolate, codes.interpolate),
    Call("POST", "strip", asks.Strip, codes.strip),
    Call("POST", "classes", asks.Classes, codes.classes),
    Call("POST", "encode", asks.Encode, incoming.encode, latest=True),
    Call("POST", "impute", asks.Impute, incoming.impute, latest=True),
)
