"""The estimators: scikit-learn's own checks, and results of a row that do not depend on other rows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import vaekit
from vaekit.sklearn import VAE, VAEAnomalyDetector, VAEImputer

QUICK = {"latent_dim": 1, "epochs": 2}
SMALL = {
    "latent_dim": 2,
    "prior": {"kind": "factor_mixture", "components": 2},
    "epochs": 3,
    "random_state": 0,
}
CANCER = load_breast_cancer()
X, LABELS = CANCER.data[:150, :5], CANCER.target[:150]


@pytest.mark.slow
@parametrize_with_checks(
    [VAE(**QUICK), VAEAnomalyDetector(n_samples=4, **QUICK), VAEImputer(n_samples=8, **QUICK)]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def vae() -> VAE:
    return VAE(**SMALL).fit(X)


@pytest.fixture(scope="module")
def gaps() -> np.ndarray:
    return np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)


@pytest.fixture(scope="module")
def imputer(gaps) -> VAEImputer:
    return VAEImputer(n_samples=50, **SMALL).fit(gaps)


@pytest.fixture(scope="module")
def detector() -> VAEAnomalyDetector:
    return VAEAnomalyDetector(contamination=0.06, n_samples=8, **SMALL).fit(X)


def test_a_row_does_not_depend_on_the_other_rows(vae, detector, imputer, gaps):
    rows = np.random.default_rng(1).permutation(len(X))[:20]
    for method in (vae.transform, vae.score_samples, detector.score_samples, detector.decision_function):
        np.testing.assert_allclose(method(X[rows]), method(X)[rows], rtol=1e-10, atol=1e-10)
    for method in (vae.transform, vae.score_samples, detector.score_samples, imputer.transform):
        np.testing.assert_allclose(method(gaps[rows]), method(gaps)[rows], rtol=1e-10, atol=1e-10)


def test_the_log_likelihood_is_that_of_the_model(vae):
    exact = vae.model_.log_likelihood(X, n_samples=2000)
    np.testing.assert_allclose(vae.score_samples(X), exact, atol=0.1)
    assert vae.score(X) == pytest.approx(exact.mean(), abs=0.02)
    np.testing.assert_allclose(vae.transform(X), vae.model_.encode(X), atol=1e-3)


def test_latents_come_back_as_rows_in_their_units(vae):
    back = vae.inverse_transform(vae.transform(X))
    assert np.mean(np.abs(back - X).mean(0) / X.std(0)) < 0.4
    drawn = vae.sample(2000, random_state=0)
    assert (np.abs(drawn.mean(0) - X.mean(0)) < 0.3 * X.std(0)).all()
    with pytest.raises(ValueError, match=r"Z: expected 2 columns, got 3"):
        vae.inverse_transform(np.zeros((4, 3)))


def test_the_threshold_makes_the_chosen_share_outliers(detector):
    assert (detector.predict(X) == -1).sum() == 9
    assert detector.labels_.sum() == 9
    np.testing.assert_array_equal(detector.labels_ == 1, detector.predict(X) == -1)
    np.testing.assert_allclose(-detector.decision_scores_, detector.score_samples(X))
    assert detector.threshold_ == -detector.offset_
    far = X.max(0, keepdims=True) * 10
    assert detector.score_samples(far) < detector.score_samples(X).min()


def test_gaps_are_filled_better_than_by_means_and_values_stay(imputer, gaps):
    filled, hidden = imputer.transform(gaps), np.isnan(gaps)
    np.testing.assert_array_equal(filled[~hidden], X[~hidden])
    error = lambda found: np.sqrt(np.square(((found - X) / X.std(0))[hidden]).mean())
    assert error(filled) < 0.7 * error(np.broadcast_to(np.nanmean(gaps, 0), X.shape))


def test_pipelines_frames_and_pickles(vae):
    frame = pd.DataFrame(X, columns=list("abcde"))
    pipeline = make_pipeline(clone(vae).set_output(transform="pandas"), LogisticRegression())
    pipeline.fit(frame, LABELS)
    latents = pipeline[:-1].transform(frame)
    assert list(latents.columns) == ["vae0", "vae1"]
    assert pipeline[0].model_.columns[3].name == "d"
    assert pipeline.score(frame, LABELS) > 0.8
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(vae)).transform(X), vae.transform(X))


@pytest.mark.slow
def test_a_grid_search_finds_the_better_model():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(300, 6))
    search = GridSearchCV(VAE(epochs=3, random_state=0), {"latent_dim": [1, 2]}, cv=2).fit(rows)
    assert search.best_params_ == {"latent_dim": 2}


def test_keys_of_a_recipe_are_overrides_and_wrong_ones_are_refused():
    model = VAE(2, prior="vamp", epochs=1, overrides={"hidden_sizes": [8]}, random_state=0)
    with pytest.raises(vaekit.VaekitError, match="hidden_sizes"):
        model.fit(X)
    model.set_params(overrides={"model.encoder.network.hidden_sizes": [8], "batch_size": 50}).fit(X)
    recipe = model.model_.recipe
    assert (recipe.model.prior.kind, recipe.training.batch_size) == ("vamp", 50)
    assert recipe.model.encoder.network.hidden_sizes == [8]
    assert np.isfinite(model.score(X))
