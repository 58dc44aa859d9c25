"""The keys of `model`: latents, prior, encoder, decoder, and what they are conditioned on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vaekit.utils.schema import Bounds, Positive, Section, Width, name_to_section

Levels = Annotated[list[Width], Field(min_length=1, max_length=16)]


FlowForm = Literal["coupling", "autoregressive"]


Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]


class DenseNetwork(Section):
    """Fully connected layers.

    >>> DenseNetwork(hidden_sizes=[512, 256]).hidden_sizes
    [512, 256]
    """

    kind: Literal["dense"] = "dense"
    hidden_sizes: list[Width] = Field([300, 300], max_length=64, description="units of each hidden layer")
    gated: bool = Field(False, description="hidden layers are a linear part times a sigmoid gate")
    activation: Activation = Field("relu", description="activation of hidden layers without gate")


class ConvolutionalNetwork(Section):
    """Strided convolutions, then dense layers.

    >>> ConvolutionalNetwork().channels
    [32, 64]
    """

    kind: Literal["convolutional"] = "convolutional"
    channels: list[Width] = Field(
        [32, 64],
        min_length=1,
        max_length=8,
        description="channels per strided convolution, each of which halves the image",
    )
    hidden_sizes: list[Width] = Field(
        [128], max_length=64, description="units of the dense layers next to the latents"
    )
    gated: bool = Field(False, description="hidden layers are a linear part times a sigmoid gate")
    activation: Activation = Field("relu", description="activation of layers without gate")


class ResidualNetwork(Section):
    """Strided convolutions with residual blocks (He et al. 2016).

    >>> ResidualNetwork().activation
    'silu'
    """

    kind: Literal["residual"] = "residual"
    channels: list[Width] = Field(
        [32, 64],
        min_length=1,
        max_length=8,
        description="channels per strided convolution, each of which halves the image",
    )
    hidden_sizes: list[Width] = Field(
        [128], max_length=64, description="units of the dense layers next to the latents"
    )
    activation: Activation = Field("silu", description="activation of the residual blocks")


Network = Annotated[
    Annotated[DenseNetwork | ConvolutionalNetwork | ResidualNetwork, Field(discriminator="kind")],
    BeforeValidator(name_to_section),
]


class GaussianPosterior(Section):
    """A diagonal Gaussian (Kingma and Welling 2014).

    >>> GaussianPosterior().parametrization
    'log_var'
    """

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
    """A point: the posterior of an autoencoder.

    >>> DeltaPosterior().kind
    'delta'
    """

    kind: Literal["delta"] = "delta"


class FullCovariancePosterior(Section):
    """A Gaussian with any covariance (Kingma and Welling 2019).

    >>> FullCovariancePosterior().bounds
    (-6.0, 2.0)
    """

    kind: Literal["full_covariance"] = "full_covariance"
    bounds: Bounds | None = Field(
        (-6.0, 2.0), description="smooth bounds of the log of the diagonal of the Cholesky factor"
    )


class FlowPosterior(Section):
    """A normalizing flow (Rezende and Mohamed 2015).

    >>> FlowPosterior(transforms=3).transforms
    3
    """

    kind: Literal["flow"] = "flow"
    type: FlowForm = Field("coupling", description="autoregressive flows are slow to sample")
    transforms: int = Field(2, ge=1, le=64, description="number of transforms")
    hidden_sizes: list[Width] = Field(
        [128], max_length=64, description="units of each hidden layer of a transform"
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
    """A likelihood without options.

    >>> PlainLikelihood(kind="categorical").kind
    'categorical'
    """

    kind: Literal["bernoulli", "continuous_bernoulli", "categorical"] = "bernoulli"


class GaussianLikelihood(Section):
    """A Gaussian for continuous values.

    >>> GaussianLikelihood(sigma="learned").sigma
    'learned'
    """

    kind: Literal["gaussian"] = "gaussian"
    sigma: Positive | Literal["learned", "global", "optimal"] = Field(
        "global",
        description="a number, or one per pixel (learned), one for all (global), closed form (optimal)",
    )
    bounds: Bounds | None = Field((-6.0, 2.0), description="smooth bounds of a learned log-sigma")


class DiscretizedLogisticLikelihood(Section):
    """A logistic distribution in bins, for 256 gray levels (Salimans et al. 2017).

    >>> DiscretizedLogisticLikelihood().bounds
    (-4.5, 0.0)
    """

    kind: Literal["discretized_logistic"] = "discretized_logistic"
    bounds: Bounds | None = Field((-4.5, 0.0), description="smooth bounds of the log-scale")


Likelihood = Annotated[
    Annotated[
        PlainLikelihood | GaussianLikelihood | DiscretizedLogisticLikelihood, Field(discriminator="kind")
    ],
    BeforeValidator(name_to_section),
]


class PriorSection(Section):
    """The options of every prior.

    >>> PriorSection().network is None
    True
    """

    network: Annotated[DenseNetwork, BeforeValidator(name_to_section)] | None = Field(
        None,
        description="network of the lower layers, or of p(z | y); else as the encoder, or a small one",
    )


class StandardNormalPrior(PriorSection):
    """N(0, I).

    >>> StandardNormalPrior().kind
    'standard_normal'
    """

    kind: Literal["standard_normal"] = "standard_normal"


class MixturePrior(PriorSection):
    """A mixture of Gaussians.

    >>> MixturePrior(components=20).components
    20
    """

    kind: Literal["mixture"] = "mixture"
    components: int = Field(10, ge=1, le=10_000, description="number of Gaussians")
    weights: Literal["learned", "class_conditional"] = Field(
        "learned",
        description="class_conditional: one component per class, with parts=[prior]",
    )
    init_std: Positive = Field(
        0.3, description="initial standard deviation of the means; large values make one component take all"
    )


class VampPrior(PriorSection):
    """The mixture of the posteriors of learned pseudo-inputs (Tomczak and Welling 2018).

    >>> VampPrior().components
    500
    """

    kind: Literal["vamp"] = "vamp"
    components: int = Field(500, ge=1, le=10_000, description="number of pseudo-inputs")
    weights: Literal["uniform", "learned"] = Field("uniform", description="weights of the components")
    init: Literal["random", "data"] = Field(
        "random", description="initial pseudo-inputs: random pixels, or training images"
    )
    mean: float = Field(0.5, ge=0, le=1, description="of random initial pixels")
    std: float = Field(0.1, gt=0, le=1, description="of random initial pixels")


class ExemplarsPrior(PriorSection):
    """The mixture of the posteriors of training images (Norouzi et al. 2020).

    >>> ExemplarsPrior(components=100).components
    100
    """

    kind: Literal["exemplars"] = "exemplars"
    components: int = Field(500, ge=1, le=10_000, description="number of training images, drawn at random")
    weights: Literal["uniform", "learned"] = Field("uniform", description="weights of the components")


class FlowPrior(PriorSection):
    """A normalizing flow.

    >>> FlowPrior().type
    'coupling'
    """

    kind: Literal["flow"] = "flow"
    type: FlowForm = Field("coupling", description="autoregressive flows are slow to sample")
    transforms: int = Field(4, ge=1, le=64, description="number of transforms")
    hidden_sizes: list[Width] = Field(
        [128, 128], max_length=64, description="units of each hidden layer of a transform"
    )


Prior = Annotated[
    Annotated[
        StandardNormalPrior | MixturePrior | VampPrior | ExemplarsPrior | FlowPrior,
        Field(discriminator="kind"),
    ],
    BeforeValidator(name_to_section),
]


class Encoder(Section):
    """The network and the family of q(z | x).

    >>> Encoder(posterior="delta").posterior.kind
    'delta'
    """

    network: Network = Field(
        ConvolutionalNetwork(), description="network from the image to the parameters of the posterior"
    )
    posterior: Posterior = Field(GaussianPosterior(), description="family of q(z | x)")


class Decoder(Section):
    """The network and the likelihood of p(x | z).

    >>> Decoder(likelihood="gaussian").likelihood.sigma
    'global'
    """

    network: Network = Field(
        ConvolutionalNetwork(), description="network from the latents to the parameters of the likelihood"
    )
    likelihood: Likelihood = Field(PlainLikelihood(), description="family of p(x | z)")


def _some_parts(parts: list[str]) -> list[str]:
    if not parts or len(set(parts)) < len(parts):
        raise ValueError(f"expected at least one of prior, encoder and decoder, each once, got {parts}")
    return parts


def _conditioned(value: Any) -> Any:
    """Expand `label` to {variable: label}."""
    return {"variable": value} if isinstance(value, str) else value


class Condition(Section):
    """What a conditional model is conditioned on.

    >>> Condition(parts=["prior", "decoder"]).variable
    'label'
    """

    variable: Literal["label", "attributes"] = Field("label", description="what the model is conditioned on")
    parts: Annotated[list[Literal["prior", "encoder", "decoder"]], AfterValidator(_some_parts)] = Field(
        ["decoder"], description="the parts that are conditioned"
    )


class ModelSettings(Section):
    """The keys of `model`.

    >>> ModelSettings(latent_dim=[40, 40]).layer_dims
    (40, 40)
    """

    latent_dim: Width | Levels = Field(
        16, description="number of latents; a list gives a hierarchy, the top layer first"
    )
    prior: Prior = Field(StandardNormalPrior(), description="p(z) of the top layer")
    encoder: Encoder = Encoder()
    decoder: Decoder = Decoder()
    condition: Annotated[Condition, BeforeValidator(_conditioned)] | None = Field(
        None, description="a conditional model: condition on the label or on attributes"
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
        """The number of latents of each layer, top first."""
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
