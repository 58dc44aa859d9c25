"""The keys of `data`: which images, how they are observed, and what is hidden of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vaekit.utils.schema import Count, Section, Width

Share = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, lt=1)]


class MissingPixels(Section):
    kind: Literal["pixels"] = "pixels"
    share: float = Field(0.5, gt=0, lt=1, description="probability that a pixel is hidden")


class MissingSquare(Section):
    kind: Literal["square"] = "square"
    size: Width = Field(12, description="pixels a side, at a random place")


class MissingHalf(Section):
    kind: Literal["half"] = "half"
    side: Literal["left", "right", "top", "bottom", "random"] = Field("random", description="the hidden one")


def _hidden(value: Any) -> Any:
    """`square:12` stands for {kind: square, size: 12}, and `none` for nothing."""
    named = value.get("kind") if isinstance(value, Mapping) and len(value) == 1 else value
    if not isinstance(named, str):
        return value
    kind, _, option = named.partition(":")
    key = {"pixels": "share", "square": "size", "half": "side"}.get(kind)
    return None if named == "none" else {"kind": kind} | ({key: option} if key and option else {})


Missing = Annotated[
    Annotated[MissingPixels | MissingSquare | MissingHalf, Field(discriminator="kind")] | None,
    BeforeValidator(_hidden),
]


class DataSettings(Section):
    dataset: str = Field("mnist", min_length=1, description="name in the catalog, or path of your own data")
    binarization: Literal["threshold", "static", "dynamic", "none"] = Field(
        "dynamic", description="how gray values become black and white"
    )
    values: Literal["discrete", "continuous"] = Field(
        "discrete", description="without binarization: 256 gray levels, or real numbers in [0, 1]"
    )
    validation: Share = Field(10_000, description="images held out of training: a number, or a share below 1")
    test: Share = Field(0.1, description="the same for data without a published test split")
    train: Count | None = Field(
        None, description="at most so many images to train on, drawn at random; all if not given"
    )
    size: tuple[Width, Width] | None = Field(None, description="height and width, for folders of images")
    crop: Literal["resize", "center"] = Field("resize", description="how images come to that size")
    color: Literal["auto", "gray", "rgb"] = Field("auto", description="channels, for folders of images")
    missing: Missing = Field(None, description="what is hidden of every image, in training and at test")
    attributes: str | None = Field(None, min_length=1, description="CSV of numbers or words, a row an image")
    seed: int = Field(0, ge=0, description="of random splits, static binarization and what is hidden")

    @model_validator(mode="after")
    def _consistent(self) -> DataSettings:
        if self.values == "continuous" and self.binarization != "none":
            raise ValueError(
                f"values=continuous needs binarization=none, but binarization is {self.binarization}; "
                "add data.binarization=none"
            )
        return self

    @property
    def observation(self) -> str:
        """What the model sees: threshold, static, dynamic, discrete or continuous."""
        return self.values if self.binarization == "none" else self.binarization

    @property
    def hidden(self) -> str:
        """What is hidden in short, such as `square:12`; empty where nothing is."""
        if self.missing is None:
            return ""
        options = self.missing.model_dump(exclude={"kind"})
        return ":".join([self.missing.kind, *map(str, options.values())])


def observation_keys(observation: str) -> dict[str, str]:
    """The keys that stand for an observation: `binarization`, and `values` where there is none."""
    if observation in ("discrete", "continuous"):
        return {"binarization": "none", "values": observation}
    return {"binarization": observation}
