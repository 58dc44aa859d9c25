"""The requests of the page as pydantic models: every number from outside is checked before a view sees it.

Numbers are finite and bounded, lists have a maximum length, and unknown fields are refused. A violation
becomes one line in plain text: the field, what was expected.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from vaekit.errors import InvalidError

MAX_IMAGES = 64
MAX_THUMBNAILS = 512


def _check_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected base64") from None
    return text


Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Index = Annotated[int, Field(ge=0, le=10_000_000)]
LatentVector = Annotated[list[Number], Field(min_length=1, max_length=65_536)]
LatentVectors = Annotated[list[LatentVector], Field(min_length=1, max_length=MAX_IMAGES)]
MapPoint = tuple[Number, Number]
Between = Literal["plane", "neighbors"]
Label = Index | Annotated[list[Number], Field(min_length=1, max_length=4096)] | None
Seed = Annotated[int, Field(ge=0, lt=2**53)]
Temperature = Annotated[float, Field(gt=0, le=10)]
Base64 = Annotated[str, Field(max_length=2_800_000), AfterValidator(_check_base64)]
Path = Literal["linear", "spherical"]


class Request(BaseModel):
    """A request about one model.

    Attributes:
        model: index of the model, from 0 to 3.

    Example:
        >>> Request().model
        0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: Annotated[int, Field(ge=0, le=3)] = 0


class Map(Request):
    """The points of the map.

    Attributes:
        kind: the projection; None for the default of the model.
        dims: 2 for a plane, 3 for space.

    Example:
        >>> Map(kind="pca").kind
        'pca'
    """

    kind: Literal["latents", "pca", "umap", "tsne"] | None = None
    dims: Annotated[int, Field(ge=2, le=3)] = 2


class Backdrop(Map):
    """Decoded tiles of the map, n by n, over a square around (x, y), or over the bounds of the map.

    Attributes:
        x, y: the center of the square, in units of the map.
        side: the side of the square; None for the bounds of the map.
        n: tiles per row and per column.
        label: the class that the decoder is conditioned on.
        between: decode the plane of a linear map, or means of the nearest data; others have no plane.

    Example:
        >>> Backdrop(side=2.0).n
        20
    """

    x: Number = 0.0
    y: Number = 0.0
    side: Annotated[float, Field(gt=0, le=1e6)] | None = None
    n: Annotated[int, Field(ge=2, le=40)] = 20
    label: Index | None = None
    between: Between = "plane"


class Image(Request):
    """One image of the data.

    Attributes:
        index: its position in the split.

    Example:
        >>> Image(index=7).index
        7
    """

    index: Index


class Point(Map, Image):
    """The posterior of one image of the data, on the map.

    Example:
        >>> Point(index=7, kind="pca").kind
        'pca'
    """


class Unproject(Map):
    """The latent vector at a point of the map.

    Attributes:
        x, y: the point.
        base: the latent vector to start from; None for the origin of the map.
        between: see `Backdrop`.

    Example:
        >>> Unproject(x=0.5, y=-1.0).base is None
        True
    """

    x: Number
    y: Number
    base: LatentVector | None = None
    between: Between = "plane"


class Decode(Map):
    """Decode latent vectors, or the point of the map.

    Attributes:
        z: n latent vectors of d numbers each; give either `z` or `point`.
        point: (x, y) on the map.
        base: for `point`, the latent vector to start from.
        between: for `point`, see `Backdrop`.
        label: the class or attributes that the decoder is conditioned on.

    Example:
        >>> Decode(z=[[0.0, 1.0]]).z
        [[0.0, 1.0]]
    """

    z: LatentVectors | None = None
    point: MapPoint | None = None
    base: LatentVector | None = None
    between: Between = "plane"
    label: Label = None

    @model_validator(mode="after")
    def _check_one_source(self) -> Decode:
        if (self.z is None) == (self.point is None):
            raise ValueError("expected either z or point")
        return self


class Sample(Request):
    """Sample from the prior, or resample the layers below one.

    Attributes:
        temperature: factor of the standard deviation of the prior.
        label: the class or attributes that the prior is conditioned on.
        seed: seed of the sample.
        component: the mixture component to sample from; None for a random one.
        layer: resample the layers below this one, given `z`; None to sample all layers.
        z: the latent vector whose upper layers stay.

    Example:
        >>> Sample(seed=3).temperature
        1.0
    """

    temperature: Temperature = 1.0
    label: Label = None
    seed: Seed = 0
    component: Index | None = None
    layer: Index | None = None
    z: LatentVector | None = None


class Endpoint(BaseModel):
    """One end of an interpolation: an image of the data, or a latent vector.

    Attributes:
        index: the image, of which the posterior mean is taken.
        z: the latent vector.

    Example:
        >>> Endpoint(index=4).z is None
        True
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    index: Index | None = None
    z: LatentVector | None = None

    @model_validator(mode="after")
    def _check_one_source(self) -> Endpoint:
        if (self.index is None) == (self.z is None):
            raise ValueError("expected either index or z")
        return self


class Interpolate(Request):
    """The latent vectors on the path from a to b.

    Attributes:
        a, b: the ends.
        steps: the number of latent vectors, ends included.
        path: linear or spherical.
        label: unused by the path; accepted so that one request serves the path and its images.

    Example:
        >>> Interpolate(a={"index": 0}, b={"index": 1}).steps
        10
    """

    a: Endpoint
    b: Endpoint
    steps: Annotated[int, Field(ge=2, le=MAX_IMAGES)] = 10
    path: Path = "linear"
    label: Label = None


class Strip(Request):
    """An image file of decoded latent vectors.

    Attributes:
        z: n latent vectors of d numbers each.
        label: the class or attributes that the decoder is conditioned on.
        format: "png", the images side by side, or "gif", an animation there and back.
        fps: frames per second of the animation.

    Example:
        >>> Strip(z=[[0.0], [1.0]], format="gif").fps
        10
    """

    z: LatentVectors
    label: Label = None
    format: Literal["png", "gif"] = "png"
    fps: Annotated[float, Field(ge=1, le=50)] = 10


class Encode(Map):
    """Encode an uploaded image.

    Attributes:
        pixels: C * H * W gray levels of 8 bits; give either `pixels` or `file`.
        file: an image file.
        label: the class or attributes that the encoder is conditioned on; None for the most probable class.
        mask: H * W bytes, not 0 where a pixel is observed; None if all are.

    Example:
        >>> Encode(pixels="AAAA").mask is None
        True
    """

    pixels: Base64 | None = None
    file: Base64 | None = None
    label: Label = None
    mask: Base64 | None = None

    @model_validator(mode="after")
    def _check_one_source(self) -> Encode:
        if (self.pixels is None) == (self.file is None):
            raise ValueError("expected either pixels or file")
        return self


class Impute(Request):
    """Impute the masked pixels of an uploaded image.

    Attributes:
        pixels: C * H * W gray levels of 8 bits.
        mask: H * W bytes, not 0 where a pixel is observed.
        label: the class or attributes that the model is conditioned on; None to infer the class.
        n: the number of imputations.
        seed: seed of the imputations.

    Example:
        >>> Impute(pixels="AAAA", mask="AAAA").n
        6
    """

    pixels: Base64
    mask: Base64
    label: Label = None
    n: Annotated[int, Field(ge=1, le=16)] = 6
    seed: Seed = 0


class Computation(Image):
    """The latents and terms of one image that rows of noise give.

    Attributes:
        noise: K rows of d numbers of N(0, 1).

    Example:
        >>> Computation(index=7, noise=[[0.0, 1.0]]).noise
        [[0.0, 1.0]]
    """

    noise: LatentVectors


class Classes(Request):
    """Decode one latent vector in every class.

    Example:
        >>> Classes(z=[0.0, 1.0]).z
        [0.0, 1.0]
    """

    z: LatentVector


class Neighbors(Map):
    """The nearest data of a latent vector.

    Attributes:
        z: the latent vector.
        n: how many.
        label: the class that the decoder is conditioned on, to which the search is restricted; None for all.

    Example:
        >>> Neighbors(z=[0.0, 1.0]).n
        8
    """

    z: LatentVector
    n: Annotated[int, Field(ge=1, le=100)] = 8
    label: Label = None


class Thumbnails(Request):
    """Several images of the data.

    Attributes:
        indices: their positions in the split.

    Example:
        >>> Thumbnails(indices=[4, 2]).indices
        [4, 2]
    """

    indices: Annotated[list[Index], Field(min_length=1, max_length=MAX_THUMBNAILS)]


class Selection(Request):
    """A selection of the data.

    Attributes:
        mask: N bits, 1 for what is selected, the first in the lowest bit of the first byte.

    Example:
        >>> Selection(mask="Aw==").mask
        'Aw=='
    """

    mask: Base64


class Export(Selection):
    """A file of a selection.

    Attributes:
        format: "csv", a line for each data point, or "npz", arrays with the images.

    Example:
        >>> Export(mask="Aw==", format="npz").format
        'npz'
    """

    format: Literal["csv", "npz"] = "csv"


class PseudoInputs(Request):
    """A page of the pseudo-inputs of the prior.

    Attributes:
        start: index of the first.
        n: how many at most.

    Example:
        >>> PseudoInputs().n
        50
    """

    start: Index = 0
    n: Annotated[int, Field(ge=1, le=200)] = 50


AnyRequest = TypeVar("AnyRequest", bound=Request)


def parse_request(kind: type[AnyRequest], values: object) -> AnyRequest:
    """Validate a request.

    Args:
        kind: the class of the request.
        values: what came in: a mapping of field names to values.

    Returns:
        The request.

    Raises:
        InvalidError: a field is missing, unknown or out of range.

    Example:
        >>> parse_request(Image, {"index": 3})
        Image(model=0, index=3)
        >>> parse_request(Image, {"index": -1})
        Traceback (most recent call last):
        vaekit.errors.InvalidError: index: Input should be greater than or equal to 0
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        # The first error in one line, without repeating the input.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    raise InvalidError(f"{field}: {reason}" if field else reason)
