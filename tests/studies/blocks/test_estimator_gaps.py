"""The table of estimator gaps equals the bounds that it shows."""

from __future__ import annotations

import pytest

from vaekit.evaluation.bdmc import bdmc
from vaekit.studies.blocks import draw_block
from vaekit.studies.blocks.estimator_gaps import estimator_gaps


def test_a_row_has_the_upper_bound_and_the_gaps(results):
    [part] = estimator_gaps(results, "vae-2", images=3, samples=30, chains=2, steps=4)
    [(name, cells)] = part.rows
    expected = bdmc(results.select("vae-2")[0].first.trained.model, 3, 2, 4, 30)
    assert name == "VAE, d = 2"
    assert cells[0].value == pytest.approx(expected.upper)
    for cell, bound in zip(cells[1:4], expected.bounds, strict=True):
        assert (cell.value, cell.std) == pytest.approx((bound.gap, bound.gap_stderr))
    assert cells[4].value == pytest.approx(expected.bounds[1].median)
    assert cells[5].value == pytest.approx(100 * expected.unreliable)
    assert "3 images sampled from each model; 2 annealed chains of 4 steps" in part.notes[0]
    assert "standard error over the images, omitted if mean and median are far apart" in part.notes[0]


def test_an_autoencoder_has_no_gaps(results):
    [part] = draw_block(results, {"estimator_gaps": {"runs": "ae", "images": 2}})
    assert part.kind == "error"
    assert "expected a posterior with a density" in part.text
