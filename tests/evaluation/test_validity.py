"""What is, and what is not, a log-likelihood of the data."""

import math

import numpy as np
import pytest

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.config.schema.data import observation_keys
from vaekit.data import Dataset
from vaekit.evaluation.results import Evaluation
from vaekit.evaluation.validity import annotate

NUMBERS = Evaluation(10, 5, -90.0, [25.0], -115.0, -100.0, 1.0, 2.0, 3.0, 1.0, 0.1, 0)


def dataset(dtype=np.uint8, scale=1.0):
    return Dataset("own", "Own", np.zeros((9, 1, 8, 8), dtype), None, (), {}, "here", (), 0.0, scale)


def annotated(likelihood, observation, posterior="gaussian", data=None, missing="none"):
    changes = [
        f"data.missing={missing}",
        f"model.decoder.likelihood={likelihood}",
        *(f"data.{key}={value}" for key, value in observation_keys(observation).items()),
    ]
    recipe = load_recipe("digits", [*changes, f"model.encoder.posterior={posterior}"])
    model = build_model(recipe.model, (1, 8, 8))
    kind = recipe.model.decoder.likelihood.kind
    return annotate(
        NUMBERS, model, data or dataset(), "test", recipe.data.observation, kind, recipe.data.hidden
    )


@pytest.mark.parametrize(
    ("likelihood", "observation"),
    [("bernoulli", o) for o in ("threshold", "static", "dynamic")]
    + [("discretized_logistic", "discrete"), ("categorical", "discrete")],
)
def test_matching_likelihoods_are_valid(likelihood, observation):
    result = annotated(likelihood, observation)
    assert result.is_likelihood
    assert result.caveats == []
    assert (result.split, result.observation, result.log_likelihood) == ("test", observation, -100.0)


@pytest.mark.parametrize("kind", ["poisson", "negative_binomial", "zero_inflated_negative_binomial"])
def test_numbers_of_counts_say_that_they_are_given_the_total(kind):
    given = annotated(kind, "counts")
    assert given.is_likelihood
    assert [caveat for caveat in given.caveats if "log p(x | total)" in caveat] == given.caveats != []
    free = annotated(f"{{kind: {kind}, offset: none}}", "counts")
    assert free.is_likelihood
    assert free.caveats == []


@pytest.mark.parametrize(
    ("likelihood", "observation", "words"),
    [
        ("bernoulli", "discrete", "over gray values it does not sum to 1"),
        ("bernoulli", "continuous", "over gray values it does not sum to 1"),
        ("gaussian", "dynamic", "the density can grow without limit"),
        ("continuous_bernoulli", "static", "the density can grow without limit"),
        ("gaussian", "continuous", "not a probability of the gray levels"),
        ("continuous_bernoulli", "discrete", "not a probability of the gray levels"),
        ("{kind: gaussian, sigma: 0.1}", "continuous", "sigma = 0.1 was chosen, not learned"),
        ("poisson", "continuous", "for counts 0, 1, 2, ..., but the observation is continuous"),
        ("gaussian", "counts", "for real values, but the observation is counts: it does not sum to 1"),
        ("discretized_logistic", "counts", "for discrete values, but the observation is counts"),
    ],
)
def test_invalid_likelihoods_are_labeled(likelihood, observation, words):
    result = annotated(likelihood, observation)
    assert not result.is_likelihood
    assert any(words in caveat for caveat in result.caveats)
    assert result.log_likelihood == -100.0


def test_an_autoencoder_has_no_bound():
    result = annotated("bernoulli", "dynamic", "delta")
    assert result.kl == []
    assert not result.is_likelihood
    assert (result.elbo, result.log_likelihood, result.bits_per_dimension) == (None, None, None)
    assert result.reconstruction == -90.0


def test_densities_of_rescaled_values_report_the_shift_in_original_units():
    result = annotated("gaussian", "continuous", data=dataset(np.float32, scale=10.0))
    assert result.is_likelihood
    assert f"add {-64 * math.log(10):.6g} nats" in result.caveats[0]


def test_missing_values_give_a_caveat():
    holes = dataset(np.float32, scale=10.0)
    holes.images[:] = np.random.default_rng(0).random(holes.images.shape)
    holes.images[0, 0, 0] = np.nan
    result = annotated("gaussian", "continuous", data=holes, missing="square:3")
    assert result.is_likelihood
    assert result.missing == "NaN in the data and square:3"
    units, part = result.caveats
    assert f"add {-math.log(10):.6g} nats for each observed value" in units
    assert part.endswith("log p(x_observed); missing: NaN in the data and square:3")
    assert annotated("bernoulli", "static").missing == ""
    assert annotated("bernoulli", "static", missing="half:top").missing == "half:top"
