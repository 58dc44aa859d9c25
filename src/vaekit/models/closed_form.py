"""Start a VAE of a table from a closed form: a mixture of common factor analyzers of its training rows.

The linear parts of the networks get the parameters of `CommonFactors`, after a rotation of the factors that
makes W^T diag(1 / psi) W = diag(g) diagonal. The encoder's factor is then exact,

    t(x) = diag(1 / g) W^T diag(1 / psi) (x - b),        R = diag(1 / g),

and before the first step the bound of real columns equals log p(x) of that model. Training can only be better
than factor analysis on the validation rows, if the best weights are kept. For integers, counts and categories
the start is an approximation: categories are one-hot vectors, whose log-odds are linear in z near the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.models.columns import ColumnsHead, integer_step, sigma_floor
from vaekit.models.common_factors import (
    MAX_FACTORS,
    Choice,
    CommonFactors,
    choose_common_factors,
    fill_by_factors,
    fit_with_or_without_tails,
)
from vaekit.models.factor_mixture import FactorMixture, MessageHead
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.columns import ColumnFeatures, OnFeatures
from vaekit.nn.tabular import Tabular
from vaekit.spec import Column

MAX_FIT_ROWS = 20_000  # rows that the final fit uses
MAX_PER_WORDS = 2  # latents that a column of words adds
LEAST_NOISE = 1e-2  # psi of a one-hot category
RARE = 0.05  # frequency below which the log-odds of a category are not linearized further
SMALL = 1e-6


def choose_sizes(
    columns: Sequence[Column], x: np.ndarray, seed: int = 0, factors: int | None = None
) -> Choice:
    """The numbers of latents and of mixture components for a table, by cross-validation.

    Only numbers are cross-validated: the density of one-hot vectors grows without limit with every component
    that holds one word only. Each column of words adds up to two latents.

    Args:
        columns: of the table.
        x: (N, D), training rows as model values, NaN where missing.
        seed: of the folds.
        factors: the number of latents, where it is given.

    >>> x = np.random.default_rng(0).normal(size=(200, 1)) @ np.ones((1, 4))
    >>> x += 0.5 * np.random.default_rng(1).normal(size=(200, 4))
    >>> choice = choose_sizes([Column(f"x{j}") for j in range(4)], x)
    >>> choice.factors, choice.components
    (1, 1)
    """
    numbers = [j for j, column in enumerate(columns) if column.is_numeric]
    words = [len(column.categories) for column in columns if not column.is_numeric]
    more = sum(min(size - 1, MAX_PER_WORDS) for size in words)
    if not numbers:
        return Choice(factors or max(1, min(more, MAX_FACTORS)), 1, {})
    features, floor = _features([columns[j] for j in numbers], x[:, numbers], seed, MAX_FIT_ROWS)
    if factors is not None:
        known = choose_common_factors(features, floor, seed, min(factors, features.shape[1], MAX_FACTORS))
        return replace(known, factors=factors)
    choice = choose_common_factors(features, floor, seed)
    return replace(choice, factors=min(choice.factors + more, max(choice.factors, MAX_FACTORS)))


@torch.no_grad()
def start_from_factors(model: VAE, x: Tensor, seed: int = 0) -> CommonFactors | None:
    """Set the weights of a model of a table to the closed form for training rows.

    The model needs the likelihood `columns` and tabular networks, one latent layer, and either the prior
    `factor_mixture` with the posterior `message`, or the prior `standard_normal` with the posterior
    `gaussian`.

    Args:
        model: changed in place, unless it is of another kind.
        x: (N, D), training rows as model values, NaN where missing.
        seed: of the initial clusters.

    Returns:
        What was fitted, rotated; None if the model is of another kind, and unchanged.
    """
    if not _applies(model, len(x)):
        return None
    decoder: Any = model.decoder
    head, prior, encoder = decoder.head, model.prior.layers[0], model.encoder.layers[0]
    components = len(prior.logits) if isinstance(prior, FactorMixture) else 1
    features, floor = _features(head.columns, x.double().cpu().numpy(), seed, MAX_FIT_ROWS)
    factors = fit_with_or_without_tails(features, model.latent_dim, components, floor, seed).rotated()
    if isinstance(prior, FactorMixture):
        prior.set_(*(torch.from_numpy(a) for a in (factors.weights, factors.means, factors.covariances)))
    _set_encoder(_on_rows(encoder.network), factors, features, exact=isinstance(encoder.head, MessageHead))
    _set_decoder(decoder.network, head, factors, features)
    return factors


def _on_rows(network: Any) -> Any:
    """The network of an encoder, without the features before it."""
    return network.network if isinstance(network, OnFeatures) else network


def _applies(model: VAE, rows: int) -> bool:
    if len(model.layer_dims) != 1 or rows < 3 or not isinstance(model.decoder, torch.nn.Module):
        return False
    encoder, prior = model.encoder.layers[0], model.prior.layers[0]
    network = _on_rows(getattr(encoder, "network", None))
    parts = (
        isinstance(getattr(model.decoder, "head", None), ColumnsHead)
        and isinstance(getattr(model.decoder, "network", None), Tabular)
        and isinstance(network, Tabular)
    )
    exact = isinstance(prior, FactorMixture) and isinstance(encoder.head, MessageHead)
    return parts and (exact or isinstance(prior, StandardNormal)) and model.latent_dim >= 1


def _features(
    columns: Sequence[Column], x: np.ndarray, seed: int, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Features of at most `limit` rows (N, F), with filled gaps, and the floors of their psi (F,)."""
    rows = np.random.default_rng(seed).permutation(len(x))[:limit]
    chosen, module = torch.from_numpy(np.asarray(x[rows], np.float64)), ColumnFeatures(columns)
    source = module.source.numpy()
    features = np.where(np.isnan(chosen.numpy())[:, source], np.nan, module(chosen).numpy())
    by_column = [
        2 * sigma_floor(c) ** 2
        if c.kind == "real"
        else max(1e-4, integer_step(c) ** 2 / 12)
        if c.is_numeric
        else LEAST_NOISE
        for c in columns
    ]
    floor = np.array(by_column)[source]
    return fill_by_factors(features, floor), floor


def _set_encoder(network: Tabular, factors: CommonFactors, features: np.ndarray, exact: bool) -> None:
    scaled = factors.loadings.T / factors.noise
    precision = np.maximum(np.diagonal(scaled @ factors.loadings), SMALL)
    total = precision if exact else precision + 1  # the posterior N(0, I) times the factor
    weight = scaled / total[:, None]
    log_scale = -0.5 * np.log(total) if exact else -np.log(total)  # log sigma, or log sigma^2
    zeros = np.zeros_like(weight)
    _set(
        network,
        np.concatenate([weight, zeros]),
        np.concatenate([-weight @ factors.center, log_scale]),
        features.mean(0),
        features.std(0),
        np.concatenate([np.minimum(total**-0.5, 1.0), np.ones(len(total))]),
    )


def _set_decoder(network: Tabular, head: ColumnsHead, factors: CommonFactors, features: np.ndarray) -> None:
    source = ColumnFeatures(head.columns).source.numpy()
    place = [np.flatnonzero(source == j) for j in range(len(head.columns))]
    mean, spread = factors.factor_moments
    rows: list[tuple[np.ndarray, float, float]] = []  # weights, bias, unit
    flat = np.zeros(factors.loadings.shape[1])
    of = lambda j: place[j][0]
    linear = lambda j: (factors.loadings[of(j)], factors.center[of(j)], factors.noise[of(j)] ** 0.5)
    for numbers in (head.real, head.integer):
        rows += [linear(j) for j in numbers]
        rows += [(flat, _raw_sigma(head.columns[j], factors.noise[of(j)]), 1.0) for j in numbers]
    rows += [linear(j) for j in head.count]
    rows += [(flat, _log_size(head.columns[j], factors.noise[of(j)]), 1.0) for j in head.count]
    for j in head.categories:
        share = np.maximum(features[:, place[j]].mean(0), 1e-3)
        weight = factors.loadings[place[j]] / np.maximum(share, RARE)[:, None]
        bias = np.log(share) - weight @ mean
        rows += [(w, b, 1.0) for w, b in zip(weight, bias, strict=True)]
    weights, biases, units = (np.array(part) for part in zip(*rows, strict=True))
    _set(network, weights, biases, mean, spread, units)


def _raw_sigma(column: Column, noise: float) -> float:
    """The network's output for sigma^2 = psi, of which the floor and the rounding are already a part."""
    floor = sigma_floor(column) ** 2
    rounding = integer_step(column) ** 2 / 12 if column.kind == "integer" else 0.0
    return 0.5 * float(np.log(max(noise - floor - rounding, 0.1 * floor)))


def _log_size(column: Column, noise: float) -> float:
    """log r of a count with the variance mu + mu^2 / r = psi, in units of the data."""
    mean = max(column.offset, 0.5)
    excess = max(noise * column.scale**2 - mean, 1e-3 * mean)
    return float(np.log(mean**2 / excess))


def _set(network: Tabular, *arrays: np.ndarray) -> None:
    weight, bias, center, spread, unit = (torch.from_numpy(np.asarray(a, np.float64)) for a in arrays)
    network.set_(weight, bias, center, spread.clamp_min(SMALL), unit)
