"""The components of a mixture prior: what they decode to, and which images and classes belong to them.

A latent z belongs to component c with probability r_c(z) = w_c p_c(z) / p(z). Assigning each image to the
component with the largest r_c clusters the images without labels, and

    purity = (1/N) sum_c max_k n_ck,        n_ck images of class k in component c

is the accuracy of predicting, for each image, the most common class of its component.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import Delta
from vaekit.errors import InvalidError
from vaekit.models.vae import VAE
from vaekit.models.vampprior import AggregatedPosterior


@torch.no_grad()
def pseudo_inputs(model: VAE) -> Tensor:
    """The pseudo-inputs (C, *shape) of a VampPrior or exemplar prior.

    Raises:
        InvalidError: the prior has no pseudo-inputs.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("mnist-2d", ["model.prior={kind: vamp, components: 3, init: random}"])
        >>> pseudo_inputs(build_model(recipe.model, (1, 8, 8))).shape
        torch.Size([3, 1, 8, 8])
    """
    top = model.prior.layers[0]
    if not isinstance(top, AggregatedPosterior):
        raise InvalidError(
            f"prior: expected vamp or exemplars, which have pseudo-inputs, got {type(top).__name__}"
        )
    return top.images()


@torch.no_grad()
def prior_mixture(model: VAE) -> Mixture:
    """The prior of the top layer as a mixture.

    Raises:
        InvalidError: the prior is not a mixture.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("mnist-2d", ["model.prior={kind: mixture, components: 3}"])
        >>> prior_mixture(build_model(recipe.model, (1, 8, 8))).components.mean.shape
        torch.Size([3, 2])
    """
    top = model.conditional_prior().top
    if not isinstance(top, Mixture):
        raise InvalidError(f"prior: expected mixture, vamp or exemplars, got {type(top).__name__}")
    return top


@torch.no_grad()
def decode_components(model: VAE) -> Tensor:
    """Decode the mean of each component, and in lower layers the conditional means: (C, *shape).

    Raises:
        InvalidError: the prior is not a mixture.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("mnist-2d", ["model.prior={kind: mixture, components: 3}"])
        >>> decode_components(build_model(recipe.model, (1, 8, 8))).shape
        torch.Size([3, 1, 8, 8])
    """
    prior = model.conditional_prior()
    return model.decode(prior.with_top(Delta(prior_mixture(model).components.mean)).mean).mean


@torch.no_grad()
def assign_components(model: VAE, latents: np.ndarray) -> np.ndarray:
    """The component with the largest r_c(z) for each latent.

    Args:
        model: with a mixture prior.
        latents: (N, d); only those of the top layer count.

    Returns:
        Indices (N,).

    Raises:
        InvalidError: the prior is not a mixture.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("mnist-2d", ["model.prior={kind: mixture, components: 3}"])
        >>> model = build_model(recipe.model, (1, 8, 8))
        >>> assign_components(model, prior_mixture(model).components.mean.detach().numpy()).tolist()
        [0, 1, 2]
    """
    prior = prior_mixture(model)
    top = torch.as_tensor(latents, dtype=prior.log_weights.dtype, device=prior.log_weights.device)
    return prior.joint(top[:, : model.layer_dims[0]]).argmax(-1).cpu().numpy()


def contingency(assigned: np.ndarray, labels: np.ndarray, components: int, classes: int) -> np.ndarray:
    """Count the images of each class in each component.

    Args:
        assigned: components of N images, (N,).
        labels: their classes, (N,).
        components, classes: C and K.

    Returns:
        n_ck, (C, K).

    Example:
        >>> contingency(np.array([0, 0, 1]), np.array([1, 1, 0]), components=2, classes=2).tolist()
        [[0, 2], [1, 0]]
    """
    cells = np.bincount(assigned * classes + labels, minlength=components * classes)
    return cells.reshape(components, classes)


def purity(counts: np.ndarray) -> float:
    """The fraction of images whose class is the most common one of their component.

    Args:
        counts: n_ck, (C, K).

    Example:
        >>> purity(np.array([[3, 1], [0, 4]]))
        0.875
    """
    return float(counts.max(1).sum() / counts.sum())
