"""Labels that are not given: p(y | x) of a conditional model, and its log p(x), averaged over p(y).

    p(y_k | x) = p(y_k) p(x | y_k) / sum_l p(y_l) p(x | y_l)

Each p(x | y_k) is estimated by importance sampling. A few samples are enough to distinguish labels, whose
log-likelihoods differ by many nats. In the same way

    log p(x) = log sum_k p(y_k) p(x | y_k)
             >= sum_k r_k (ELBO_k + log p(y_k) - log r_k)  for any r; best for r_k ~ p(y_k) exp(ELBO_k).

In the last line, sum_k r_k (log r_k - log p(y_k)) is the KL of the label.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation.results import MeasureBatch, PerImageMetrics
from vaekit.models import masking
from vaekit.models.context import Context
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

N_SAMPLES = 16


@torch.no_grad()
def label_posterior(model: VAE, x: Tensor, samples: int = N_SAMPLES, seed: int = 0) -> Tensor:
    """Estimate p(y | x) over the labels of a conditional model.

    Args:
        model: a conditional VAE.
        x: (B, C, H, W), NaN where not observed.
        samples: importance samples per image and label.
        seed: of the samples.

    Returns:
        (B, M).

    Raises:
        ValueError: the model is not conditional.

    Example:
        >>> import vaekit
        >>> model = vaekit.demo().model
        >>> x = model.sample(2, seed=0, sample_pixels=True)
        >>> label_posterior(model, x, samples=2).sum(1).round(decimals=4).tolist()
        [1.0, 1.0]
    """
    if model.labels is None:
        raise ValueError("labels: expected a conditional model, got one without labels")
    log_joint = model.labels.log_prob.repeat(len(x), 1)
    mask = masking.observed_mask(x)
    with seeded(seed):
        for k in model.labels.support:
            context = Context(label=k.expand(len(x)), mask=mask)
            terms = model.elbo_terms(x, context, samples, need={"log_ratio"})
            log_joint[:, k] += terms.iwae_bound
    return log_joint.softmax(1)


def predict_label(model: VAE, x: Tensor) -> Tensor:
    """The most probable label of each image by `label_posterior`: indices (B,).

    Example:
        >>> import vaekit
        >>> model = vaekit.demo().model
        >>> predict_label(model, model.sample(2, seed=0, sample_pixels=True)).shape
        torch.Size([2])
    """
    return label_posterior(model, x).argmax(1)


def labels_or_prediction(model: VAE, x: Tensor, y: Tensor | None) -> Tensor | None:
    """The labels to condition a model on: those given, else predicted ones; None if it is not conditional.

    Args:
        model: any VAE.
        x: (B, C, H, W).
        y: labels (B,) or attributes (B, M), or None if unknown.

    Example:
        >>> import vaekit
        >>> model = vaekit.demo().model
        >>> x = model.sample(2, seed=0, sample_pixels=True)
        >>> labels_or_prediction(model, x, torch.tensor([3, 7])).tolist()
        [3, 7]
        >>> labels_or_prediction(model, x, None).shape
        torch.Size([2])
    """
    if model.labels is None:
        return None
    return predict_label(model, x) if y is None else y


@torch.no_grad()
def posterior_moments(model: VAE, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation of q(z | x, y), or of q(z | x) if y is unknown.

    If the encoder needs a label and y is None, q(z | x) is the mixture sum_k p(y_k | x) q(z | x, y_k).

    Args:
        model: any VAE.
        x: (B, C, H, W).
        y: labels (B,) or attributes (B, M), or None.

    Returns:
        Two tensors (B, d).

    Example:
        >>> import vaekit
        >>> model = vaekit.demo().model
        >>> mean, stddev = posterior_moments(model, model.sample(2, seed=0), None)
        >>> mean.shape, stddev.shape
        (torch.Size([2, 2]), torch.Size([2, 2]))
    """
    if y is not None or "encoder" not in model.conditioned_parts or model.labels is None:
        posterior = model.encode(x, y)
        return posterior.mean, posterior.stddev
    weights = label_posterior(model, x).T.unsqueeze(-1)
    components = [model.encode(x, k.expand(len(x))) for k in torch.arange(len(model.labels), device=x.device)]
    means, variances = (
        torch.stack([q.mean for q in components]),
        torch.stack([q.variance for q in components]),
    )
    mean = (weights * means).sum(0)
    return mean, (weights * (variances + (means - mean).square())).sum(0).sqrt()


def measure_marginal(
    model: VAE, x: Tensor, y: Tensor | None, samples: int, measure_conditional: MeasureBatch
) -> PerImageMetrics:
    """Measure log p(x) of a conditional model, averaged over p(y), and the posterior of the label.

    Means over q(z | x, y) become means over the labels too, weighted by r. The effective sample size is that
    of all samples of all labels. Pareto k is averaged by p(y | x), with negative values as 0.

    Args:
        model: a conditional VAE.
        x: (B, C, H, W), NaN where not observed.
        y: ignored.
        samples: importance samples, or AIS chains, per image and label.
        measure_conditional: measures log p(x | y), such as `measure_importance`.

    Raises:
        ValueError: the model is not conditional.

    Example:
        >>> import vaekit
        >>> from vaekit.evaluation.importance_sampling import measure_importance
        >>> model = vaekit.demo().model
        >>> with torch.no_grad():
        ...     x = model.sample(2, seed=0, sample_pixels=True)
        ...     metrics = measure_marginal(model, x, None, 2, measure_importance)
        >>> metrics.log_likelihood.shape, metrics.label_posterior.shape
        (torch.Size([2]), torch.Size([10, 2]))
    """
    if model.labels is None:
        raise ValueError("labels: expected a conditional model to average over p(y), got one without labels")
    support = model.labels.support
    log_py = model.labels.log_prob[support].double().unsqueeze(-1)
    by_label = [measure_conditional(model, x, k.expand(len(x)), samples) for k in support]
    metrics = PerImageMetrics(*(torch.stack(column).double() for column in zip(*by_label, strict=True)))
    r = (log_py + metrics.reconstruction - metrics.kl.sum(1)).softmax(0)
    log_joint = log_py + metrics.log_likelihood
    posterior = log_joint.softmax(0)
    return PerImageMetrics(
        reconstruction=_average(r, metrics.reconstruction),
        kl=_average(r, metrics.kl),
        log_likelihood=log_joint.logsumexp(0),
        effective_sample_size=1 / (posterior.square() / metrics.effective_sample_size).sum(0),
        dimensions=metrics.dimensions[0],
        latents=_average(r, metrics.latents),
        label_kl=(torch.xlogy(r, r) - r * log_py).sum(0),
        label_posterior=posterior.new_zeros(len(model.labels), len(x)).index_copy(0, support, posterior),
        pareto_k=torch.where(posterior > 0, posterior * metrics.pareto_k.clamp_min(0), 0.0).sum(0),
        growth=(log_py.unsqueeze(-1) + metrics.growth).logsumexp(0),
        mc_variance=_share_of_square(posterior, metrics.mc_variance),
        shortfall=_share_of_square(posterior, metrics.shortfall),
    )


def _average(weights: Tensor, values: Tensor) -> Tensor:
    """Average values (M, ..., B) by weights (M, B): (..., B)."""
    return torch.einsum("mb,m...b->...b", weights, values)


def _share_of_square(posterior: Tensor, values: Tensor) -> Tensor:
    """sum_k p(y_k | x)^2 v_k, (B,): a relative variance of p(x | y_k) is that of a part of the sum p(x)."""
    return torch.where(posterior > 0, posterior.square() * values, 0.0).sum(0)
