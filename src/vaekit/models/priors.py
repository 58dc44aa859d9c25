"""The prior p(z): what a latent is before anything is seen. Each is a conditional, most without a context.

Of a conditional model it may be p(z | y). A Gaussian, or a flow, then has its numbers from the label; of a
mixture the components stay, and the label chooses among them,

    p(z | y) = sum_c w_c(y) p_c(z),        w(y) = softmax(W y + b), with W = 0 at first,

or it is one of them, p(z | y) = N(mu_y, sigma_y^2), so that the average over p(y) has a component a class.

A function here makes each of the kinds that a recipe names, from what the model around it has to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.distributions.mixture import Mixture, label_logits, mixture_logits
from vaekit.distributions.normal import LogScaleNormal, UnitNormal
from vaekit.errors import RecipeError
from vaekit.models.conditional import Conditional
from vaekit.models.flows import FlowPrior, Form
from vaekit.models.labels import LabelPrior
from vaekit.models.posteriors import gaussian
from vaekit.models.vampprior import AggregatedPosterior, FixedInputs, PseudoInputs, PseudoLabels
from vaekit.nn.networks import Dense
from vaekit.utils.device import to_float32

Examples = Callable[[int], tuple[Tensor, Tensor | None]]


class StandardNormal(nn.Module):
    """N(0, I) over d numbers, whatever the context.

    Args:
        latent_dim: d.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, latent_dim: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(latent_dim), persistent=False)
        self.register_buffer("scale", torch.ones(latent_dim), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return _independent(UnitNormal(self.loc, self.scale))


class MixtureOfGaussians(nn.Module):
    """C diagonal Gaussians over d numbers, with means, variances and weights that are learned.

    At first the means are draws from N(0, s^2 I), the variances 1 and the weights equal. The means must not
    lie far apart: the codes of a new encoder lie about 0, and where they are all nearest to one component by
    far, as in 40 dimensions with s = 1, no other has a gradient ever after.

    Args:
        latent_dim: d.
        components: C.
        label_dim: m, the numbers of a label that the weights depend on; 0 for none.
        init_std: s.
    """

    def __init__(self, latent_dim: int, components: int, label_dim: int = 0, init_std: float = 0.3):
        super().__init__()
        self.mean = nn.Parameter(init_std * torch.randn(components, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(components, latent_dim))
        self.logits = nn.Parameter(torch.zeros(components))
        self.by_label = label_logits(label_dim, components)

    def forward(self, *context: Tensor) -> Mixture:
        components = _independent(LogScaleNormal(self.mean, 0.5 * self.log_variance))
        return Mixture(mixture_logits(self.logits, self.by_label, context), components)


class ClassGaussian(nn.Module):
    """A diagonal Gaussian a class: p(z | y) = N(mu_y, sigma_y^2), with y one-hot.

    At first the means are draws from N(0, I) and the variances 1. Between two classes y goes in a straight
    line, and so do mean and log-variance.

    Args:
        latent_dim: d.
        n_classes: m.
    """

    def __init__(self, latent_dim: int, n_classes: int):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(n_classes, latent_dim))
        self.log_variance = nn.Parameter(torch.zeros(n_classes, latent_dim))

    def forward(self, y: Tensor) -> Independent:
        mean, log_variance = (to_float32(y @ each) for each in (self.mean, self.log_variance))
        return _independent(LogScaleNormal(mean, 0.5 * log_variance))


def _independent(normal: Normal) -> Independent:
    return Independent(normal, 1, validate_args=False)


# ---------------------------------------------------------------------------------------------------- kinds


class BuildContext(NamedTuple):
    """What a prior may be made of.

    Attributes:
        latent_dim: d, the numbers of the level it is for.
        posterior: the encoder's conditional of that level.
        image_shape: (C, H, W), of the images.
        images: takes n, gives n training images (n, C, H, W) at random, with their labels as networks take
            them (n, m) or None; None where weights are loaded after.
        labels: what the model may be told; None for nothing.
        conditioned_parts: which parts of the model take the label.
        network: makes the network from a label to the numbers of a Gaussian, from event shapes.
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
        """m, the numbers of the label that the prior takes; 0 where it takes none."""
        return self.labels.label_dim if self.labels is not None and "prior" in self.conditioned_parts else 0

    def examples(self, n: int) -> tuple[Tensor, Tensor | None]:
        """n training images with their labels, or black ones with the mean label where there are none."""
        if self.images is not None:
            return self.images(n)
        labels = None if self.labels is None else torch.zeros(n, self.labels.label_dim)
        return torch.zeros(n, *self.image_shape), labels


def standard_normal(context: BuildContext) -> nn.Module:
    """N(0, I); of a conditional prior N(mu(y), sigma(y)^2), both learned."""
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
    """A mixture of so many diagonal Gaussians.

    Args:
        components: C.
        weights: learned, for each label if the prior takes it; or a component a class, which the label names.
        init_std: standard deviation of the means at first, where the weights are learned.

    Raises:
        RecipeError: the components are to be classes, and they are not as many.
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
    """The mixture of the posteriors of learned images, the VampPrior of Tomczak and Welling 2018.

    Where the encoder takes labels, those of the images are learned as well.

    Args:
        components: C.
        weights: whether all components count the same, or by a weight that is learned; where the prior takes
            the label, the weights depend on it in either case.
        init: whether the images begin as training images, or with pixels drawn at random.
        mean, std: of such pixels.
    """
    images = torch.normal(mean, std, (components, *context.image_shape))
    labels = _random_labels(context, components)
    if init == "data" and context.images is not None:
        images, labels = context.images(components)
    told = None
    if "encoder" in context.conditioned_parts and context.labels is not None and labels is not None:
        told = PseudoLabels(labels, context.labels.one_hot)
    return AggregatedPosterior(
        context.posterior, PseudoInputs(images), weights == "learned", told, context.label_dim
    )


def _random_labels(context: BuildContext, n: int) -> Tensor | None:
    return None if context.labels is None else context.labels(context.labels.sample(n))


def exemplars(
    context: BuildContext, components: int = 500, weights: Literal["uniform", "learned"] = "uniform"
) -> nn.Module:
    """The mixture of the posteriors of training images chosen at random (after Norouzi et al. 2020).

    Where the encoder takes labels, it is given those of the images.

    Args:
        components: C.
        weights: as for `vamp`.
    """
    images, labels = context.examples(components)
    told = FixedInputs(labels) if "encoder" in context.conditioned_parts and labels is not None else None
    return AggregatedPosterior(
        context.posterior, FixedInputs(images), weights == "learned", told, context.label_dim
    )


def flow(
    context: BuildContext,
    type: Form = "coupling",
    transforms: int = 4,
    hidden_sizes: Sequence[int] = (128, 128),
) -> nn.Module:
    """A normalizing flow; for the arguments see `flows.steps`.

    Raises:
        VaekitError: zuko is not installed.
    """
    return FlowPrior(context.latent_dim, type, transforms, hidden_sizes, context.label_dim)


PRIORS: dict[str, Callable[..., nn.Module]] = {
    f.__name__: f for f in (standard_normal, mixture, vamp, exemplars, flow)
}
