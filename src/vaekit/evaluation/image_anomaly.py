"""Anomaly scores of images, signals and volumes, where a likelihood alone misleads.

A VAE of clothes gives digits a higher likelihood than clothes (Nalisnick et al. 2019a): a simple image has a
high likelihood under any model. Four corrections, each higher for odder images:

    complexity    -log p(x) - L(x), where L(x) is the length of x under a general compressor (Serra et al.
                  2020): the log-likelihood ratio of a model of all data to this one
    regret        max_q ELBO(x; q) - ELBO(x; encoder), what the encoder loses on x (Xiao et al. 2020)
    typicality    |log p(x) - mean over training images|, far from typical on either side (Nalisnick et al.
                  2019b, for one image)
    latent        the mean distance of E[z | x] to the nearest 15 % of the training latents
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.models import masking
from vaekit.models.context import Context
from vaekit.models.elbo import latent_kind
from vaekit.models.vae import VAE
from vaekit.parallel.turns import in_turns
from vaekit.utils.random import seeded

REGRET_STEPS = 50
REGRET_SAMPLES = 8


def complexity(values: np.ndarray) -> np.ndarray:
    """L(x), the length of each data point under the lossless compression of PNG, in nats.

    Each channel, or slice of a volume, is an image of 8 bits; signals are images of one row per channel. The
    fixed length of the header is subtracted.

    Args:
        values: (N, *event), in [0, 1]; missing values count as 0.

    Returns:
        (N,).

    >>> noise = np.random.default_rng(0).random((1, 1, 16, 16))
    >>> flat, rough = complexity(np.concatenate([np.zeros((1, 1, 16, 16)), noise]))
    >>> bool(flat < 100 < 1000 < rough)
    True
    """
    levels = np.rint(255 * np.clip(np.nan_to_num(values), 0, 1)).astype(np.uint8)
    rows = levels.reshape(len(levels), -1, levels.shape[-1])
    empty = _png_bytes(np.zeros((1, 1), np.uint8))
    return np.array([(_png_bytes(row) - empty) * 8 * math.log(2) for row in rows])


def _png_bytes(image: np.ndarray) -> int:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", optimize=True)
    return len(content.getvalue())


def likelihood_regret(
    model: VAE,
    batches: Iterable[tuple[Tensor, Tensor | None]],
    steps: int = REGRET_STEPS,
    samples: int = REGRET_SAMPLES,
    learning_rate: float = 0.05,
    seed: int = 0,
    progress: Callable[[int], None] = lambda rows: None,
) -> np.ndarray:
    """The gain in the bound if q(z | x) is optimized for each data point, in nats.

    The mean and the log-deviation of a diagonal Gaussian are optimized by Adam from those of the encoder. The
    model does not change. Noise is drawn once and shared by all steps and both bounds.

    Args:
        model: with one layer of Gaussian latents.
        batches: of data points (B, *event) and labels or None.
        steps: of Adam.
        samples: K, the samples of a bound.
        learning_rate: of Adam.
        seed: of the noise.
        progress: called after each batch with its number of data points.

    Returns:
        (N,), at least 0.

    Raises:
        ValueError: the posterior has several layers or is not Gaussian.

    Source: Xiao et al. 2020, "Likelihood Regret", whose decoder is fixed, too.

    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
    >>> regret = likelihood_regret(model, [(model.sample(5, seed=0, sample_pixels=True), None)], steps=20)
    >>> regret.shape, bool((regret >= 0).all())
    ((5,), True)
    """
    if len(model.layer_dims) != 1:
        raise ValueError(f"regret: expected one layer of latents, got {len(model.layer_dims)}")
    training, found = model.training, []
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    model.eval().requires_grad_(False)
    try:

        def measure(numbered: tuple[int, tuple[Tensor, Tensor | None]]) -> np.ndarray:
            number, (x, y) = numbered
            with seeded(seed + 1_000_003 * number):
                return _batch_regret(model, x, y, steps, samples, learning_rate)

        for regret in in_turns(enumerate(batches), measure):
            found.append(regret)
            progress(len(regret))
    finally:
        model.train(training)
        for parameter, grad in zip(model.parameters(), wanted, strict=True):
            parameter.requires_grad_(grad)
    return np.concatenate(found)


def _batch_regret(
    model: VAE, x: Tensor, y: Tensor | None, steps: int, samples: int, learning_rate: float
) -> np.ndarray:
    context = Context(label=y, mask=masking.observed_mask(x))
    posterior = model.encode(x, context)
    prior = model.conditional_prior(context)
    if latent_kind(posterior.top) != "continuous":
        raise ValueError(f"regret: expected a Gaussian posterior, got a {latent_kind(posterior.top)} one")
    mean = posterior.mean.detach().clone().requires_grad_()
    log_sigma = posterior.stddev.detach().log().clone().requires_grad_()
    noise = torch.randn(samples, *mean.shape, device=x.device)
    filled = masking.fill_missing(x)

    def bound() -> Tensor:
        z = mean + log_sigma.exp() * noise
        log_qz = Independent(Normal(mean, log_sigma.exp()), 1).log_prob(z)
        log_px = masking.masked_log_prob(model.decode(z, context), filled, context.mask)
        return (log_px + prior.condition_on(z).log_prob[0] - log_qz).mean(0)

    with torch.no_grad():
        first = bound()
    best = first.clone()
    optimizer = torch.optim.Adam([mean, log_sigma], lr=learning_rate)
    for _ in range(steps):
        with torch.enable_grad():
            value = bound()
            optimizer.zero_grad()
            (-value.sum()).backward()
        best = torch.maximum(best, value.detach())
        optimizer.step()
    return (best - first).double().cpu().numpy()


def typicality(log_likelihood: np.ndarray, training: np.ndarray) -> np.ndarray:
    """|log p(x) - mean over the training images|, (N,).

    >>> typicality(np.array([-90.0, -120.0]), np.array([-100.0, -110.0]))
    array([15., 15.])
    """
    return np.abs(log_likelihood - training.mean())
