"""What a conditional model takes the labels of images to be, by p(y | x), where nobody says.

    p(y_k | x) = p(y_k) p(x | y_k) / sum_l p(y_l) p(x | y_l),

with each p(x | y_k) by a few importance samples: enough to tell labels apart, which differ by many nats.

Labels that are not given: log p(x) of a conditional model, averaged over p(y).

    log p(x) = log sum_k p(y_k) p(x | y_k)                 each p(x | y_k) by importance sampling
             >= sum_k r_k (ELBO_k + log p(y_k) - log r_k)  for any r; best for r_k ~ p(y_k) exp(ELBO_k)

Of the last line, sum_k r_k (log r_k - log p(y_k)) is the rate of the label. The same numbers give what the
model takes the label to be, p(y_k | x) = p(y_k) p(x | y_k) / p(x).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation.results import MeasureBatch, PerImageMetrics
from vaekit.models import masking
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

N_SAMPLES = 16


@torch.no_grad()
def label_posterior(model: VAE, x: Tensor, samples: int = N_SAMPLES, seed: int = 0) -> Tensor:
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
    mask = masking.observed_mask(x)
    with seeded(seed):
        for k in model.labels.support:
            terms = model.elbo_terms(x, k.expand(len(x)), samples, mask)
            log_joint[:, k] += terms.iwae_bound
    return log_joint.softmax(1)


def predict_label(model: VAE, x: Tensor) -> Tensor:
    """(B,): the number of the mode_ label of each image; raises as `posterior`."""
    return label_posterior(model, x).argmax(1)


def labels_or_prediction(model: VAE, x: Tensor, y: Tensor | None) -> Tensor | None:
    """What a model is told of images: their labels, a guess where they are missing, or nothing."""
    if model.labels is None:
        return None
    return predict_label(model, x) if y is None else y


@torch.no_grad()
def posterior_moments(model: VAE, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(z | x, y), (B, d) each; averaged over p(y | x) where y is not given.

    With no label given, that is sum_k p(y_k | x) q(z | x, y_k), a mixture.
    """
    if y is not None or "encoder" not in model.conditioned_parts or model.labels is None:
        given = model.encode(x, y)
        return given.mean, given.stddev
    weights = label_posterior(model, x).T.unsqueeze(-1)
    each = [model.encode(x, k.expand(len(x))) for k in torch.arange(len(model.labels), device=x.device)]
    means, variances = torch.stack([q.mean for q in each]), torch.stack([q.variance for q in each])
    mean = (weights * means).sum(0)
    return mean, (weights * (variances + (means - mean).square())).sum(0).sqrt()


def measure_marginal(
    model: VAE,
    x: Tensor,
    y: Tensor | None,
    samples: int,
    measure_conditional: MeasureBatch,
) -> PerImageMetrics:
    """What `measure_conditional` measures of log p(x | y), without the labels y: of log p(x), with rate and posterior of y.

    What is a mean over q(z | x, y) is one over the labels too, by r. The effective sample size is that of all
    K samples of all labels together; the shapes of the tails are averaged by p(y | x), negative ones as 0.

    Raises:
        ValueError: the model is told no labels.
    """
    if model.labels is None:
        raise ValueError("labels: this model is told none, so that none can be missing")
    possible = model.labels.support
    log_py = model.labels.log_prob[possible].double().unsqueeze(-1)
    each = [measure_conditional(model, x, k.expand(len(x)), samples) for k in possible]
    parts = PerImageMetrics(*(torch.stack(column).double() for column in zip(*each, strict=True)))
    r = (log_py + parts.reconstruction - parts.kl.sum(1)).softmax(0)
    log_joint = log_py + parts.log_likelihood
    posterior = log_joint.softmax(0)
    whole = posterior.new_zeros(len(model.labels), len(x)).index_copy(0, possible, posterior)
    return PerImageMetrics(
        reconstruction=_average(r, parts.reconstruction),
        kl=_average(r, parts.kl),
        log_likelihood=log_joint.logsumexp(0),
        effective_sample_size=1 / (posterior.square() / parts.effective_sample_size).sum(0),
        dimensions=parts.dimensions[0],
        latents=_average(r, parts.latents),
        label_kl=(torch.xlogy(r, r) - r * log_py).sum(0),
        label_posterior=whole,
        pareto_k=torch.where(posterior > 0, posterior * parts.pareto_k.clamp_min(0), 0.0).sum(0),
        growth=(log_py.unsqueeze(-1) + parts.growth).logsumexp(0),
    )


def _average(weights: Tensor, values: Tensor) -> Tensor:
    """Weights (M, B) over values (M, ..., B): (..., B)."""
    return torch.einsum("mb,m...b->...b", weights, values)
