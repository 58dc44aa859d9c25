"""Labels that are not given: log p(x) of a conditional model, averaged over p(y).

    log p(x) = log sum_k p(y_k) p(x | y_k)                 each p(x | y_k) by importance sampling
             >= sum_k r_k (ELBO_k + log p(y_k) - log r_k)  for any r; best for r_k ~ p(y_k) exp(ELBO_k)

Of the last line, sum_k r_k (log r_k - log p(y_k)) is the rate of the label. The same numbers give what the
model takes the label to be, p(y_k | x) = p(y_k) p(x | y_k) / p(x).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation import likelihood
from vaekit.models.vae import VAE


def measure(
    model: VAE,
    x: Tensor,
    y: Tensor | None,
    samples: int,
    given: likelihood.Measure = likelihood.measure,
) -> likelihood.Columns:
    """What `given` measures of log p(x | y), without the labels y: of log p(x), with rate and posterior of y.

    What is a mean over q(z | x, y) is one over the labels too, by r. The effective sample size is that of all
    K samples of all labels together; the shapes of the tails are averaged by p(y | x), negative ones as 0.

    Raises:
        ValueError: the model is told no labels.
    """
    if model.labels is None:
        raise ValueError("labels: this model is told none, so that none can be missing")
    possible = model.labels.possible
    log_py = model.labels.log_prob[possible].double().unsqueeze(-1)
    each = [given(model, x, k.expand(len(x)), samples) for k in possible]
    parts = likelihood.Columns(*(torch.stack(column).double() for column in zip(*each, strict=True)))
    r = (log_py + parts.reconstruction - parts.rate.sum(1)).softmax(0)
    log_joint = log_py + parts.log_likelihood
    posterior = log_joint.softmax(0)
    whole = posterior.new_zeros(len(model.labels), len(x)).index_copy(0, possible, posterior)
    return likelihood.Columns(
        reconstruction=_average(r, parts.reconstruction),
        rate=_average(r, parts.rate),
        log_likelihood=log_joint.logsumexp(0),
        effective_sample_size=1 / (posterior.square() / parts.effective_sample_size).sum(0),
        dimensions=parts.dimensions[0],
        codes=_average(r, parts.codes),
        label_rate=(torch.xlogy(r, r) - r * log_py).sum(0),
        label_posterior=whole,
        pareto_k=torch.where(posterior > 0, posterior * parts.pareto_k.clamp_min(0), 0.0).sum(0),
        growth=(log_py.unsqueeze(-1) + parts.growth).logsumexp(0),
    )


def _average(weights: Tensor, values: Tensor) -> Tensor:
    """Weights (M, B) over values (M, ..., B): (..., B)."""
    return torch.einsum("mb,m...b->...b", weights, values)
