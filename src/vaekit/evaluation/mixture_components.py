"""What the components of a prior that is a mixture stand for: their images, and the classes they gather.

A code z comes from component c with probability r_c(z) = w_c p_c(z) / p(z). Where each image is given to the
component of the largest r_c, an N x C problem of clustering is solved without a label having been seen, and

    purity = (1/N) sum_c max_k n_ck,        n_ck images of class k in component c

is the share of images that would be named rightly if every component were named after its commonest class.
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
    """The images (C, *shape) whose posteriors the prior is made of.

    Raises:
        InvalidError: it is made of none.
    """
    top = model.prior.layers[0]
    if not isinstance(top, AggregatedPosterior):
        raise InvalidError("prior: expected one made of images, vamp or exemplars, got another")
    return top.images()


@torch.no_grad()
def prior_mixture(model: VAE) -> Mixture:
    """The prior of the top level.

    Raises:
        InvalidError: it is no mixture.
    """
    top = model.conditional_prior().top
    if not isinstance(top, Mixture):
        raise InvalidError("prior: expected a mixture, vamp or exemplars, got another")
    return top


@torch.no_grad()
def decode_components(model: VAE) -> Tensor:
    """What each component stands for, (C, *shape): its mean, the means of the levels below given it, decoded.

    Raises:
        InvalidError: the prior is no mixture.
    """
    prior = model.conditional_prior()
    return model.decode(prior.with_top(Delta(prior_mixture(model).components.mean)).mean).mean


@torch.no_grad()
def assign_components(model: VAE, codes: np.ndarray) -> np.ndarray:
    """The component (N,) that most likely gave each code (N, d), by the numbers of its top level.

    Raises:
        InvalidError: the prior is no mixture.
    """
    prior = prior_mixture(model)
    top = torch.as_tensor(codes, dtype=prior.log_weights.dtype, device=prior.log_weights.device)
    return prior.joint(top[:, : model.layer_dims[0]]).argmax(-1).cpu().numpy()


def contingency(assigned: np.ndarray, labels: np.ndarray, components: int, classes: int) -> np.ndarray:
    """n_ck, (C, K): how many images of class k are in component c."""
    cells = np.bincount(assigned * classes + labels, minlength=components * classes)
    return cells.reshape(components, classes)


def purity(counts: np.ndarray) -> float:
    """The share of images that are of the commonest class of their component, from n_ck (C, K)."""
    return float(counts.max(1).sum() / counts.sum())
