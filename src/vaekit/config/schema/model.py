"""The keys of `model`: latents, prior, encoder, decoder, and what they are conditioned on.

Networks, posteriors, likelihoods and priors are components of `vaekit.registry`; their signatures give their
keys.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vaekit.config.components import Options, SectionOf, default_of, validate_components
from vaekit.models.build_context import BuildContext
from vaekit.utils.schema import Section, Width, name_to_section

Levels = Annotated[list[Width], Field(min_length=1, max_length=16)]


def _expand_dense(value: Any) -> Any:
    """A network of a prior is dense if no other is named."""
    value = name_to_section(value)
    return {"kind": "dense", **value} if isinstance(value, dict) else value


Network = Annotated[Options, SectionOf("network")]
Posterior = Annotated[Options, SectionOf("posterior")]
Likelihood = Annotated[Options, SectionOf("likelihood")]


class PriorSection(Options):
    """The options of every prior.

    >>> PriorSection(kind="vamp").network is None
    True
    """

    network: Annotated[Options, SectionOf("network", expand=_expand_dense)] | None = Field(
        None,
        description="network of the lower layers, or of p(z | y); else as the encoder, or a small one",
    )


Prior = Annotated[PriorSection, SectionOf("prior", PriorSection)]


class Encoder(Section):
    """The network and the family of q(z | x).

    >>> Encoder(posterior="delta").posterior.kind
    'delta'
    """

    network: Network = Field(
        default_factory=lambda: default_of("network", "convolutional"),
        description="network from the image to the parameters of the posterior",
    )
    posterior: Posterior = Field(
        default_factory=lambda: default_of("posterior", "gaussian"), description="family of q(z | x)"
    )


class Decoder(Section):
    """The network and the likelihood of p(x | z).

    >>> Decoder(likelihood="gaussian").likelihood.sigma
    'global'
    """

    network: Network = Field(
        default_factory=lambda: default_of("network", "convolutional"),
        description="network from the latents to the parameters of the likelihood",
    )
    likelihood: Likelihood = Field(
        default_factory=lambda: default_of("likelihood", "bernoulli"), description="family of p(x | z)"
    )


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
    prior: Prior = Field(
        default_factory=lambda: default_of("prior", "standard_normal", PriorSection),
        description="p(z) of the top layer",
    )
    encoder: Encoder = Field(default_factory=Encoder)
    decoder: Decoder = Field(default_factory=Decoder)
    condition: Annotated[Condition, BeforeValidator(_conditioned)] | None = Field(
        None, description="a conditional model: condition on the label or on attributes"
    )

    @property
    def condition_on(self) -> str:
        """What the model is conditioned on: label, attributes, or nothing, the empty string."""
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
        self.check_components(self.known_context)
        return self

    @property
    def known_context(self) -> BuildContext:
        """What the components can know before the data are loaded."""
        latent_kind = type(self.encoder.posterior).component.traits.get("latent_kind", "continuous")
        return BuildContext(
            self.layer_dims[0],
            condition_on=self.condition_on,
            conditioned_parts=self.conditioned_parts,
            latent_kind=latent_kind,
        )

    def check_components(self, context: BuildContext) -> None:
        """Call the checks that components were registered with.

        Raises:
            ValueError: the options of a component do not fit the context.
        """
        sections = {
            "prior": self.prior,
            "encoder.posterior": self.encoder.posterior,
            "decoder.likelihood": self.decoder.likelihood,
            "encoder.network": self.encoder.network,
            "decoder.network": self.decoder.network,
        }
        validate_components(sections, context)
