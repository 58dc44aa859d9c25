"""Which observation, likelihood and network suit a dataset, judged by a small sample of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaekit.data.dataset import Dataset

_SAMPLE = 2000  # images looked at
_NEAR = 32  # levels from black or white that still count as such
_MOSTLY = 0.75  # of the pixels


@dataclass(frozen=True)
class Suggestion:
    """What to start with, and why.

    Args:
        observation: one of `OBSERVATIONS`.
        likelihood: bernoulli, gaussian or discretised_logistic.
        network: dense or convolutional.
        reasons: one sentence each.
    """

    observation: str
    likelihood: str
    network: str
    reasons: tuple[str, ...]


def suggest(dataset: Dataset) -> Suggestion:
    """Propose how to observe and model a dataset.

    Two-valued images are Bernoulli; grey ones that are mostly black and white are taken as probabilities
    and drawn from (Salakhutdinov and Murray 2008); other levels get a discretised logistic
    (Kingma et al. 2016), real numbers a Gaussian.
    """
    observation, likelihood, why = _likelihood(dataset)
    network, shape = _network(dataset.shape)
    return Suggestion(observation, likelihood, network, (why, shape))


def _likelihood(dataset: Dataset) -> tuple[str, str, str]:
    levels = _sampled_levels(dataset)
    near = float(np.mean((levels <= _NEAR) | (levels >= 255 - _NEAR)))
    if np.isin(levels, (0, 255)).all():
        return "threshold", "bernoulli", "the images are two-valued"
    if _are_probabilities(dataset) and near > _MOSTLY:
        return "dynamic", "bernoulli", f"{near:.0%} of the pixels are nearly black or white"
    if dataset.has_levels:
        return "grey", "discretised_logistic", f"only {near:.0%} of the pixels are nearly black or white"
    return "unit", "gaussian", "the values are real numbers"


def _sampled_levels(dataset: Dataset) -> np.ndarray:
    count = min(_SAMPLE, len(dataset))
    chosen = np.sort(np.random.default_rng(0).choice(len(dataset), count, replace=False))
    images = dataset.images[chosen]
    return images if dataset.is_levels else images[~np.isnan(images)] * 255


def _are_probabilities(dataset: Dataset) -> bool:
    """Whether a value may be read as the probability of ink: one channel, and nothing was rescaled."""
    return dataset.shape[0] == 1 and (dataset.has_levels or (dataset.offset, dataset.scale) == (0, 1))


def _network(shape: tuple[int, int, int]) -> tuple[str, str]:
    _, height, width = shape
    if min(height, width) >= 16:
        return "convolutional", f"{height}x{width} images are large enough for convolutions"
    return "dense", f"{height}x{width} is too small for convolutions"
