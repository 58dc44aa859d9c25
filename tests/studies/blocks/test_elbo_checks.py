"""Numerical checks of the equations, on a model with two latents."""

import numpy as np
import pytest
import torch

from vaekit.evaluation.grid_integration import integrate_over_grid
from vaekit.studies.blocks import draw_block
from vaekit.studies.elements import FigureElement, Table, Text


def by_row(table):
    return {name: [cell.value for cell in cells] for name, cells in table.rows}


def test_bound_and_gap_add_up_in_every_row():
    figure_and_table = draw_block(None, {"elbo_identity": {"steps": 4}})
    [figure, table] = figure_and_table
    assert isinstance(figure, FigureElement)
    assert list(by_row(table)) == ["0", "0.333333", "0.666667", "1"]
    for elbo, gap, total, terms in by_row(table).values():
        assert (elbo + gap, total) == pytest.approx((terms, terms))


def test_sampled_kl_converges_to_the_closed_form(results):
    [table, figure] = draw_block(results, {"kl_check": {"runs": "vae-2", "images": 30, "samples": [2, 4000]}})
    assert isinstance(figure, FigureElement)
    rows = by_row(table)
    first = results.select("vae-2")[0].first
    x = first.trained.load_split("test", images=30).all()
    q = first.trained.model.encode(x)
    formula = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(1).mean().item()
    assert rows["closed form"] == [pytest.approx(formula, rel=1e-5), None, None]
    drawn, error, off = rows["4,000 samples per image"]
    assert off == pytest.approx((drawn - formula) / error, abs=0.01)
    assert abs(off) < 4
    assert error < rows["2 samples per image"][1] / 20


def test_the_integral_is_compared_with_its_estimates(results):
    options = {"runs": "vae-2", "images": 6, "samples": [1, 2000], "spacing": 0.1, "panels": 3}
    table, words, rising, panels = draw_block(results, {"exact_log_likelihood": options})
    assert isinstance(table, Table)
    rows = {name: values[0] for name, values in by_row(table).items()}
    trained = results.select("vae-2")[0].first.trained
    exact = integrate_over_grid(trained.model, trained.load_split("test", images=6).all(), spacing=0.1)
    terms = exact.log_evidence.mean().item()
    assert rows["log p(x), integral"] == pytest.approx(terms)
    assert rows["KL(q, p(z|x)), integral"] == pytest.approx(exact.gap.mean().item())
    assert rows["ELBO + KL(q, p(z|x))"] == pytest.approx(terms, abs=0.05)
    assert rows["log p(x), 2,000 importance samples"] == pytest.approx(terms, abs=0.1)
    gap = terms - rows["ELBO, 2,000 samples"]
    assert isinstance(words, Text)
    assert f"the ELBO is {gap:.2f} nats below log p(x)" in words.text
    assert isinstance(rising, FigureElement)
    assert len([axes for axes in panels.figure.axes if axes.get_title("left")]) == 3


def test_an_exact_posterior_is_a_density_in_its_panel(results):
    from vaekit.studies.blocks.two_latents import _posterior_window, estimate_evidence

    trained = results.select("vae-2")[0].first.trained
    found = estimate_evidence(trained, 3, [1], 0.1, 0)
    for index in range(3):
        window = _posterior_window(trained, found, index)
        cell = np.diff(window.axes[0]).mean() * np.diff(window.axes[1]).mean()
        assert window.exact.sum() * cell == pytest.approx(1, abs=0.02)
        assert np.exp(window.log_q).sum() * cell == pytest.approx(1, abs=0.02)
        torch.testing.assert_close(torch.tensor(window.image), found.images[index])


@pytest.mark.parametrize(("kind", "count"), [("manifold", 1), ("sample_grid", 1)])
def test_manifold_and_sample_grid_are_one_figure(results, kind, count):
    parts = draw_block(results, {kind: {"runs": "vae-2", "n": 4}})
    assert [type(part) for part in parts] == [FigureElement] * count


@pytest.mark.parametrize("kind", ["manifold", "exact_log_likelihood"])
def test_more_than_two_latents_give_one_line_with_the_reason(results, kind):
    [part] = draw_block(results, {kind: {"runs": "vae-3"}})
    assert (part.kind, "2 latents" in part.text or "two latents" in part.text) == ("error", True)
