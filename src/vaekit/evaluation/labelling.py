"""What a conditional model takes the labels of images to be, by p(y | x), where nobody says.

    p(y_k | x) = p(y_k) p(x | y_k) / sum_l p(y_l) p(x | y_l),

with each p(x | y_k) by a few importance samples: enough to tell labels apart, which differ by many nats.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.models import masking
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

SAMPLES = 16


@torch.no_grad()
def posterior(model: VAE, x: Tensor, samples: int = SAMPLES, seed: int = 0) -> Tensor:
    """p(y | x) for images (B, C, H, W): (B, M), over the labels of the model.

    Args:
        samples: importance samples for each image and label.
        seed: of the draws.

    Raises:
        ValueError: the model is told no labels.
    """
    if model.labels is None:
        raise ValueError("labels: this model is told none")
    log_joint = model.labels.log_prob.repeat(len(x), 1)
    mask = masking.observed(x)
    with seeded(seed):
        for k in model.labels.possible:
            evidence = model.evidence(x, k.expand(len(x)), samples, mask)
            log_joint[:, k] += evidence.importance_weighted
    return log_joint.softmax(1)


def guess(model: VAE, x: Tensor) -> Tensor:
    """(B,): the number of the likeliest label of each image; raises as `posterior`."""
    return posterior(model, x).argmax(1)


def told(model: VAE, x: Tensor, y: Tensor | None) -> Tensor | None:
    """What a model is told of images: their labels, a guess where they are missing, or nothing."""
    if model.labels is None:
        return None
    return guess(model, x) if y is None else y


@torch.no_grad()
def codes(model: VAE, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(z | x, y), (B, d) each; averaged over p(y | x) where y is not given.

    With no label given, that is sum_k p(y_k | x) q(z | x, y_k), a mixture.
    """
    if y is not None or "encoder" not in model.given_label or model.labels is None:
        given = model.encode(x, y)
        return given.mean, given.stddev
    weights = posterior(model, x).T.unsqueeze(-1)
    each = [model.encode(x, k.expand(len(x))) for k in torch.arange(len(model.labels), device=x.device)]
    means, variances = torch.stack([q.mean for q in each]), torch.stack([q.variance for q in each])
    mean = (weights * means).sum(0)
    return mean, (weights * (variances + (means - mean).square())).sum(0).sqrt()
