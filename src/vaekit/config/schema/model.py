"""The keys of `model`: latents, prior, encoder, decoder, and what they are conditioned on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vaekit.utils.schema import Bounds, Positive, Section, Width, name_to_section

Levels = Annotated[list[Width], Field(min_length=1, max_length=16)]


FlowForm = Literal["coupling", "autoregressive"]


Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]


class DenseNetwork(Section):
    kind: Literal["dense"] = "dense"
    hidden_sizes: list[Width] = Field([300, 300], max_length=64, description="units of each hidden layer")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each hidden layer that is not gated")


class ConvolutionalNetwork(Section):
    kind: Literal["convolutional"] = "convolutional"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    hidden_sizes: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    gated: bool = Field(False, description="layers are linear part times sigmoid gate")
    activation: Activation = Field("relu", description="after each layer that is not gated")


class ResidualNetwork(Section):
    kind: Literal["residual"] = "residual"
    channels: list[Width] = Field([32, 64], min_length=1, max_length=8, description="one halving each")
    hidden_sizes: list[Width] = Field([128], max_length=64, description="dense layers next to the latent")
    activation: Activation = Field("silu", description="in each residual block")


Network = Annotated[
    Annotated[DenseNetwork | ConvolutionalNetwork | ResidualNetwork, Field(discriminator="kind")],
    BeforeValidator(name_to_section),
]


class GaussianPosterior(Section):
    kind: Literal["gaussian"] = "gaussian"
    parametrization: Literal["log_var", "log_std", "softplus", "unconstrained"] = Field(
        "log_var", description="what the network gives for the scale"
    )
    bounds: Bounds | None = Field(None, description="smooth bounds of log_var or log_std")

    @model_validator(mode="after")
    def _bounded_logarithm(self) -> GaussianPosterior:
        if self.bounds is not None and not self.parametrization.startswith("log_"):
            raise ValueError(
                f"bounds apply to the parametrizations log_var and log_std, not to {self.parametrization}; "
                "leave them out"
            )
        return self


class DeltaPosterior(Section):
    kind: Literal["delta"] = "delta"


class FullCovariancePosterior(Section):
    kind: Literal["full_covariance"] = "full_covariance"
    bounds: Bounds | None = Field(
        (-6.0, 2.0), description="smooth bounds of the log of the factor's diagonal"
    )


class FlowPosterior(Section):
    kind: Literal["flow"] = "flow"
    type: FlowForm = Field("coupling", description="autoregressive flows are slow to sample")
    transforms: int = Field(2, ge=1, le=64, description="steps")
    hidden_sizes: list[Width] = Field(
        [128], max_length=64, description="units of each hidden layer of a step"
    )
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of log sigma")


Posterior = Annotated[
    Annotated[
        GaussianPosterior | DeltaPosterior | FullCovariancePosterior | FlowPosterior,
        Field(discriminator="kind"),
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


class DiscretizedLogisticLikelihood(Section):
    kind: Literal["discretized_logistic"] = "discretized_logistic"
    bounds: Bounds | None = Field((-4.5, 0.0), description="smooth bounds of the log-scale")


Likelihood = Annotated[
    Annotated[
        PlainLikelihood | GaussianLikelihood | DiscretizedLogisticLikelihood, Field(discriminator="kind")
    ],
    BeforeValidator(name_to_section),
]


class PriorSection(Section):
    network: Annotated[DenseNetwork, BeforeValidator(name_to_section)] | None = Field(
        None, description="from label, or levels above, to a level; without it small, or as the encoder's"
    )


class StandardNormalPrior(PriorSection):
    kind: Literal["standard_normal"] = "standard_normal"


class MixturePrior(PriorSection):
    kind: Literal["mixture"] = "mixture"
    components: int = Field(10, ge=1, le=10_000, description="Gaussians, all learned")
    weights: Literal["learned", "class_conditional"] = Field(
        "learned",
        description="of the components; class_conditional: one component per class, with parts=[prior]",
    )
    init_std: Positive = Field(
        0.3, description="initial standard deviation of the means; large values make one component take all"
    )


class VampPrior(PriorSection):
    kind: Literal["vamp"] = "vamp"
    components: int = Field(500, ge=1, le=10_000, description="pseudo-inputs: images that are learned")
    weights: Literal["uniform", "learned"] = Field("uniform", description="of the components")
    init: Literal["random", "data"] = Field(
        "random", description="pseudo-inputs at first: random, or training images"
    )
    mean: float = Field(0.5, ge=0, le=1, description="of random pixels")
    std: float = Field(0.1, gt=0, le=1, description="of random pixels")


class ExemplarsPrior(PriorSection):
    kind: Literal["exemplars"] = "exemplars"
    components: int = Field(500, ge=1, le=10_000, description="training images, at random")
    weights: Literal["uniform", "learned"] = Field("uniform", description="of the components")


class FlowPrior(PriorSection):
    kind: Literal["flow"] = "flow"
    type: FlowForm = Field("coupling", description="autoregressive flows are slow to sample")
    transforms: int = Field(4, ge=1, le=64, description="steps")
    hidden_sizes: list[Width] = Field(
        [128, 128], max_length=64, description="units of each hidden layer of a step"
    )


Prior = Annotated[
    Annotated[
        StandardNormalPrior | MixturePrior | VampPrior | ExemplarsPrior | FlowPrior,
        Field(discriminator="kind"),
    ],
    BeforeValidator(name_to_section),
]


class Encoder(Section):
    network: Network = Field(ConvolutionalNetwork(), description="image to the numbers of the posterior")
    posterior: Posterior = Field(GaussianPosterior(), description="what those numbers say of q(z | x)")


class Decoder(Section):
    network: Network = Field(ConvolutionalNetwork(), description="latent to the numbers of the likelihood")
    likelihood: Likelihood = Field(PlainLikelihood(), description="what those numbers say of p(x | z)")


def _some_parts(parts: list[str]) -> list[str]:
    if not parts or len(set(parts)) < len(parts):
        raise ValueError(f"expected at least one of prior, encoder and decoder, each once, got {parts}")
    return parts


def _conditioned(value: Any) -> Any:
    """A bare word stands for what the model is conditioned on."""
    return {"variable": value} if isinstance(value, str) else value


class Condition(Section):
    variable: Literal["label", "attributes"] = Field("label", description="what the model is conditioned on")
    parts: Annotated[list[Literal["prior", "encoder", "decoder"]], AfterValidator(_some_parts)] = Field(
        ["decoder"], description="the parts that are conditioned"
    )


class ModelSettings(Section):
    latent_dim: Width | Levels = Field(
        16, description="number of latents; a list gives a hierarchy, the top layer first"
    )
    prior: Prior = Field(StandardNormalPrior(), description="p(z), that of the top level")
    encoder: Encoder = Encoder()
    decoder: Decoder = Decoder()
    condition: Annotated[Condition, BeforeValidator(_conditioned)] | None = Field(
        None, description="a conditional model: label or attributes"
    )

    @property
    def condition_on(self) -> str:
        """What the model is conditioned variable: label, attributes, or nothing, the empty string."""
        return self.condition.variable if self.condition else ""

    @property
    def conditioned_parts(self) -> frozenset[str]:
        """The parts that are conditioned on it."""
        return frozenset(self.condition.parts if self.condition else ())

    @property
    def layer_dims(self) -> tuple[int, ...]:
        """How many latents each level has, the top first."""
        return (self.latent_dim,) if isinstance(self.latent_dim, int) else tuple(self.latent_dim)

    @model_validator(mode="after")
    def _consistent(self) -> ModelSettings:
        gaussian_of_label = self.prior.kind == "standard_normal" and "prior" in self.conditioned_parts
        if self.prior.network is not None and len(self.layer_dims) == 1 and not gaussian_of_label:
            raise ValueError(
                "prior.network leads from layer to layer, but there is one layer; leave it out, or give "
                f"several, such as latent_dim={[self.layer_dims[0]] * 2}"
            )
        by_class = isinstance(self.prior, MixturePrior) and self.prior.weights == "class_conditional"
        if by_class and not (
            self.condition and self.condition.variable == "label" and "prior" in self.conditioned_parts
        ):
            raise ValueError(
                "prior.weights=class_conditional needs a prior conditioned on the label; add "
                "model.condition={variable: label, parts: [prior, decoder]}"
            )
        return self
