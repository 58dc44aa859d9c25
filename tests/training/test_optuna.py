"""The example of a search with Optuna runs, and stops trials that fall behind."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "optuna_search.py"


@pytest.mark.slow
def test_the_example_finds_enough_latents_and_prunes():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spec = importlib.util.spec_from_file_location("optuna_search", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    study = example.search(n_trials=12)
    states = [trial.state.name for trial in study.trials]
    assert states.count("PRUNED") >= 1
    assert set(states) == {"PRUNED", "COMPLETE"}
    assert study.best_params["latent_dim"] >= 2  # the data have two
