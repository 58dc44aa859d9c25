"""The range test finds a learning rate, and trains a copy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import vaekit
from vaekit.cli import program
from vaekit.config.build import build_model
from vaekit.config.schema.model import ModelSettings
from vaekit.engine.learning_rate import LearningRateSearch, find_learning_rate
from vaekit.errors import InvalidError

X = np.random.default_rng(0).normal(size=(300, 3))


def test_the_suggestion_is_a_tenth_of_the_rate_of_the_lowest_smoothed_loss():
    losses = [5.0] * 50 + [1.0] * 50 + [50.0]
    search = LearningRateSearch(np.geomspace(1e-6, 1, 101).tolist(), losses)
    by_hand, mean = [], 0.0
    for t, loss in enumerate(losses):
        mean = 0.9 * mean + 0.1 * loss
        by_hand.append(mean / (1 - 0.9 ** (t + 1)))
    assert search.smoothed == pytest.approx(by_hand)
    assert search.suggestion == pytest.approx(search.rates[99] / 10)


def test_the_rate_rises_until_the_loss_diverges():
    search = find_learning_rate(recipe="digits", overrides=["data.train=400"], steps=60, max_rate=10.0)
    assert search.rates[0] == pytest.approx(1e-6)
    assert np.diff(np.log(search.rates)) == pytest.approx(np.log(1e7) / 59)
    assert len(search.losses) < 60
    assert 1e-3 < search.suggestion < 0.5


def test_a_model_that_starts_at_its_optimum_gets_the_rate_before_the_loss_rises():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 1)) @ rng.normal(size=(1, 3)) + 0.1 * rng.normal(size=(300, 3))
    search = find_learning_rate(rows, latent_dim=1, steps=60)
    assert 1e-4 < search.suggestion < 1e-2


def test_a_model_built_by_hand_does_not_change():
    own = build_model(ModelSettings(latent_dim=1), (3,))
    before = {name: value.clone() for name, value in own.state_dict().items()}
    find_learning_rate(X, model=own, steps=5, keep_start=False)
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_the_command_suggests_and_draws(tmp_path):
    file = tmp_path / "rates.png"
    words = ["lr", "digits", "data.train=100", "--steps", "12", "-o", str(file), "--json"]
    result = CliRunner().invoke(program, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert file.read_bytes()[:4] == b"\x89PNG"
    assert len(found["rates"]) == len(found["losses"]) <= 12


def test_numbers_out_of_range_are_one_line():
    with pytest.raises(InvalidError, match="0 < min_rate < max_rate"):
        vaekit.find_learning_rate(X, min_rate=1.0, max_rate=0.1)
