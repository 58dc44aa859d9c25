"""A recipe says all of a run: data, model, objective, training.

It is a tree of plain values with a schema. Whatever a recipe does not say has a default; whatever the schema
does not know is an error that names the nearest key. Where a part can be of several kinds, its `kind` says
which, and the kind alone may stand for it:

    likelihood: bernoulli            is   likelihood: {kind: bernoulli}
    beta: 4                          is   beta: {kind: constant, value: 4}

The schema mirrors the functions it names: the kinds of network are those of `networks.py`, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] < bounds[1]:
        raise ValueError(f"expected two numbers, the lower one first, got {list(bounds)}")
    return bounds


Bounds = Annotated[tuple[float, float], AfterValidator(_ascending)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Width = Annotated[int, Field(ge=1, le=100_000)]
Levels = Annotated[list[Width], Field(min_length=1, max_length=16)]
Positive = Annotated[float, Field(gt=0, le=1e9)]
NonNegative = Annotated[float, Field(ge=0, le=1e9)]
Share = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, lt=1)]
FlowForm = Literal["coupling", "autoregressive"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]


def _named(value: Any) -> Any:
    """A kind's bare name stands for the kind with its defaults."""
    return {"kind": value} if isinstance(value, str) else value


def _scheduled(value: Any) -> Any:
    """A bare number stands for a constant."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "constant", "value": value} if plain else _named(value)


class Part(BaseModel):
    """A node of the tree: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


# ----------------------------------------------------------------------------------------------------- data


class MissingPixels(Part):
    kind: Literal["pixels"] = "pixels"
    share: float = Field(0.5, gt=0, lt=1, description="probability that a pixel is hidden")


class MissingSquare(Part):
    kind: Literal["square"] = "square"
    size: Width = Field(12, description="pixels a side, at a random place")


class MissingHalf(Part):
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


class Data(Part):
    name: str = Field("mnist", min_length=1, description="name in the catalogue, or path of your own data")
    observation: Literal["threshold", "static", "dynamic", "grey", "unit"] = Field(
        "dynamic", description="how grey values become what the model sees"
    )
    validation: Share = Field(10_000, description="images held out of training: a number, or a share below 1")
    test: Share = Field(0.1, description="the same for data without a published test split")
    train: Count | None = Field(
        None, description="at most so many images to train on, drawn at random; all if not given"
    )
    size: tuple[Width, Width] | None = Field(None, description="height and width, for folders of images")
    crop: Literal["resize", "centre"] = Field("resize", description="how images come to that size")
    colour: Literal["auto", "grey", "rgb"] = Field("auto", description="channels, for folders of images")
    missing: Missing = Field(None, description="what is hidden of every image, in training and at test")
    attributes: str | None = Field(None, min_length=1, description="CSV of numbers or words, a row an image")
    seed: int = Field(0, ge=0, description="of random splits, static binarisation and what is hidden")

    @property
    def hidden(self) -> str:
        """What is hidden in short, such as `square:12`; empty where nothing is."""
        if self.missing is None:
            return ""
        options = self.missing.model_dump(exclude={"kind"})
        return ":".join([self.missing.kind, *map(str, options.values())])


# ---------------------------------------------------------------------------------------------------- model


class Dense(Part):
    kind: Literal["dense"] = "dense"
    width: list[Width] = Field([300, 300], max_length=64, description="units of each hidden layer")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each hidden layer that is not gated")


class Convolutional(Part):
    kind: Literal["convolutional"] = "convolutional"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    width: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each layer that is not gated")


class Residual(Part):
    kind: Literal["residual"] = "residual"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    width: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    activation: Activation = Field("silu", description="in each residual block")


Network = Annotated[
    Annotated[Dense | Convolutional | Residual, Field(discriminator="kind")], BeforeValidator(_named)
]


class GaussianPosterior(Part):
    kind: Literal["log_variance", "log_sigma"] = "log_variance"
    bounds: Bounds | None = Field(None, description="smooth bounds of the log-variance or log-sigma")


class PlainPosterior(Part):
    kind: Literal["sigma", "dirac"] = "sigma"


class FullCovariance(Part):
    kind: Literal["full_covariance"] = "full_covariance"
    bounds: Bounds | None = Field(
        (-6.0, 2.0), description="smooth bounds of the log of the factor's diagonal"
    )


class FlowPosterior(Part):
    kind: Literal["flow"] = "flow"
    form: FlowForm = Field("coupling", description="autoregressive ones are slow to draw from")
    transforms: int = Field(2, ge=1, le=64, description="steps")
    width: list[Width] = Field([128], max_length=64, description="units of each hidden layer of a step")
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of log sigma")


Posterior = Annotated[
    Annotated[
        GaussianPosterior | PlainPosterior | FullCovariance | FlowPosterior, Field(discriminator="kind")
    ],
    BeforeValidator(_named),
]


class PlainLikelihood(Part):
    kind: Literal["bernoulli", "continuous_bernoulli", "categorical"] = "bernoulli"


class GaussianLikelihood(Part):
    kind: Literal["gaussian"] = "gaussian"
    sigma: Positive | Literal["learned", "global", "optimal"] = Field(
        "global",
        description="a number, one a pixel (learned), one for all (global), or closed form (optimal)",
    )
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of a learned log-sigma")


class DiscretisedLogistic(Part):
    kind: Literal["discretised_logistic"] = "discretised_logistic"
    bounds: Bounds | None = Field((-4.5, 0.0), description="smooth bounds of the log-scale")


Likelihood = Annotated[
    Annotated[PlainLikelihood | GaussianLikelihood | DiscretisedLogistic, Field(discriminator="kind")],
    BeforeValidator(_named),
]


class PriorPart(Part):
    network: Annotated[Dense, BeforeValidator(_named)] | None = Field(
        None, description="from label, or levels above, to a level; without it small, or as the encoder's"
    )


class StandardNormal(PriorPart):
    kind: Literal["standard_normal"] = "standard_normal"


class Mixture(PriorPart):
    kind: Literal["mixture"] = "mixture"
    components: int = Field(10, ge=1, le=10_000, description="Gaussians, all learned")
    weights: Literal["learned", "class"] = Field(
        "learned", description="of the components; class: a component each, with into=[prior]"
    )


class Vamp(PriorPart):
    kind: Literal["vamp"] = "vamp"
    components: int = Field(500, ge=1, le=10_000, description="pseudo-inputs: images that are learned")
    weights: Literal["uniform", "learned"] = Field("uniform", description="of the components")
    start: Literal["random", "data"] = Field(
        "random", description="pseudo-inputs at first: random, or training images"
    )
    mean: float = Field(0.5, ge=0, le=1, description="of random pixels")
    std: float = Field(0.1, gt=0, le=1, description="of random pixels")


class Exemplars(PriorPart):
    kind: Literal["exemplars"] = "exemplars"
    components: int = Field(500, ge=1, le=10_000, description="training images, at random")
    weights: Literal["uniform", "learned"] = Field("uniform", description="of the components")


class Flow(PriorPart):
    kind: Literal["flow"] = "flow"
    form: FlowForm = Field("coupling", description="autoregressive ones are slow to draw from")
    transforms: int = Field(4, ge=1, le=64, description="steps")
    width: list[Width] = Field([128, 128], max_length=64, description="units of each hidden layer of a step")


Prior = Annotated[
    Annotated[StandardNormal | Mixture | Vamp | Exemplars | Flow, Field(discriminator="kind")],
    BeforeValidator(_named),
]


class Encoder(Part):
    network: Network = Field(Convolutional(), description="image to the numbers of the posterior")
    posterior: Posterior = Field(GaussianPosterior(), description="what those numbers say of q(z | x)")


class Decoder(Part):
    network: Network = Field(Convolutional(), description="latent to the numbers of the likelihood")
    likelihood: Likelihood = Field(PlainLikelihood(), description="what those numbers say of p(x | z)")


def _some_parts(parts: list[str]) -> list[str]:
    if not parts or len(set(parts)) < len(parts):
        raise ValueError(f"expected at least one of prior, encoder and decoder, each once, got {parts}")
    return parts


def _conditioned(value: Any) -> Any:
    """What the model is told stands for the whole."""
    return {"by": value} if isinstance(value, str) else value


class Condition(Part):
    by: Literal["label", "attributes"] = Field("label", description="what the model is told of each image")
    into: Annotated[list[Literal["prior", "encoder", "decoder"]], AfterValidator(_some_parts)] = Field(
        ["decoder"], description="which parts are told"
    )


class Model(Part):
    latent: Width | Levels = Field(16, description="how many latents; of each level, the top first")
    prior: Prior = Field(StandardNormal(), description="p(z), that of the top level")
    encoder: Encoder = Encoder()
    decoder: Decoder = Decoder()
    condition: Annotated[Condition, BeforeValidator(_conditioned)] | None = Field(
        None, description="a conditional model: label or attributes"
    )

    @property
    def told(self) -> str:
        """What the model is told of each image: label, attributes, or nothing, the empty string."""
        return self.condition.by if self.condition else ""

    @property
    def given(self) -> frozenset[str]:
        """Which parts are told the label."""
        return frozenset(self.condition.into if self.condition else ())

    @property
    def levels(self) -> tuple[int, ...]:
        """How many latents each level has, the top first."""
        return (self.latent,) if isinstance(self.latent, int) else tuple(self.latent)

    @model_validator(mode="after")
    def _consistent(self) -> Model:
        gaussian_of_label = self.prior.kind == "standard_normal" and "prior" in self.given
        if self.prior.network is not None and len(self.levels) == 1 and not gaussian_of_label:
            raise ValueError(
                "prior.network leads from level to level, but there is one level; leave it out, or give "
                f"several, such as latent={[self.levels[0]] * 2}"
            )
        by_class = isinstance(self.prior, Mixture) and self.prior.weights == "class"
        if by_class and not (self.condition and self.condition.by == "label" and "prior" in self.given):
            raise ValueError(
                "prior.weights=class needs a prior that is told the label; add "
                "model.condition={by: label, into: [prior, decoder]}"
            )
        return self


# ------------------------------------------------------------------------------------------------ objective


class Schedule(Part):
    unit: Literal["epoch", "step"] = Field("epoch", description="what `over` and `period` count")


class Constant(Part):
    kind: Literal["constant"] = "constant"
    value: NonNegative = Field(1.0, description="beta")


class Linear(Schedule):
    kind: Literal["linear"] = "linear"
    over: Positive = Field(100, description="epochs or steps of warm-up")
    start: NonNegative = Field(0.0, description="beta at first")
    value: NonNegative = Field(1.0, description="beta after")


class Cyclical(Schedule):
    kind: Literal["cyclical"] = "cyclical"
    period: Positive = Field(10, description="epochs or steps of a cycle")
    ratio: float = Field(0.5, gt=0, le=1, description="share of a cycle in which beta rises")
    start: NonNegative = Field(0.0, description="beta at the start of a cycle")
    value: NonNegative = Field(1.0, description="beta at its end")


Beta = Annotated[
    Annotated[Constant | Linear | Cyclical, Field(discriminator="kind")], BeforeValidator(_scheduled)
]


class Objective(Part):
    kind: Literal["elbo", "importance_weighted"] = Field("elbo", description="the bound that is raised")
    samples: int = Field(1, ge=1, le=100_000, description="K, posterior samples an image")
    beta: Beta = Field(Constant(), description="weight of the rate")
    free_bits: NonNegative = Field(0.0, description="nats each level may use without cost")

    @model_validator(mode="after")
    def _consistent(self) -> Objective:
        if self.kind == "importance_weighted" and self.free_bits:
            raise ValueError("free_bits belong to the elbo: the importance-weighted bound has no KL term")
        return self


# ------------------------------------------------------------------------------------------------- training


class ConstantRate(Part):
    kind: Literal["constant"] = "constant"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")


class CosineRate(Part):
    kind: Literal["cosine"] = "cosine"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")
    final: float = Field(0.01, ge=0, le=1, description="share of the rate that is left at the end")


class ExponentialRate(Part):
    kind: Literal["exponential"] = "exponential"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")
    factor: float = Field(0.97, gt=0, le=1, description="by which the rate falls every epoch")


RateSchedule = Annotated[
    Annotated[ConstantRate | CosineRate | ExponentialRate, Field(discriminator="kind")],
    BeforeValidator(_named),
]


class Training(Part):
    epochs: int = Field(10, ge=1, le=1_000_000, description="passes over the training images")
    batch_size: int = Field(100, ge=1, le=1_000_000, description="images a step")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="of Adam")
    schedule: RateSchedule = Field(ConstantRate(), description="of the learning rate")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled, as in AdamW")
    gradient_clip: Positive | None = Field(None, description="largest norm of the gradient")
    ema: float | None = Field(None, gt=0, lt=1, description="decay of the moving average of the weights")
    patience: Count | None = Field(
        None, description="epochs without a better validation bound before stopping"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of the products, by autocast")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda or mps")
    threads: int | None = Field(
        None, ge=1, le=4096, description="of the processor; as torch chooses if not given"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of weights, order of images, and noise")
    checkpoint_seconds: Positive = Field(30.0, description="at most so long between two checkpoints")
    checkpoint_steps: Count | None = Field(None, description="the same in steps")
    on_divergence: Literal["stop", "rollback"] = Field("stop", description="what a loss not finite leads to")
    pictures: int = Field(1, ge=0, description="epochs between pictures of the progress; 0 for none")
    tensorboard: bool = Field(False, description="write TensorBoard events too (extra: tensorboard)")


class Recipe(Part):
    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="names the run"
    )
    title: str = Field("", description="a line for people")
    reference: str = Field("", description="the paper it follows, with year")
    data: Data = Data()
    model: Model = Model()
    objective: Objective = Objective()
    training: Training = Training()
