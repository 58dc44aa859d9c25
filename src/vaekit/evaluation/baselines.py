"""Log-densities of simple models beside that of a VAE, fitted on the same training rows.

    Gaussian           one Gaussian with a full covariance matrix
    FactorAnalysis     a linear VAE: x = W z + b + noise with one deviation per column
    GaussianMixture    1 to 10 Gaussians with full covariances

The number of factors and of components is that with the largest log-density of the validation rows (of a
fifth of the training rows, if there are none). A VAE that is below these has learned less than they did.
All densities are in the units of the data. The noise of a column is at least a thousandth of its deviation:
where one column determines another, the density has no upper limit without such a floor.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaekit.errors import InvalidError
from vaekit.utils.format import count_of

MAX_COMPONENTS = 10
MAX_FACTORS = 20
LEAST_VARIANCE = 1e-6  # of the noise of standardized columns; that of scikit-learn's mixtures

Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Baseline:
    """The log-density of test rows under a simple model, in nats per row.

    Attributes:
        name: Gaussian, FactorAnalysis or GaussianMixture, with its size.
        log_density: the mean over the test rows.
        stderr: its standard error over the rows.
        gain: the mean of the model's log-likelihood minus this one, row by row; None if it is not known.
        gain_stderr: the standard error of that difference.

    >>> Baseline("Gaussian", -8.1, 0.1, 0.5, 0.02).gain
    0.5
    """

    name: str
    log_density: float
    stderr: float | None
    gain: float | None = None
    gain_stderr: float | None = None


def baselines(
    train: np.ndarray,
    validation: np.ndarray,
    test: np.ndarray,
    log_likelihood: np.ndarray | None = None,
    seed: int = 0,
) -> list[Baseline]:
    """Fit the three baselines and score the test rows.

    Args:
        train, validation, test: rows (n, D) of real numbers in units of the data. Training and validation
            rows with missing values are left out; a test row with one is an error.
        log_likelihood: of the test rows under the model, (n,), to compare with.
        seed: of the mixtures.

    Raises:
        InvalidError: fewer than 5 training rows are complete, or a test row is not.

    >>> rows = np.random.default_rng(0).normal(size=(300, 2))
    >>> found = baselines(rows[:200], rows[200:250], rows[250:])
    >>> found[0].name, abs(found[0].log_density + 2.84) < 0.3  # of N(0, I) in two dimensions
    ('Gaussian', True)
    """
    train, validation = (rows[~np.isnan(rows).any(1)] for rows in (train, validation))
    if len(train) < 5 or np.isnan(test).any():
        raise InvalidError(
            f"baselines: expected at least 5 complete training rows and complete test rows, got {len(train)} "
            "and test rows with missing values; leave --baselines out"
        )
    offset, scale = train.mean(0), train.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    train, validation, test = ((rows - offset) / scale for rows in (train, validation, test))
    if not len(validation):
        cut = max(1, len(train) // 5)
        train, validation = train[cut:], train[:cut]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn, about mixtures that do not converge
        for name, score in _fitted(train, validation, seed):
            found.append(_measured(name, score(test) - np.log(scale).sum(), log_likelihood))
    return found


def _fitted(train: np.ndarray, validation: np.ndarray, seed: int) -> Iterator[tuple[str, Score]]:
    from sklearn.decomposition import FactorAnalysis
    from sklearn.mixture import GaussianMixture

    one = GaussianMixture(1, random_state=seed).fit(train)
    yield "Gaussian", one.score_samples
    factors = range(1, min(train.shape[1], MAX_FACTORS, len(train) - 1) + 1)
    best = _best([FactorAnalysis(count, random_state=seed) for count in factors], train, validation)
    best.noise_variance_ = np.maximum(best.noise_variance_, LEAST_VARIANCE)
    yield f"FactorAnalysis, {count_of(best.n_components, 'factor')}", best.score_samples
    counts = [count for count in range(1, MAX_COMPONENTS + 1) if count < len(train)]
    best = _best([GaussianMixture(count, random_state=seed) for count in counts], train, validation)
    yield f"GaussianMixture, {count_of(best.n_components, 'component')}", best.score_samples


def _best(models: list[Any], train: np.ndarray, validation: np.ndarray) -> Any:
    """The fitted model with the largest log-density of the validation rows."""
    return max((model.fit(train) for model in models), key=lambda model: float(model.score(validation)))


def _measured(name: str, logs: np.ndarray, own: np.ndarray | None) -> Baseline:
    gain = None if own is None else own - logs
    return Baseline(
        name,
        float(logs.mean()),
        _stderr(logs),
        None if gain is None else float(gain.mean()),
        None if gain is None else _stderr(gain),
    )


def _stderr(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
