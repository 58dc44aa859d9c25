"""The page is a single file, names its runs, and escapes text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from vaekit.errors import InvalidError
from vaekit.studies.answer import answer
from vaekit.studies.arrange import format_cell
from vaekit.studies.elements import Cell, Column, FigureElement, Table
from vaekit.studies.page import draw_blocks, markdown_to_html, render_study
from vaekit.studies.results import RunResult, VariantResult


@pytest.fixture(scope="module")
def page(results) -> str:
    return results.page.read_text()


def test_nothing_is_loaded_from_the_network(page):
    assert "http:" not in page
    assert "https:" not in page
    assert not re.search(r"<(script|link|iframe)", page)
    assert set(re.findall(r' (?:src|href)="([^:"#]*:)', page)) == {"data:"}


def test_the_page_shows_title_question_preset_and_runs(page):
    for words in (
        "<h1>A tiny study</h1>",
        "Does it <b>work</b>?",
        "preset quick",
        "6 runs",
        "based on nobody, 2026",
    ):
        assert words in page
    assert '<a href="#part-0">The numbers</a>' in page
    assert "<code>vae-2/seed-0</code>, <code>vae-2/seed-1</code>" in page
    assert "Some <code>code</code> and &lt;b&gt;." in page


def test_every_block_is_shown(results, page):
    parts = draw_blocks(results)
    assert page.count("<figure") == 1 + sum(isinstance(part, FigureElement) for part in parts) == 6
    assert page.count('<table class="numbers">') == sum(isinstance(part, Table) for part in parts) == 1
    assert "Not shown" not in page


def test_titles_are_escaped(results):
    study = results.study.model_copy(update={"title": "<script>", "page": []})
    text = render_study(replace(results, study=study), [])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_preset_is_described(results):
    preset = results.preset.model_copy(update={"description": "A **short** one."})
    assert "A <b>short</b> one." in render_study(replace(results, preset=preset), [])


def test_a_reason_that_several_runs_share_is_shown_once(results):
    lost = [VariantResult(o.plan, [RunResult(0, Path("x"), "no data")]) for o in results.variants[:2]]
    text = render_study(replace(results, variants=lost), [])
    assert text.count("no data") == 1
    assert "vae-2 seed 0, vae-3 seed 0: no data" in text


@pytest.mark.parametrize(
    ("cell", "digits", "text"),
    [
        (Cell(None), 2, "–"),
        (Cell("dense"), 2, "dense"),
        (Cell(-1234.567), 1, "−1,234.6"),
        (Cell(1.0, 0.25, 3), 2, "1.00 ± 0.25"),
        (Cell(7), 0, "7"),
        (Cell(0.01234), None, "0.0123"),
    ],
)
def test_cells_are_formatted(cell, digits, text):
    assert format_cell(cell, Column("a", "a", digits=digits)) == text


@pytest.mark.parametrize(("value", "text"), [(2.0, "2"), (0.0005, "0.0005"), (-1e-5, "−1e−05"), (300, "300")])
def test_settings_have_no_trailing_zeros(value, text):
    assert format_cell(Cell(value), Column("a", "a", setting=True)) == text


def test_a_subset_of_markdown_becomes_html():
    assert (
        markdown_to_html("one\ntwo\n\n**three** `<f>`")
        == "<p>one two</p>\n<p><b>three</b> <code>&lt;f&gt;</code></p>"
    )
    assert markdown_to_html("- a\n- b\n  c") == "<ul><li>a</li><li>b c</li></ul>"
    assert markdown_to_html("[here](https://a.b)") == "<p>here (https://a.b)</p>"


def test_the_page_begins_with_who_is_ahead_and_by_how_much(results):
    sentence, figure = answer(results)
    runs = {o.label: [t.evaluation["log_likelihood"] for t in o.finished] for o in results.select("VAE")}
    first, second = sorted(runs, key=lambda label: -np.mean(runs[label]))
    assert f"{first}** has" in sentence or sentence.startswith(f"{first} has")
    found = stats.ttest_ind(runs[second], runs[first], equal_var=False).confidence_interval(0.95)
    line = next(
        line
        for line in figure.figure.axes[0].lines
        if line.get_linestyle() == "-" and line.get_marker() != "o"
    )
    np.testing.assert_allclose(line.get_xdata(), found, rtol=1e-6)
    source = render_study(results, [])
    assert source.index(markdown_to_html(sentence)) < source.index("<h2")
    assert "vaekit doctor finds" in source


def test_a_study_names_the_metric_of_its_answer(results):
    by_error = replace(results, study=results.study.model_copy(update={"answer": "mse"}))
    assert "has the lowest squared error" in answer(by_error)[0]
    with pytest.raises(InvalidError, match="answer: for parameters neither higher nor lower is better"):
        answer(replace(results, study=results.study.model_copy(update={"answer": "parameters"})))
