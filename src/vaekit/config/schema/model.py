"""The keys of `model`: latents, prior, encoder, decoder, and what they are told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vaekit.utils.schema import Bounds, Positive, Section, Width, name_to_section

Levels = Annotated[list[Width], Field(min_length=1, max_length=16)]


FlowForm = Literal["coupling", "autoregressive"]


Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]


class Dense(Section):
    kind: Literal["dense"] = "dense"
    width: list[Width] = Field([300, 300], max_length=64, description="units of each hidden layer")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each hidden layer that is not gated")


class Convolutional(Section):
    kind: Literal["convolutional"] = "convolutional"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    width: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each layer that is not gated")


class Residual(Section):
    kind: Literal["residual"] = "residual"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    width: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    activation: Activation = Field("silu", description="in each residual block")


Network = Annotated[
    Annotated[Dense | Convolutional | Residual, Field(discriminator="kind")], BeforeValidator(name_to_section)
]


class GaussianPosterior(Section):
    kind: Literal["log_variance", "log_sigma"] = "log_variance"
    bounds: Bounds | None = Field(None, description="smooth bounds of the log-variance or log-sigma")


class PlainPosterior(Section):
    kind: Literal["sigma", "signed_sigma", "dirac"] = "sigma"


class FullCovariance(Section):
    kind: Literal["full_covariance"] = "full_covariance"
    bounds: Bounds | None = Field(
        (-6.0, 2.0), description="smooth bounds of the log of the factor's diagonal"
    )


class FlowPosterior(Section):
    kind: Literal["flow"] = "flow"
    form: FlowForm = Field("coupling", description="autoregressive ones are slow to draw from")
    transforms: int = Field(2, ge=1, le=64, description="steps")
    width: list[Width] = Field([128], max_length=64, description="units of each hidden layer of a step")
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of log sigma")


Posterior = Annotated[
    Annotated[
        GaussianPosterior | PlainPosterior | FullCovariance | FlowPosterior, Field(discriminator="kind")
    ],
    BeforeValidator(name_to_section),
]


class PlainLikelihood(Section):
    kind: Literal["bernoulli", "continuous_bernoulli", "categorical"] = "bernoulli"


class GaussianLikelihood(Section):
    kind: Literal["gaussian"] = "gaussian"
    sigma: Positive | Literal["learned", "global", "optimal"] = Field(
        "global",
        description="a number, one a pixel (learned), one for all (global), or closed form (optimal)",
    )
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of a learned log-sigma")


class DiscretizedLogistic(Section):
    kind: Literal["discretized_logistic"] = "discretized_logistic"
    bounds: Bounds | None = Field((-4.5, 0.0), description="smooth bounds of the log-scale")


Likelihood = Annotated[
    Annotated[PlainLikelihood | GaussianLikelihood | DiscretizedLogistic, Field(discriminator="kind")],
    BeforeValidator(name_to_section),
]


class PriorPart(Section):
    network: Annotated[Dense, BeforeValidator(name_to_section)] | None = Field(
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
    spread: Positive = Field(0.3, description="of the learned means at first; far apart, one takes all")


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
    BeforeValidator(name_to_section),
]


class Encoder(Section):
    network: Network = Field(Convolutional(), description="image to the numbers of the posterior")
    posterior: Posterior = Field(GaussianPosterior(), description="what those numbers say of q(z | x)")


class Decoder(Section):
    network: Network = Field(Convolutional(), description="latent to the numbers of the likelihood")
    likelihood: Likelihood = Field(PlainLikelihood(), description="what those numbers say of p(x | z)")


def _some_parts(parts: list[str]) -> list[str]:
    if not parts or len(set(parts)) < len(parts):
        raise ValueError(f"expected at least one of prior, encoder and decoder, each once, got {parts}")
    return parts


def _conditioned(value: Any) -> Any:
    """What the model is told stands for the whole."""
    return {"by": value} if isinstance(value, str) else value


class Condition(Section):
    by: Literal["label", "attributes"] = Field("label", description="what the model is told of each image")
    into: Annotated[list[Literal["prior", "encoder", "decoder"]], AfterValidator(_some_parts)] = Field(
        ["decoder"], description="which parts are told"
    )


class ModelSettings(Section):
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
    def layer_dims(self) -> tuple[int, ...]:
        """How many latents each level has, the top first."""
        return (self.latent,) if isinstance(self.latent, int) else tuple(self.latent)

    @model_validator(mode="after")
    def _consistent(self) -> ModelSettings:
        gaussian_of_label = self.prior.kind == "standard_normal" and "prior" in self.given
        if self.prior.network is not None and len(self.layer_dims) == 1 and not gaussian_of_label:
            raise ValueError(
                "prior.network leads from level to level, but there is one level; leave it out, or give "
                f"several, such as latent={[self.layer_dims[0]] * 2}"
            )
        by_class = isinstance(self.prior, Mixture) and self.prior.weights == "class"
        if by_class and not (self.condition and self.condition.by == "label" and "prior" in self.given):
            raise ValueError(
                "prior.weights=class needs a prior that is told the label; add "
                "model.condition={by: label, into: [prior, decoder]}"
            )
        return self
