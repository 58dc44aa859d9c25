"""Training on images of which a part is missing: on what is there, and as repeatable as any."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from toy_runs import SHAPE, At, Killed, die, metrics, model, same, settings
from vaekit.data.dataset import Dataset
from vaekit.data.masks import pixels
from vaekit.data.observation import ObservedImages, observe
from vaekit.models.context import Context
from vaekit.models.objectives import Objective
from vaekit.training.batches import observed_mask
from vaekit.training.checkpoint import load_weights
from vaekit.training.loop import fit
from vaekit.training.metrics import validate


def images(n: int, training: bool, hidden: bool) -> ObservedImages:
    """Gray images of which a third is NaN; if `hidden`, half of the rest is hidden as well."""
    rng = np.random.default_rng(n)
    values = rng.random((n, *SHAPE), dtype=np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    data = Dataset("toy", "Toy", values, None, ())
    return observe(data, np.arange(n), "dynamic", training=training, missing=pixels() if hidden else None)


def train(directory, hidden: bool, resume: bool = False, log=None):
    train_set, validation = images(70, True, hidden), images(30, False, hidden)
    vae = model(seed=int(resume))
    return vae, fit(vae, Objective(), train_set, validation, settings(), directory, resume=resume, log=log)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_run_that_was_killed_ends_as_one_that_was_not(tmp_path, hidden):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    vae, outcome = train(whole, hidden)
    with pytest.raises(Killed):
        train(killed, hidden, log=At(7, die))
    again, _ = train(killed, hidden, resume=True)
    assert metrics(killed) == metrics(whole)
    assert same(load_weights(killed), load_weights(whole))
    assert same(again.state_dict(), vae.state_dict())
    records = metrics(whole)
    assert records[-1]["loss"] < records[0]["loss"]
    assert outcome.best is not None
    assert all(np.isfinite(value) for record in records for value in record.values() if type(value) is float)


def test_validation_counts_the_observed_part_alone():
    vae, objective, seen = model().eval(), Objective(), images(30, False, True)
    x = seen.all()
    found = validate(vae, objective, seen, 30, 5)
    with torch.no_grad():
        terms = vae.elbo_terms(x, Context(mask=~x.isnan()), seed=5)
    assert found["validation_elbo"] == pytest.approx(terms.elbo.mean().item(), rel=1e-5)


def test_complete_images_are_not_checked_for_nan():
    x = torch.full((2, *SHAPE), torch.nan)
    seen = images(30, False, True)
    assert observed_mask(seen, x) is not None
    seen.has_missing = False
    assert observed_mask(seen, x) is None
