"""Priors p(z), and p(z | y) for conditional models.

A Gaussian or a flow that is conditioned on the label y gets its parameters from y. A mixture keeps its
components, and y sets their weights,

    p(z | y) = sum_c w_c(y) p_c(z),        w(y) = softmax(W y + b), with W = 0 initially.

A class-conditional mixture has one component per class, p(z | y) = N(mu_y, sigma_y^2).

Each registered function builds one of the priors that a recipe names, from a `BuildContext` and its own
options.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Independent

from vaekit.distributions.mixture import Mixture, label_logits, mixture_logits
from vaekit.distributions.normal import LogScaleNormal, UnitNormal
from vaekit.models.build_context import BuildContext
from vaekit.models.conditional import Conditional
from vaekit.models.flows import FlowPrior, FlowType
from vaekit.models.posteriors import gaussian
from vaekit.models.vampprior import AggregatedPosterior, FixedInputs, PseudoInputs, PseudoLabels
from vaekit.registry import register
from vaekit.utils.device import to_float32
from vaekit.utils.schema import HiddenSizes, Positive, Transforms


class StandardNormal(nn.Module):
    """N(0, I) over d latents; ignores its context.

    Args:
        latent_dim: d.

    >>> StandardNormal(2)().log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return Independent(UnitNormal(self.loc, self.scale), 1, validate_args=False)

    def extra_repr(self) -> str:
        return f"latent_dim={len(self.loc)}"


class MixtureOfGaussians(nn.Module):
    """A mixture of C diagonal Gaussians with learned means, variances and weights.

    Initially the means are samples from N(0, s^2 I), the variances 1 and the weights equal. A large s causes
    collapse to one component: the latents of an untrained encoder are near 0, and if all of them are much
    nearer to one component than to the others, as in 40 dimensions with s = 1, only this one receives
    gradients.

    Args:
        latent_dim: d.
        components: C.
        label_dim: m, the size of a label that the weights are conditioned on; 0 for none.
        init_std: s.

    >>> MixtureOfGaussians(2, components=10)()
    Mixture(10 x Independent, dim=2, batch=())
    """

    def __init__(self, latent_dim: int, components: int, label_dim: int = 0, init_std: float = 0.3):
        super().__init__()
        self.mean = nn.Parameter(init_std * torch.randn(components, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(components, latent_dim))
        self.logits = nn.Parameter(torch.zeros(components))
        self.by_label = label_logits(label_dim, components)

    def forward(self, *context: Tensor) -> Mixture:
        components = Independent(LogScaleNormal(self.mean, 0.5 * self.log_variance), 1, validate_args=False)
        return Mixture(mixture_logits(self.logits, self.by_label, context), components)

    def extra_repr(self) -> str:
        components, latent_dim = self.mean.shape
        return f"latent_dim={latent_dim}, components={components}"


class ClassGaussian(nn.Module):
    """One diagonal Gaussian per class, p(z | y) = N(mu_y, sigma_y^2), with y one-hot.

    Initially the means are samples from N(0, I) and the variances 1. For y between two classes, mean and
    log-variance are interpolated linearly.

    Args:
        latent_dim: d.
        n_classes: m.

    >>> prior = ClassGaussian(2, n_classes=3)
    >>> torch.equal(prior(torch.eye(3)).mean, prior.mean)
    True
    """

    def __init__(self, latent_dim: int, n_classes: int):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(n_classes, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(n_classes, latent_dim))

    def forward(self, y: Tensor) -> Independent:
        mean, log_variance = to_float32(y @ self.mean), to_float32(y @ self.log_variance)
        return Independent(LogScaleNormal(mean, 0.5 * log_variance), 1, validate_args=False)

    def extra_repr(self) -> str:
        n_classes, latent_dim = self.mean.shape
        return f"latent_dim={latent_dim}, n_classes={n_classes}"


# ------------------------------------------------------------------------------------------------- builders


Components = Annotated[int, Field(ge=1, le=10_000)]


def _check_components(options: Any, context: BuildContext) -> None:
    if context.rows is not None and options.components > context.rows:
        raise ValueError(
            f"components: expected at most {context.rows}, the number of training examples, got "
            f"{options.components}; use fewer, or another prior"
        )


def _check_posteriors(options: Any, context: BuildContext) -> None:
    """Refuse a mixture of posteriors that are points."""
    if context.latent_kind == "point":
        raise ValueError(
            f"{options.kind} is a mixture of posteriors, but those of this encoder are points without a "
            "density; use standard_normal or mixture, or another posterior"
        )


def _check_vamp(options: Any, context: BuildContext) -> None:
    _check_posteriors(options, context)
    if options.init == "data":
        _check_components(options, context)


def _check_exemplars(options: Any, context: BuildContext) -> None:
    _check_posteriors(options, context)
    _check_components(options, context)


def _check_mixture(options: Any, context: BuildContext) -> None:
    """Class-conditional components need one class each."""
    if options.weights != "class_conditional":
        return
    if context.condition_on != "label" or "prior" not in context.conditioned_parts:
        raise ValueError(
            "weights=class_conditional needs a prior conditioned on the label; add "
            "model.condition={variable: label, parts: [prior, decoder]}"
        )
    if context.labels is not None and options.components != context.label_dim:
        raise ValueError(
            f"components: weights=class_conditional needs one component per class, {context.label_dim}, got "
            f"{options.components}"
        )


def _require_encoder(context: BuildContext) -> tuple[nn.Module, tuple[int, ...]]:
    """The posterior and the shape of the data, which a mixture of posteriors needs."""
    if context.posterior is None or context.event_shape is None:
        raise ValueError("context: expected a posterior and an event_shape, for a mixture of posteriors")
    if context.covariates is not None and "encoder" in context.conditioned_parts:
        raise ValueError("covariates: a mixture of posteriors has none for its images; use another prior")
    return context.posterior, context.event_shape


@register("prior")
def standard_normal(context: BuildContext) -> nn.Module:
    """N(0, I); for a conditional prior N(mu(y), sigma(y)^2) with a learned network.

    >>> standard_normal(BuildContext(2))
    StandardNormal(latent_dim=2)
    """
    if not context.condition_dim:
        return StandardNormal(context.latent_dim)
    head = gaussian()
    return Conditional(
        context.network([(context.condition_dim,)], head.network_output((context.latent_dim,))), head
    )


@register("prior", validate=_check_mixture)
def mixture(
    context: BuildContext,
    components: Components = 10,
    weights: Literal["learned", "class_conditional"] = "learned",
    init_std: Positive = 0.3,
) -> nn.Module:
    """A mixture of diagonal Gaussians.

    Args:
        context: what the prior is built from.
        components: number of Gaussians, C.
        weights: `learned`, conditioned on the label if the prior is; or `class_conditional`, one Gaussian
            per class.
        init_std: initial standard deviation of the means, for learned weights; large values cause collapse to
            one Gaussian.

    Raises:
        ValueError: `class_conditional`, and `components` is not the number of classes.

    >>> mixture(BuildContext(2), components=5)
    MixtureOfGaussians(latent_dim=2, components=5)
    """
    if weights == "learned":
        return MixtureOfGaussians(context.latent_dim, components, context.condition_dim, init_std)
    if components != context.label_dim:
        raise ValueError(
            f"components: weights=class_conditional needs one component per class, {context.label_dim}, got "
            f"{components}"
        )
    return ClassGaussian(context.latent_dim, components)


@register("prior", validate=_check_vamp)
def vamp(
    context: BuildContext,
    components: Components = 500,
    weights: Literal["uniform", "learned"] = "uniform",
    init: Literal["random", "data"] = "random",
    mean: Annotated[float, Field(ge=0, le=1)] = 0.5,
    std: Annotated[float, Field(gt=0, le=1)] = 0.1,
) -> nn.Module:
    """The VampPrior: the mixture of the posteriors of learned images (Tomczak and Welling 2018).

    If the encoder is conditioned on labels, the labels of the images are learned as well.

    Args:
        context: what the prior is built from.
        components: number of learned images, C.
        weights: weights of the posteriors; those of a prior conditioned on the label depend on the label in
            both cases.
        init: the initial images: `data`, training images; `random`, random pixels.
        mean: mean of random pixels, for `init=random`.
        std: standard deviation of random pixels, for `init=random`.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), gaussian())
    >>> vamp(BuildContext(2, encoder, (1, 8, 8)), components=10)()
    Mixture(10 x IndependentEvent, dim=2, batch=())
    """
    posterior, shape = _require_encoder(context)
    images = torch.normal(mean, std, (components, *shape))
    labels = None if context.labels is None else context.labels(context.labels.sample(components))
    if init == "data" and context.sample_training is not None:
        images, labels = context.sample_training(components)
    condition = None
    if "encoder" in context.conditioned_parts and context.labels is not None and labels is not None:
        condition = PseudoLabels(labels, context.labels.one_hot)
    return AggregatedPosterior(
        posterior, PseudoInputs(images), weights == "learned", condition, context.condition_dim
    )


@register("prior", validate=_check_exemplars)
def exemplars(
    context: BuildContext, components: Components = 500, weights: Literal["uniform", "learned"] = "uniform"
) -> nn.Module:
    """The mixture of the posteriors of random training images (after Norouzi et al. 2020).

    An encoder conditioned on labels receives the labels of the images.

    Args:
        context: what the prior is built from.
        components: number of training images, C.
        weights: weights of the posteriors; those of a prior conditioned on the label depend on the label in
            both cases.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), gaussian())
    >>> exemplars(BuildContext(2, encoder, (1, 8, 8)), components=10)()
    Mixture(10 x IndependentEvent, dim=2, batch=())
    """
    posterior, _ = _require_encoder(context)
    images, labels = context.examples(components)
    condition = FixedInputs(labels) if "encoder" in context.conditioned_parts and labels is not None else None
    return AggregatedPosterior(
        posterior, FixedInputs(images), weights == "learned", condition, context.condition_dim
    )


@register("prior")
def flow(
    context: BuildContext,
    type: FlowType = "coupling",
    transforms: Transforms = 4,
    hidden_sizes: HiddenSizes = (128, 128),
) -> nn.Module:
    """A normalizing flow (Dinh et al. 2017; Papamakarios et al. 2017).

    Args:
        context: what the prior is built from.
        type: `coupling`, fast in both directions; `autoregressive`, more flexible, but d times slower in
            one direction.
        transforms: number of steps.
        hidden_sizes: units of each hidden layer in the network of a step.

    Raises:
        VaekitError: zuko is not installed.

    >>> flow(BuildContext(2), hidden_sizes=(8,))()
    Flow(dim=2, batch_shape=())
    """
    return FlowPrior(context.latent_dim, type, transforms, hidden_sizes, context.condition_dim)
