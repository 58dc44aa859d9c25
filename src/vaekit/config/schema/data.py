"""The keys of `data`: the dataset, its splits, the observation of its values, and missing data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from vaekit.config.components import Options, SectionOf, explain_option, option_values, options_of
from vaekit.registry import Component, ComponentError, find, names
from vaekit.utils.paths import exists, user_path
from vaekit.utils.schema import Count, Section, Width

TABLE_KEYS = (
    "label", "columns", "missing_values", "group", "time", "weight", "validation_file", "test_file", "header",
    "table",
)  # fmt: skip
"""The keys that belong to tables."""

Share = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, lt=1)]


def _expand_mask(value: Any) -> Any:
    """Expand `square:12` to {kind: square, size: 12}, and `none` to None."""
    named = value.get("kind") if isinstance(value, Mapping) and len(value) == 1 else value
    if not isinstance(named, str):
        return value
    kind, _, option = named.partition(":")
    if named == "none":
        return None
    if kind not in names("mask"):  # an outside mask, file.py:name, or a wrong name
        return {"kind": named if option.isidentifier() else kind}
    first = next((name for name in options_of("mask", kind).model_fields if name != "kind"), "")
    return {"kind": kind} | ({first: option} if option else {})


Missing = Annotated[Annotated[Options, SectionOf("mask")] | None, BeforeValidator(_expand_mask)]


def is_dataset_function(reference: str) -> bool:
    """Whether a name means a registered function: a plain name, `package.module:name` or `file.py:name`.

    >>> is_dataset_function("digits"), is_dataset_function("own.py:moons"), is_dataset_function("photos/")
    (False, True, False)
    """
    place, colon, name = reference.rpartition(":")
    outside = bool(colon and place) and name.isidentifier()
    return reference in names("dataset") or (outside and not exists(user_path(reference)))


def dataset_options(reference: str, options: Mapping[str, Any]) -> Options:
    """The options of a function that returns a dataset.

    Raises:
        ComponentError: there is no such function.
        ValueError: an option is wrong.

    >>> dataset_options("moons", {})
    Traceback (most recent call last):
    vaekit.trust.ComponentError: dataset: expected MODULE:NAME, or FILE.py:NAME; got 'moons'
    """
    try:
        schema = options_of("dataset", reference)
    except ComponentError as error:
        raise type(error)(f"dataset: {error}") from error
    try:
        return schema.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name, expected = ".".join(map(str, first["loc"])), first["msg"].replace("Input should be", "expected")
        reason = explain_option(first, schema) or f"{name}: {expected}, got {first['input']!r}"
        raise ValueError(f"options.{reason}") from None


class DataSettings(Section):
    """The keys of `data`: the dataset, its splits, and what the model sees of the images.

    >>> DataSettings(dataset="digits", binarization="none").observation
    'discrete'
    """

    dataset: str = Field(
        "mnist",
        min_length=1,
        description="name in the catalog, path of your own data, or a function, FILE.py:NAME",
    )
    options: dict[str, Any] = Field({}, description="options of such a function, by name")
    binarization: Literal["threshold", "static", "dynamic", "none"] = Field(
        "dynamic", description="how gray values become black and white"
    )
    values: Literal["discrete", "continuous", "counts"] = Field(
        "discrete", description="without binarization: gray levels, real numbers, or counts"
    )
    scaling: Literal["standard", "quantile", "robust", "minmax", "none"] = Field(
        "standard", description="how the numbers of a table are scaled, on the training rows"
    )
    validation: Share = Field(10_000, description="validation images: a number, or a share below 1")
    test: Share = Field(0.1, description="test images, for data without a published test split")
    train: Count | None = Field(
        None, description="maximum number of training images, drawn at random; all if not given"
    )
    size: tuple[Width, Width] | None = Field(None, description="height and width, for folders of images")
    crop: Literal["resize", "center"] = Field("resize", description="how images are brought to that size")
    color: Literal["auto", "gray", "rgb"] = Field("auto", description="channels, for folders of images")
    strict: bool = Field(False, description="refuse images that cannot be read, instead of skipping them")
    points: Literal["auto", "vector", "signal", "image", "volume"] = Field(
        "auto", description="what those of an array are; auto chooses by the shape"
    )
    array: str | None = Field(
        None, min_length=1, description="name of the array of values in a .npz, .h5 or .mat file"
    )
    missing: Missing = Field(None, description="what is hidden of every image, in training and in evaluation")
    attributes: Annotated[str, Field(min_length=1)] | list[str] | None = Field(
        None,
        description="CSV file of numbers or words, one row per image; or columns of a table to condition on",
    )
    label: str | None = Field(
        None, min_length=1, description="column of a table that holds the classes; else one called label"
    )
    columns: dict[str, Any] = Field(
        {},
        description="columns of a table: a kind, ignore, or {kind, categories, missing_values}, by name",
    )
    missing_values: list[int | float | str] = Field(
        [], description="words and numbers in a table that mean a missing value, besides NA and the like"
    )
    group: str | None = Field(None, min_length=1, description="column of a table; no split cuts a group")
    time: str | None = Field(
        None, min_length=1, description="column of a table; the last rows are for testing"
    )
    weight: str | None = Field(None, min_length=1, description="column of a table with weights of the rows")
    validation_file: str | None = Field(
        None, min_length=1, description="table with the same columns, for validation"
    )
    test_file: str | None = Field(None, min_length=1, description="table with the same columns, for testing")
    header: bool | None = Field(
        None, description="whether the first row of a table holds names; found out if not given"
    )
    table: bool | None = Field(
        None, description="whether rows are those of a table, not images; found out if not given"
    )
    seed: int = Field(0, ge=0, description="random seed of splits, static binarization and masks")

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, tree: Any) -> Any:
        """Check the options of a function, and store its defaults."""
        reference = tree.get("dataset") if isinstance(tree, Mapping) else None
        given = tree.get("options") or {} if reference is not None else {}
        if not isinstance(reference, str) or not isinstance(given, Mapping):
            return tree
        if is_dataset_function(reference):
            return {**tree, "options": option_values(dataset_options(reference, given))}
        if given:
            raise ValueError(
                f"options: only a function has options, but dataset is {reference}; leave them out"
            )
        return tree

    @property
    def own_component(self) -> Component | None:
        """The function that returns the dataset; None for the catalog and for paths."""
        return find("dataset", self.dataset) if is_dataset_function(self.dataset) else None

    @model_validator(mode="after")
    def _consistent(self) -> DataSettings:
        if self.values != "discrete" and self.binarization != "none":
            raise ValueError(
                f"values={self.values} needs binarization=none, but binarization is {self.binarization}; "
                "add data.binarization=none"
            )
        return self

    @field_validator("columns")
    @classmethod
    def _known_kinds(cls, columns: dict[str, Any]) -> dict[str, Any]:
        if columns:
            from vaekit.data.tables.kinds import ColumnChoice

            for name, choice in columns.items():
                try:
                    ColumnChoice.parse(choice)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return columns

    @property
    def table_options(self) -> dict[str, Any]:
        """The options of `vaekit.data.load_dataset` for tables, without those that are not given."""
        named = (*TABLE_KEYS, *(("attributes",) if isinstance(self.attributes, list) else ()))
        default = type(self).model_fields
        given = {name: getattr(self, name) for name in named}
        return {name: value for name, value in given.items() if value != default[name].default}

    @property
    def observation(self) -> str:
        """What the model sees: threshold, static, dynamic, discrete, continuous or counts."""
        return self.values if self.binarization == "none" else self.binarization

    @property
    def hidden(self) -> str:
        """The mask in short form, such as `square:12`; empty for none."""
        if self.missing is None:
            return ""
        return ":".join([self.missing.kind, *map(str, option_values(self.missing).values())])


def observation_keys(observation: str) -> dict[str, str]:
    """The keys for an observation: `binarization`, and `values` without binarization.

    >>> observation_keys("continuous")
    {'binarization': 'none', 'values': 'continuous'}
    """
    if observation in ("discrete", "continuous", "counts"):
        return {"binarization": "none", "values": observation}
    return {"binarization": observation}
