"""The prior p(z): what a latent is before anything is seen. Each is a conditional, most without a context.

A function here makes each of the kinds that a recipe names, from what the model around it has to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.flows import FlowPrior, Form
from vaekit.heads import soft_clamp
from vaekit.mixture import Mixture

Images = Callable[[int], Tensor]


class StandardNormal(nn.Module):
    """N(0, I) over d numbers, whatever the context.

    Args:
        size: d.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(size), persistent=False)
        self.register_buffer("scale", torch.ones(size), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return _normal(self.loc, self.scale)


class MixtureOfGaussians(nn.Module):
    """C diagonal Gaussians over d numbers, with means, variances and weights that are learned.

    At first the means are draws from N(0, I), the variances 1 and the weights equal.

    Args:
        size: d.
        components: C.
    """

    def __init__(self, size: int, components: int):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(components, size))
        self.log_variance = nn.Parameter(torch.zeros(components, size))
        self.logits = nn.Parameter(torch.zeros(components))

    def forward(self, *context: Tensor) -> Mixture:
        return Mixture(self.logits, _normal(self.mean, (0.5 * self.log_variance).exp()))


class PosteriorMixture(nn.Module):
    """The mixture of the posteriors of C images: p(z) = sum_c w_c q(z | u_c).

    With the w_c equal and the u_c all training images it would be the aggregated posterior, which is the best
    prior for an encoder, but overfits; C well-chosen images do nearly as well (Tomczak and Welling 2018).

    The posterior is the encoder's own, borrowed: it is not registered here, so that its weights are stored,
    moved and trained once, while gradients reach them through the prior as well.

    Args:
        posterior: the conditional q(z | x) of the level, whose distribution is a Gaussian.
        images: gives the images u, (C, *shape).
        learned: whether the weights w are learned; else they stay equal.
    """

    logits: Tensor

    def __init__(self, posterior: nn.Module, images: nn.Module, learned: bool = False):
        super().__init__()
        self._borrowed = (posterior,)
        self.images = images
        logits = torch.zeros(len(images()))
        if learned:
            self.logits = nn.Parameter(logits)
        else:
            self.register_buffer("logits", logits, persistent=False)

    def forward(self, *context: Tensor) -> Mixture:
        [posterior] = self._borrowed
        return Mixture(self.logits, posterior(self.images()))


class PseudoInputs(nn.Module):
    """Images that are learned, their pixels kept in (0, 1) by a sigmoid.

    A hard limit, as in the authors' code, has no gradient outside: a pixel that a step took beyond it would
    stay there. The parameters are scaled so that about a grey of 1/2 they move as the pixels do.

    Args:
        start: (C, *shape), the first values; those within 0.02 of 0 or 1 begin at that distance.
    """

    def __init__(self, start: Tensor):
        super().__init__()
        self.values = nn.Parameter(0.5 + torch.logit(start, eps=0.02) / 4)

    def forward(self) -> Tensor:
        return soft_clamp(self.values, (0.0, 1.0))


class StoredImages(nn.Module):
    """Images that stay as they are, (C, *shape), stored with the weights."""

    values: Tensor

    def __init__(self, values: Tensor):
        super().__init__()
        self.register_buffer("values", values)

    def forward(self) -> Tensor:
        return self.values


def _normal(loc: Tensor, scale: Tensor) -> Independent:
    return Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)


# ---------------------------------------------------------------------------------------------------- kinds


class Around(NamedTuple):
    """What a prior may be made of.

    Attributes:
        size: d, the numbers of the level it is for.
        posterior: the encoder's conditional of that level.
        shape: (C, H, W), of the images.
        images: takes n, gives n training images (n, C, H, W) at random; None where weights are loaded after.
    """

    size: int
    posterior: nn.Module
    shape: tuple[int, ...]
    images: Images | None = None


def standard_normal(around: Around) -> nn.Module:
    """N(0, I)."""
    return StandardNormal(around.size)


def mixture(around: Around, components: int = 10) -> nn.Module:
    """A mixture of so many diagonal Gaussians."""
    return MixtureOfGaussians(around.size, components)


def vamp(
    around: Around,
    components: int = 500,
    weights: Literal["uniform", "learned"] = "uniform",
    start: Literal["random", "data"] = "random",
    mean: float = 0.5,
    std: float = 0.1,
) -> nn.Module:
    """The mixture of the posteriors of learned images, the VampPrior of Tomczak and Welling 2018.

    Args:
        components: C.
        weights: whether all components count the same, or by a weight that is learned.
        start: whether the images begin as training images, or with pixels drawn at random.
        mean, std: of such pixels.
    """
    images = torch.normal(mean, std, (components, *around.shape))
    if start == "data" and around.images is not None:
        images = around.images(components)
    return PosteriorMixture(around.posterior, PseudoInputs(images), weights == "learned")


def exemplars(
    around: Around, components: int = 500, weights: Literal["uniform", "learned"] = "uniform"
) -> nn.Module:
    """The mixture of the posteriors of training images chosen at random (after Norouzi et al. 2020).

    Args:
        components: C.
        weights: whether all components count the same, or by a weight that is learned.
    """
    empty = torch.zeros(components, *around.shape)
    images = empty if around.images is None else around.images(components)
    return PosteriorMixture(around.posterior, StoredImages(images), weights == "learned")


def flow(
    around: Around, form: Form = "coupling", transforms: int = 4, width: Sequence[int] = (128, 128)
) -> nn.Module:
    """A normalising flow; for the arguments see `flows.steps`.

    Raises:
        VaekitError: zuko is not installed.
    """
    return FlowPrior(around.size, form, transforms, width)


PRIORS: dict[str, Callable[..., nn.Module]] = {
    f.__name__: f for f in (standard_normal, mixture, vamp, exemplars, flow)
}
