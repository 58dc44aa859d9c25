"""Priors p(z), and p(z | y) for conditional models.

A Gaussian or a flow that is conditioned on the label y gets its parameters from y. A mixture keeps its
components, and y sets their weights,

    p(z | y) = sum_c w_c(y) p_c(z),        w(y) = softmax(W y + b), with W = 0 initially.

A class-conditional mixture has one component per class, p(z | y) = N(mu_y, sigma_y^2).

Each function in `PRIORS` builds one of the kinds that a recipe names, from a `BuildContext` and its own
options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Independent

from vaekit.distributions.mixture import Mixture, label_logits, mixture_logits
from vaekit.distributions.normal import LogScaleNormal, UnitNormal
from vaekit.errors import RecipeError
from vaekit.models.conditional import Conditional
from vaekit.models.flows import FlowPrior, FlowType
from vaekit.models.labels import LabelPrior
from vaekit.models.posteriors import gaussian
from vaekit.models.vampprior import AggregatedPosterior, FixedInputs, PseudoInputs, PseudoLabels
from vaekit.nn.networks import Dense
from vaekit.utils.device import to_float32

Examples = Callable[[int], tuple[Tensor, Tensor | None]]


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


class BuildContext(NamedTuple):
    """What a prior can be built from.

    Attributes:
        latent_dim: d, the number of latents of the top layer.
        posterior: the encoder's conditional of this layer.
        image_shape: (C, H, W).
        images: a function of n that returns n random training images (n, C, H, W) and their standardized
            labels (n, m) or None; None if weights are loaded afterwards.
        labels: the labels of a conditional model; None for an unconditional one.
        conditioned_parts: which parts of the model are conditioned on the label.
        network: builds the network from a label to the parameters of a Gaussian, from event shapes.

    >>> context = BuildContext(2, posterior=nn.Identity(), image_shape=(1, 8, 8))
    >>> context.label_dim, context.examples(5)[0].shape
    (0, torch.Size([5, 1, 8, 8]))
    """

    latent_dim: int
    posterior: nn.Module
    image_shape: tuple[int, ...]
    images: Examples | None = None
    labels: LabelPrior | None = None
    conditioned_parts: frozenset[str] = frozenset()
    network: Callable[..., nn.Module] = partial(Dense, hidden_sizes=(64,))

    @property
    def label_dim(self) -> int:
        """m, the size of the label that the prior is conditioned on; 0 for an unconditional prior."""
        return self.labels.label_dim if self.labels is not None and "prior" in self.conditioned_parts else 0

    def examples(self, n: int) -> tuple[Tensor, Tensor | None]:
        """n training images with their labels; zeros if the context has no images."""
        if self.images is not None:
            return self.images(n)
        labels = None if self.labels is None else torch.zeros(n, self.labels.label_dim)
        return torch.zeros(n, *self.image_shape), labels


def standard_normal(context: BuildContext) -> nn.Module:
    """N(0, I); for a conditional prior N(mu(y), sigma(y)^2) with a learned network.

    >>> standard_normal(BuildContext(2, nn.Identity(), (1, 8, 8)))
    StandardNormal(latent_dim=2)
    """
    if not context.label_dim:
        return StandardNormal(context.latent_dim)
    head = gaussian()
    return Conditional(
        context.network([(context.label_dim,)], head.network_output((context.latent_dim,))), head
    )


def mixture(
    context: BuildContext,
    components: int = 10,
    weights: Literal["learned", "class_conditional"] = "learned",
    init_std: float = 0.3,
) -> nn.Module:
    """A mixture of diagonal Gaussians.

    Args:
        context: what the prior is built from.
        components: C.
        weights: `learned`, conditioned on the label if the prior is; or `class_conditional`, one component
            per class.
        init_std: initial standard deviation of the means, for learned weights; large values cause collapse to
            one component.

    Raises:
        RecipeError: `class_conditional`, and `components` is not the number of classes.

    >>> mixture(BuildContext(2, nn.Identity(), (1, 8, 8)), components=5)
    MixtureOfGaussians(latent_dim=2, components=5)
    """
    if weights == "learned":
        return MixtureOfGaussians(context.latent_dim, components, context.label_dim, init_std)
    if components != context.label_dim:
        raise RecipeError(
            f"model.prior.components: weights=class_conditional needs one component per class, "
            f"{context.label_dim}, got {components}"
        )
    return ClassGaussian(context.latent_dim, components)


def vamp(
    context: BuildContext,
    components: int = 500,
    weights: Literal["uniform", "learned"] = "uniform",
    init: Literal["random", "data"] = "random",
    mean: float = 0.5,
    std: float = 0.1,
) -> nn.Module:
    """The VampPrior: the mixture of the posteriors of learned images (Tomczak and Welling 2018).

    If the encoder is conditioned on labels, the labels of the images are learned as well.

    Args:
        context: what the prior is built from.
        components: C.
        weights: `uniform` or `learned`; a prior conditioned on the label has label-dependent weights in both
            cases.
        init: the initial images: `data`, training images; `random`, random pixels.
        mean, std: of random pixels.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), gaussian())
    >>> vamp(BuildContext(2, encoder, (1, 8, 8)), components=10)()
    Mixture(10 x IndependentEvent, dim=2, batch=())
    """
    images = torch.normal(mean, std, (components, *context.image_shape))
    labels = None if context.labels is None else context.labels(context.labels.sample(components))
    if init == "data" and context.images is not None:
        images, labels = context.images(components)
    condition = None
    if "encoder" in context.conditioned_parts and context.labels is not None and labels is not None:
        condition = PseudoLabels(labels, context.labels.one_hot)
    return AggregatedPosterior(
        context.posterior, PseudoInputs(images), weights == "learned", condition, context.label_dim
    )


def exemplars(
    context: BuildContext, components: int = 500, weights: Literal["uniform", "learned"] = "uniform"
) -> nn.Module:
    """The mixture of the posteriors of random training images (after Norouzi et al. 2020).

    An encoder conditioned on labels receives the labels of the images.

    Args:
        context: what the prior is built from.
        components: C.
        weights: as for `vamp`.

    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), gaussian())
    >>> exemplars(BuildContext(2, encoder, (1, 8, 8)), components=10)()
    Mixture(10 x IndependentEvent, dim=2, batch=())
    """
    images, labels = context.examples(components)
    condition = FixedInputs(labels) if "encoder" in context.conditioned_parts and labels is not None else None
    return AggregatedPosterior(
        context.posterior, FixedInputs(images), weights == "learned", condition, context.label_dim
    )


def flow(
    context: BuildContext,
    type: FlowType = "coupling",
    transforms: int = 4,
    hidden_sizes: Sequence[int] = (128, 128),
) -> nn.Module:
    """A normalizing flow.

    Args:
        context: what the prior is built from.
        type, transforms, hidden_sizes: see `flows.flow_steps`.

    Raises:
        VaekitError: zuko is not installed.

    >>> flow(BuildContext(2, nn.Identity(), (1, 8, 8)), hidden_sizes=(8,))()
    Flow(dim=2, batch_shape=())
    """
    return FlowPrior(context.latent_dim, type, transforms, hidden_sizes, context.label_dim)


PRIORS: dict[str, Callable[..., nn.Module]] = {
    f.__name__: f for f in (standard_normal, mixture, vamp, exemplars, flow)
}
