"""Estimators for scikit-learn: `VAE`, `VAEAnomalyDetector` and `VAEImputer`, for tables of numbers.

Each fits a model by `vaekit.fit` and keeps it as `model_`, a `vaekit.TrainedModel`. Rows may lack values
(NaN). Parameters that are None are chosen for the data; all other keys of a recipe are `overrides`.

A row's result depends on the row and the fitted model alone, and never on the other rows: means are computed
in float64, and what is estimated from samples uses the same noise for every row.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from vaekit.config.overrides import as_overrides
from vaekit.data.dataset import Dataset
from vaekit.data.tables.arrays import array_table
from vaekit.engine.fit import fit
from vaekit.errors import InvalidError
from vaekit.evaluation.anomaly import RowTerms, measure_rows
from vaekit.evaluation.anomaly_views import TableViews
from vaekit.models.from_noise import noise_size
from vaekit.models.imputation import impute
from vaekit.models.vae import VAE as Model
from vaekit.training.display import SilentLogger
from vaekit.utils.random import derive_seed, seeded

__all__ = ["VAE", "VAEAnomalyDetector", "VAEImputer"]

BATCH = 100  # rows
MAX_REFERENCE = 5000  # rows of the training data that anomalies are compared with


class _Estimator(BaseEstimator):
    """Fits a model to rows, and measures rows with it."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "latent_dim": [Interval(Integral, 1, None, closed="left"), None],
        "prior": [str, dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left"), None],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "recipe": [str, object, None],
        "overrides": [dict, list, None],
        "random_state": ["random_state"],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        prior: Any = None,
        epochs: int | None = None,
        n_samples: int = 100,
        recipe: Any = None,
        overrides: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.latent_dim = latent_dim
        self.prior = prior
        self.epochs = epochs
        self.n_samples = n_samples
        self.recipe = recipe
        self.overrides = overrides
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: Any) -> np.ndarray:
        """Fit the model, and return the rows (N, D) in float64."""
        self._validate_params()
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        names = tuple(getattr(self, "feature_names_in_", ()))
        table = array_table(values, "X", names)
        dataset = Dataset(
            "X", "X", table.values, None, (), source="X", layout=(), columns=table.columns, scaled=False
        )
        named = {
            "model.latent_dim": self.latent_dim,
            "model.prior": self.prior,
            "training.epochs": self.epochs,
        }
        changes = {"training.seed": self._seed, "data.seed": self._seed}
        changes |= {key: value for key, value in named.items() if value is not None}
        self.model_ = fit(
            dataset,
            recipe=self.recipe,
            overrides=[*as_overrides(self.overrides or ()), *as_overrides(changes)],
            log=None if self.verbose else SilentLogger(),
        )
        return values

    def _rows(self, X: Any) -> np.ndarray:
        """Rows (N, D) in float64, of the columns that the model was fitted to."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)

    def _model(self) -> Model:
        """The model in float64, so that a row's result does not depend on its batch beyond rounding."""
        return copy.deepcopy(self.model_.model).double()

    def _batches(self, values: np.ndarray) -> Iterator[tuple[Tensor, None]]:
        """Rows as model values (B, D) in float64, without labels."""
        preprocessing = self.model_.preprocessing
        assert preprocessing is not None  # a table has one
        x = torch.from_numpy(preprocessing.to_model(values)).double()
        return ((batch, None) for batch in x.split(BATCH))

    def _terms(self, values: np.ndarray) -> RowTerms:
        """What the model says of rows (N, D), from the same noise for every row."""
        model = self._model()
        with torch.no_grad():
            first, _ = next(self._batches(values))
            size = noise_size(model.encode(first[:1]))
        with seeded(derive_seed(self._seed, "noise")):
            noise = torch.randn(self.n_samples, size, dtype=torch.float64)
        return measure_rows(model, self._batches(values), self.n_samples, noise=noise)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _Estimator):
    """A variational autoencoder: rows to latents and back, their log-likelihood, and new rows.

    Args:
        latent_dim: d, the number of latents; chosen by cross-validation if None, which takes longer.
        prior: the prior by name, such as "vamp", or a dict with its options.
        epochs: at most so many; the epoch with the best bound on a tenth of the rows is kept.
        n_samples: K, importance samples per row for the log-likelihood.
        recipe: the name or file of a recipe, or a `vaekit.Recipe`, in place of the proposed one.
        overrides: any other keys of the recipe, as for `vaekit.fit`.
        random_state: of everything that is random.
        verbose: whether to show the progress of training.

    Attributes:
        model_: the fitted `vaekit.TrainedModel`.
        n_features_in_, feature_names_in_: the columns that it was fitted to.

    >>> X = np.random.default_rng(0).normal(size=(100, 1)) @ np.ones((1, 3))
    >>> X += 0.1 * np.random.default_rng(1).normal(size=X.shape)
    >>> vae = VAE(latent_dim=1, epochs=2, random_state=0).fit(X)
    >>> Z = vae.transform(X)
    >>> Z.shape, vae.inverse_transform(Z).shape, vae.score_samples(X).shape, vae.sample(5).shape
    ((100, 1), (100, 3), (100,), (5, 3))
    """

    def fit(self, X: Any, y: Any = None) -> VAE:
        """Fit the model to rows (N, D); y is ignored.

        Raises:
            ValueError: rows and parameters do not fit together.
        """
        self._fit(X)
        return self

    @torch.no_grad()
    def transform(self, X: Any) -> np.ndarray:
        """The means of q(z | x), (N, d)."""
        values, model = self._rows(X), self._model()
        return np.concatenate([model.encode(x).mean.numpy() for x, _ in self._batches(values)])

    @torch.no_grad()
    def inverse_transform(self, Z: Any) -> np.ndarray:
        """The means of p(x | z), (N, D), in the units of the data, for latents (N, d).

        Raises:
            ValueError: Z has another number of columns.
        """
        check_is_fitted(self)
        latents = check_array(Z, dtype=np.float64)
        if latents.shape[1] != self._n_features_out:
            raise ValueError(f"Z: expected {self._n_features_out} columns, got {latents.shape[1]}")
        model = self._model()
        parts = torch.from_numpy(latents).split(BATCH)
        return self.model_.to_data(np.concatenate([model.decode(z).mean.numpy() for z in parts]))

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(x) of each row in nats, (N,), bounded from below by importance sampling."""
        return self._terms(self._rows(X)).log_likelihood

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of log p(x) over rows, in nats: higher is better."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """New rows (n_samples, D): z from the prior, then x from p(x | z)."""
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return np.asarray(self.model_.to_data(self._draw(n_samples, seed)))

    def _draw(self, n: int, seed: int) -> np.ndarray:
        return self.model_.model.sample(n, seed=seed, sample_pixels=True).double().cpu().numpy()

    @property
    def _n_features_out(self) -> int:
        return self.model_.model.latent_dim


class VAEAnomalyDetector(OutlierMixin, _Estimator):
    """Finds the rows that are unlike the others, by the anomaly score of `vaekit score`.

    The default score is the mean surprise of three views: the likelihood of the model, the distance to the
    nearest training rows, and the distance from their ellipsoid; see `vaekit.evaluation.anomaly_views`.

    Args:
        contamination: the share of the training rows that the threshold makes outliers, up to 0.5.
        method: "views", or one of them: "likelihood", "neighbors", "ellipsoid".
        n_samples: K, posterior samples per row.
        latent_dim, prior, epochs, recipe, overrides, random_state, verbose: as for `VAE`.

    Attributes:
        offset_: `decision_function` is `score_samples` minus this.
        decision_scores_: (N,), the anomaly scores of the training rows, higher is odder, as in PyOD.
        threshold_: the score above which a row is an outlier, as in PyOD.
        labels_: (N,), 1 for the outliers among the training rows, else 0, as in PyOD.
        model_, n_features_in_, feature_names_in_: as for `VAE`.

    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> X[7] = 9.0
    >>> detector = VAEAnomalyDetector(contamination=0.01, latent_dim=1, epochs=2, random_state=0).fit(X)
    >>> int(detector.decision_scores_.argmax()), np.flatnonzero(detector.predict(X) == -1)
    (7, array([7]))
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Estimator._parameter_constraints,
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
        "method": [StrOptions({"views", "likelihood", "neighbors", "ellipsoid"})],
    }

    def __init__(
        self,
        contamination: float = 0.1,
        *,
        method: str = "views",
        latent_dim: int | None = None,
        prior: Any = None,
        epochs: int | None = None,
        n_samples: int = 64,
        recipe: Any = None,
        overrides: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.contamination = contamination
        self.method = method
        super().__init__(
            latent_dim, prior=prior, epochs=epochs, n_samples=n_samples, recipe=recipe, overrides=overrides,
            random_state=random_state, verbose=verbose,
        )  # fmt: skip

    def fit(self, X: Any, y: Any = None) -> VAEAnomalyDetector:
        """Fit the model and the threshold to rows (N, D); y is ignored.

        Raises:
            ValueError: rows and parameters do not fit together.
        """
        values = self._fit(X)
        terms = self._terms(values)
        chosen = np.random.default_rng(self._seed).permutation(len(values))[:MAX_REFERENCE]
        self._views = TableViews(terms.take(np.sort(chosen)), self.model_.columns, self._seed)
        if self.method not in ("views", *self._views.names):
            raise InvalidError(f"method {self.method!r}: the rows have too many columns for it; use views")
        self.decision_scores_ = self._score(terms)
        self.threshold_ = float(np.percentile(self.decision_scores_, 100 * (1 - self.contamination)))
        self.offset_ = -self.threshold_
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def _score(self, terms: RowTerms) -> np.ndarray:
        values = self._views.measure(terms)
        return self._views.score(values) if self.method == "views" else values[self.method]

    def score_samples(self, X: Any) -> np.ndarray:
        """The negative anomaly score of each row, (N,): lower is odder."""
        return -self._score(self._terms(self._rows(X)))

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` minus `offset_`, (N,): negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for outliers and 1 for inliers, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)


class VAEImputer(OneToOneFeatureMixin, TransformerMixin, _Estimator):
    """Fills missing values (NaN) by their mean given the observed values of the row.

    Args:
        n_samples: K, importance samples per row.
        latent_dim, prior, epochs, recipe, overrides, random_state, verbose: as for `VAE`.

    Attributes:
        model_, n_features_in_, feature_names_in_: as for `VAE`.

    >>> X = np.random.default_rng(0).normal(size=(200, 1)) @ np.ones((1, 3))
    >>> X += 0.01 * np.random.default_rng(1).normal(size=X.shape)
    >>> X[0] = [1.5, np.nan, 1.5]
    >>> VAEImputer(latent_dim=1, random_state=0).fit_transform(X)[0].round(1)
    array([1.5, 1.5, 1.5])
    """

    def __init__(
        self,
        latent_dim: int | None = None,
        *,
        prior: Any = None,
        epochs: int | None = None,
        n_samples: int = 200,
        recipe: Any = None,
        overrides: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ):
        super().__init__(
            latent_dim, prior=prior, epochs=epochs, n_samples=n_samples, recipe=recipe, overrides=overrides,
            random_state=random_state, verbose=verbose,
        )  # fmt: skip

    def fit(self, X: Any, y: Any = None) -> VAEImputer:
        """Fit the model to rows (N, D), with gaps or without; y is ignored.

        Raises:
            ValueError: rows and parameters do not fit together.
        """
        self._fit(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """A copy of the rows (N, D) without missing values; observed values stay as they are."""
        values = self._rows(X)
        filled, gaps = values.copy(), np.isnan(values)
        rows = np.flatnonzero(gaps.any(1))
        if len(rows):
            filled[gaps] = self._expected(values[rows])[gaps[rows]]
        return filled

    def _expected(self, values: np.ndarray) -> np.ndarray:
        """E[x | observed values] of rows (N, D), in units of the data."""
        model, seed = self._model(), derive_seed(self._seed, "imputation")
        means = [
            impute(model, x, samples=self.n_samples, seed=seed, same_noise=True).mean
            for x, _ in self._batches(values)
        ]
        return self.model_.to_data(torch.cat(means).numpy())
