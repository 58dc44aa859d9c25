"""What the page may ask, as a schema: numbers are finite and within limits before anything sees them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from vaekit.errors import InvalidError

MOST_IMAGES = 64


def _bytes(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected base64") from None
    return text


Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Index = Annotated[int, Field(ge=0, le=10_000_000)]
Code = Annotated[list[Number], Field(min_length=1, max_length=65_536)]
Codes = Annotated[list[Code], Field(min_length=1, max_length=MOST_IMAGES)]
Point = tuple[Number, Number]
Label = Index | Annotated[list[Number], Field(min_length=1, max_length=4096)] | None
Seed = Annotated[int, Field(ge=0, lt=2**53)]
Temperature = Annotated[float, Field(gt=0, le=10)]
Bytes = Annotated[str, Field(max_length=2_800_000), AfterValidator(_bytes)]
Path = Literal["linear", "spherical"]


class Ask(BaseModel):
    """A question about model `m`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    m: Annotated[int, Field(ge=0, le=1)] = 0


class Map(Ask):
    kind: Literal["codes", "pca", "umap"] | None = None


class Backdrop(Map):
    """The square of this `side` around x, y; the bounds of the map without a side."""

    x: Number = 0.0
    y: Number = 0.0
    side: Annotated[float, Field(gt=0, le=1e6)] | None = None
    n: Annotated[int, Field(ge=2, le=40)] = 20
    label: Index | None = None


class Image(Ask):
    i: Index


class OfPoint(Map, Image):
    pass


class Lift(Map):
    x: Number
    y: Number
    base: Code | None = None


class Decode(Map):
    z: Codes | None = None
    at: Point | None = None
    base: Code | None = None
    label: Label = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Decode:
        if (self.z is None) == (self.at is None):
            raise ValueError("expected either z or at")
        return self


class Draw(Ask):
    temperature: Temperature = 1.0
    label: Label = None
    seed: Seed = 0
    component: Index | None = None
    level: Index | None = None
    z: Code | None = None


class End(BaseModel):
    """One end of a way: an image of the data, or a code."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    i: Index | None = None
    z: Code | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> End:
        if (self.i is None) == (self.z is None):
            raise ValueError("expected either i or z")
        return self


class Interpolate(Ask):
    a: End
    b: End
    steps: Annotated[int, Field(ge=2, le=MOST_IMAGES)] = 10
    path: Path = "linear"
    label: Label = None


class Strip(Ask):
    z: Codes
    label: Label = None
    form: Literal["png", "gif"] = "png"
    fps: Annotated[float, Field(ge=1, le=50)] = 10


class Encode(Map):
    pixels: Bytes | None = None
    file: Bytes | None = None
    label: Label = None
    mask: Bytes | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Encode:
        if (self.pixels is None) == (self.file is None):
            raise ValueError("expected either pixels or file")
        return self


class Impute(Ask):
    pixels: Bytes
    mask: Bytes
    label: Label = None
    n: Annotated[int, Field(ge=1, le=16)] = 6
    seed: Seed = 0


class Classes(Ask):
    z: Code


class Pseudo(Ask):
    start: Index = 0
    n: Annotated[int, Field(ge=1, le=200)] = 50


def parse_request(kind: type[Ask], values: object) -> Ask:
    """A question of a kind from what came.

    Raises:
        InvalidError: what came does not fit the schema.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InvalidError(_line(error)) from None


def _line(error: ValidationError) -> str:
    """The first fault, in one line, without repeating what came."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason
