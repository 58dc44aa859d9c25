"""Mixtures of common factor analyzers, fitted by expectation maximization (Baek, McLachlan and Flack 2010),

    p(c) = w_c,        z | c ~ N(m_c, S_c),        x | z ~ N(W z + b, diag(psi)).

With one component this is factor analysis. With as many factors as columns it is a mixture of Gaussians with
full covariances. It is a variational autoencoder with linear networks and an exact posterior, so a VAE of a
table starts from it.

Departures from maximum likelihood keep small tables from overfitting. Each S_c is shrunk to the pooled
covariance within the components, with the weight of d + 2 rows (an inverse Wishart prior); psi has a floor.
One component may stay broad, for rows that are unlike all others: many tables have heavy tails, and a few
such rows can decide the mean log-density. The numbers of factors and of components, and whether one is
broad, are those with the best cross-validated log-density.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_LOG_2PI = math.log(2 * math.pi)
MAX_ROWS = 2000  # rows that the cross-validation uses
MAX_FACTORS = 24
BROAD, BROAD_SHARE = 3.0, 0.05  # of the broad component: its width, and its first share of the rows
LEAST_GAIN = 0.01, 0.005  # nats per row, of each further component and factor
LITTLE_NOISE = 1e-3  # variance, as a share of that of the column
COMPONENTS: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16)
MANY_COLUMNS = 8  # above, fewer pairs of factors and components are tried
VERY_MANY_COLUMNS = 150  # above, few numbers of factors, and a single split


@dataclass(frozen=True)
class CommonFactors:
    """The parameters of a mixture of common factor analyzers with D columns, d factors and C components.

    Attributes:
        weights: w, (C,).
        means: m, (C, d).
        covariances: S, (C, d, d).
        loadings: W, (D, d).
        center: b, (D,).
        noise: psi, (D,), variances.

    >>> x = np.random.default_rng(0).normal(size=(500, 1)) @ np.ones((1, 3))
    >>> fit_common_factors(x + np.random.default_rng(1).normal(size=(500, 3)), 1).loadings.shape
    (3, 1)
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    loadings: np.ndarray
    center: np.ndarray
    noise: np.ndarray

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x) (N,) of rows x (N, D)."""
        from scipy.special import logsumexp

        return logsumexp(_posterior(self, x).joint, axis=1)

    def rotated(self) -> CommonFactors:
        """The same density with factors for which W^T diag(1 / psi) W is diagonal."""
        _, axes = np.linalg.eigh((self.loadings.T / self.noise) @ self.loadings)
        covariances = axes.T @ self.covariances @ axes
        return CommonFactors(
            self.weights, self.means @ axes, covariances, self.loadings @ axes, self.center, self.noise
        )

    @property
    def factor_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and the standard deviation of each factor, (d,) and (d,)."""
        mean = self.weights @ self.means
        second = self.weights @ (np.diagonal(self.covariances, axis1=1, axis2=2) + self.means**2)
        return mean, np.sqrt(np.maximum(second - mean**2, 1e-12))


@dataclass(frozen=True)
class _Posterior:
    """p(c, z | x) of N rows: log w_c p_c(x) (N, C), means (C, N, d) and covariances (C, d, d) of z."""

    joint: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def _posterior(model: CommonFactors, x: np.ndarray) -> _Posterior:
    scaled = model.loadings.T / model.noise
    residual = x - model.center
    target = residual @ scaled.T
    precision = np.linalg.inv(model.covariances)
    covariances = np.linalg.inv(precision + scaled @ model.loadings)
    pulled = np.einsum("cde,ce->cd", precision, model.means)
    h = target[None] + pulled[:, None]
    means = h @ covariances
    square = (
        (residual**2 / model.noise).sum(1)[:, None]
        + np.einsum("cd,cd->c", pulled, model.means)
        - np.einsum("cnd,cnd->nc", h, means)
    )
    log_det = np.log(model.noise).sum() + (
        np.linalg.slogdet(model.covariances)[1] - np.linalg.slogdet(covariances)[1]
    )
    joint = np.log(model.weights) - 0.5 * (square + log_det + x.shape[1] * _LOG_2PI)
    return _Posterior(joint, means, covariances)


def fit_common_factors(
    x: np.ndarray,
    factors: int,
    components: int = 1,
    floor: np.ndarray | float = 1e-6,
    seed: int = 0,
    iterations: int = 100,
    tolerance: float = 1e-4,
    broad: bool = False,
) -> CommonFactors:
    """Fit the model to rows x.

    Args:
        x: (N, D), without missing values.
        factors, components: d and C.
        floor: the smallest psi, a number or (D,).
        seed: of the initial clusters, those of k-means in the space of the factors.
        iterations: the largest number of iterations.
        tolerance: nats per row; a smaller improvement ends the fit.
        broad: whether the last of several components stays as broad as all rows three times over. It holds
            rows that are unlike the others, which would else have a very small density.

    Raises:
        ValueError: there are fewer rows than components, or no factor.

    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-4, 1, (200, 2)), rng.normal(4, 1, (200, 2))])
    >>> fit_common_factors(x, 1, components=2).weights.round(1)
    array([0.5, 0.5])
    """
    from scipy.special import logsumexp

    if factors < 1 or components < 1 or len(x) < components:
        raise ValueError(
            f"expected at least one factor and at most {len(x)} components, the number of rows; got "
            f"{factors} and {components}"
        )
    floor = np.broadcast_to(np.asarray(floor, float), x.shape[1:])
    model = _factor_analysis(x, factors, floor, max(iterations, 100), tolerance / 10)
    if components == 1:
        return model
    if factors == x.shape[1]:
        model = _all_factors(x, floor)
    single = _posterior(model, x)
    weights = _clusters(single.means[0], components - broad, seed)
    if broad:
        weights = np.concatenate([weights * (1 - BROAD_SHARE), np.full((len(x), 1), BROAD_SHARE)], 1)
    posterior = _Posterior(single.joint, np.repeat(single.means, components, 0), single.covariances)
    last = -math.inf
    for _ in range(iterations):
        model = _maximize(x, weights, posterior, floor, broad)
        posterior = _posterior(model, x)
        log_density = logsumexp(posterior.joint, axis=1)
        weights = np.exp(posterior.joint - log_density[:, None])
        if log_density.mean() - last < tolerance:
            break
        last = log_density.mean()
    return model


def _clusters(z: np.ndarray, components: int, seed: int) -> np.ndarray:
    """Hard assignments (N, C) of factors by k-means."""
    from sklearn.cluster import KMeans

    spread = np.maximum(z.std(0), 1e-9)
    labels = KMeans(components, n_init=2, random_state=seed).fit_predict(z / spread)
    return np.eye(components)[labels]


def _factor_analysis(
    x: np.ndarray, factors: int, floor: np.ndarray, iterations: int, tolerance: float
) -> CommonFactors:
    """Maximum likelihood by fixed-point iteration on psi (Barber 2012, section 21.2.2)."""
    from scipy.linalg import eigh

    center = x.mean(0)
    covariance = (x - center).T @ (x - center) / len(x)
    variance = np.maximum(np.diagonal(covariance), floor)
    noise, last = np.maximum(variance / 2, floor), -math.inf
    for _ in range(iterations):
        sigma = np.sqrt(noise)
        scaled = covariance / np.outer(sigma, sigma)
        top, vectors = eigh(scaled, subset_by_index=[max(len(scaled) - factors, 0), len(scaled) - 1])
        loadings = sigma[:, None] * vectors * np.sqrt(np.maximum(top - 1, 0))
        kept = np.maximum(top, 1)
        rest = np.trace(scaled) - top.sum()
        log_density = -0.5 * (np.log(kept).sum() + (top / kept).sum() + rest + np.log(noise).sum())
        noise = np.maximum(variance - (loadings**2).sum(1), floor)
        if log_density - last < tolerance:
            break
        last = log_density
    eye = np.eye(loadings.shape[1])
    return CommonFactors(np.ones(1), np.zeros((1, len(eye))), eye[None], loadings, center, noise)


def _all_factors(x: np.ndarray, floor: np.ndarray) -> CommonFactors:
    """A Gaussian with a factor per column and little noise, which the iterations would lower slowly."""
    covariance = np.cov(x, rowvar=False, bias=True).reshape(x.shape[1], -1)
    noise = np.maximum(floor, LITTLE_NOISE * np.diagonal(covariance))
    covariance = covariance + np.diag(np.maximum(noise, 1e-9))
    return CommonFactors(
        np.ones(1), np.zeros((1, x.shape[1])), covariance[None], np.eye(x.shape[1]), x.mean(0), noise
    )


def _maximize(
    x: np.ndarray, weights: np.ndarray, at: _Posterior, floor: np.ndarray, broad: bool
) -> CommonFactors:
    """The parameters that maximize the expected log-density under a posterior."""
    (n, components), d = weights.shape, at.means.shape[2]
    rows = weights.sum(0) + 1e-9
    weighted = at.means * weights.T[:, :, None]
    means = weighted.sum(1) / rows[:, None]
    offset = at.means - means[:, None]
    scatter = (offset * weights.T[:, :, None]).transpose(0, 2, 1) @ offset
    scatter = scatter + rows[:, None, None] * at.covariances
    pooled = scatter.sum(0) / n / components ** (2 / d)  # of C clusters that share the volume
    covariances = (scatter + (d + 2) * pooled) / (rows + d + 2)[:, None, None]
    covariances = covariances + 1e-9 * np.trace(pooled) / d * np.eye(d)

    if broad:
        mean = weighted.sum((0, 1)) / n
        apart = means - mean
        means[-1] = mean
        total = (scatter.sum(0) + (apart.T * rows) @ apart) / n
        covariances[-1] = BROAD**2 * total

    z = np.concatenate([weighted.sum(0), np.ones((n, 1))], 1)  # regression of x on z and a constant
    second = np.zeros((d + 1, d + 1))
    second[:d, :d] = (weighted.transpose(0, 2, 1) @ at.means).sum(0) + (
        rows[:, None, None] * at.covariances
    ).sum(0)
    second[d, :], second[:, d] = z.sum(0), z.sum(0)
    second += 1e-9 * np.trace(second) / (d + 1) * np.eye(d + 1)
    cross = z.T @ x
    coefficients = np.linalg.solve(second, cross)
    noise = ((x**2).sum(0) - (coefficients * cross).sum(0)) / n
    shares = (rows + 1) / (n + components)
    return CommonFactors(
        shares, means, covariances, coefficients[:d].T, coefficients[d], np.maximum(noise, floor)
    )


@dataclass(frozen=True)
class Choice:
    """The numbers of factors and components that cross-validation chose.

    Attributes:
        factors, components: d and C.
        scores: the mean held-out log-density of each (d, C) that was tried, in nats per row.
    """

    factors: int
    components: int
    scores: dict[tuple[int, int], float]


def choose_common_factors(
    x: np.ndarray, floor: np.ndarray | float = 1e-6, seed: int = 0, factors: int | None = None
) -> Choice:
    """Choose the numbers of factors and of components by the cross-validated log-density.

    First the number of factors of factor analysis; then, for this number and larger ones, the number of
    components, which grows until the log-density falls twice. Each further component must gain 0.01
    nats per row, each further factor half of that.

    Args:
        x: (N, D), without missing values; of more than 2000 rows, a random part is used.
        floor: the smallest psi.
        seed: of the folds and clusters.
        factors: d, where it is given; then only the number of components is chosen.

    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-4, 1, (200, 3)), rng.normal(4, 1, (200, 3))])
    >>> choose_common_factors(x).components
    2
    """
    rng = np.random.default_rng(seed)
    x = x[rng.permutation(len(x))[:MAX_ROWS]]
    n, d_max = len(x), max(1, min(x.shape[1], MAX_FACTORS))
    wide = x.shape[1] > VERY_MANY_COLUMNS
    folds = _folds(n)[: 1 if wide else None]
    scores: dict[tuple[int, int], float] = {}

    def score(factors: int, components: int) -> float:
        if (factors, components) not in scores:
            scores[factors, components] = max(
                _held_out(x, folds, factors, components, floor, seed, broad)
                for broad in ((False, True) if components > 1 else (False,))
            )
        return scores[factors, components]

    sizes = [d for d in ((2, 8) if wide else (1, 2, 3, 4, 6, 8, 12, 16)) if d < d_max - 1]
    sizes += [d for d in ((d_max,) if wide else (d_max - 1, d_max)) if d >= 1]
    sizes = sizes if factors is None else [factors]
    best = max(sizes, key=lambda d: score(d, 1) - LEAST_GAIN[1] * d)
    larger = [d for d in sizes if d > best]
    tried = COMPONENTS
    for factors in dict.fromkeys([best, *larger[:1], *larger[-1:]]):
        falls = 0
        for before, components in pairwise(tried):
            if n < 10 * components or falls == 2:
                break
            falls = falls + 1 if score(factors, components) < score(factors, before) else 0
        if x.shape[1] > MANY_COLUMNS:  # the best number so far, and its neighbors
            at = COMPONENTS.index(_best(scores)[1])
            tried = COMPONENTS[max(at - 1, 0) : at + 2]
    return Choice(*_best(scores), scores)


def fit_with_or_without_tails(
    x: np.ndarray, factors: int, components: int, floor: np.ndarray | float = 1e-6, seed: int = 0
) -> CommonFactors:
    """Fit the model with a broad component or without one, whichever has the better held-out log-density.

    Args:
        x: (N, D), without missing values.
        factors, components: d and C.
        floor: the smallest psi.
        seed: of the folds and clusters.

    >>> x = np.random.default_rng(0).standard_t(2, size=(400, 3))
    >>> model = fit_with_or_without_tails(x, 2, 2)
    >>> widths = np.linalg.slogdet(model.covariances)[1]
    >>> bool(widths[1] > widths[0] + 2)
    True
    """
    broad = False
    if components > 1:
        rows = x[np.random.default_rng(seed).permutation(len(x))[:MAX_ROWS]]
        folds = _folds(len(rows))
        without, with_it = (
            _held_out(rows, folds, factors, components, floor, seed, broad) for broad in (False, True)
        )
        broad = with_it > without
    return fit_common_factors(x, factors, components, floor, seed, 200, broad=broad)


def _best(scores: dict[tuple[int, int], float]) -> tuple[int, int]:
    """The numbers of factors and components with the best score, after the least gain of each."""
    per_component, per_factor = LEAST_GAIN
    return max(scores, key=lambda at: scores[at] - per_factor * at[0] - per_component * at[1])


def _folds(n: int) -> Sequence[np.ndarray]:
    """Which rows are held out, in turn: a fifth of them; once only where there are many."""
    parts = 5 if n < 1500 else 1
    return [np.arange(n) % 5 == k for k in range(parts)]


def _held_out(
    x: np.ndarray, folds: Sequence[np.ndarray], factors: int, components: int, floor: np.ndarray | float,
    seed: int, broad: bool = False,
) -> float:  # fmt: skip
    """The mean log-density of held-out rows; -inf where a fit fails."""
    total, rows = 0.0, 0
    for held in folds:
        try:
            model = fit_common_factors(x[~held], factors, components, floor, seed, 50, 1e-3, broad)
        except (np.linalg.LinAlgError, ValueError):
            return -math.inf
        total += float(model.log_density(x[held]).sum())
        rows += int(held.sum())
    return total / rows if math.isfinite(total) else -math.inf


def fill_by_factors(x: np.ndarray, floor: np.ndarray | float = 1e-6, rounds: int = 5) -> np.ndarray:
    """Replace NaN by the conditional mean given the other values, under factor analysis of all rows.

    Args:
        x: (N, D); a column without any value becomes 0.
        floor: the smallest psi.
        rounds: how often the model is fitted to the filled rows.

    >>> z = np.random.default_rng(0).normal(size=200)
    >>> x = np.stack([z, z], 1)
    >>> x[0, 0] = np.nan
    >>> bool(abs(fill_by_factors(x)[0, 0] - z[0]) < 0.01)
    True
    """
    missing = np.isnan(x)
    with np.errstate(invalid="ignore"):
        means = np.nansum(x, 0) / np.maximum((~missing).sum(0), 1)
    filled = np.where(missing, means, x)
    rows = np.flatnonzero(missing.any(1))
    for _ in range(rounds if len(rows) and x.shape[1] > 1 else 0):
        model = _factor_analysis(
            filled, min(x.shape[1] - 1, 8), np.broadcast_to(np.asarray(floor, float), x.shape[1:]), 30, 1e-3
        )
        covariance = model.loadings @ model.loadings.T + np.diag(model.noise)
        for row in rows:
            gap, known = missing[row], ~missing[row]
            gain = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, gap)])
            filled[row, gap] = model.center[gap] + (filled[row, known] - model.center[known]) @ gain
    return filled
