"""Cards of models, studies and evaluations: their numbers are there, texts are escaped, no script."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

import vaekit
from vaekit.evaluation.card import evaluation_card
from vaekit.evaluation.results import Bound
from vaekit.studies.example import example_results
from vaekit.utils.card import card, line_chart

HOSTILE = "<script>alert(1)</script>\"'&"


def parsed(html: str) -> ElementTree.Element:
    """The card as a tree, which it is only if all of its text is escaped."""
    return ElementTree.fromstring(re.sub(r"(<(?:img|progress)[^>]*[^/])>", r"\1/>", html))


def texts(html: str) -> list[str]:
    return [text.strip() for text in parsed(html).itertext() if text.strip()]


def test_texts_are_escaped():
    html = card(HOSTILE, HOSTILE, [(HOSTILE, "1")], HOSTILE, HOSTILE, [HOSTILE])
    assert texts(html) == [HOSTILE] * 3 + ["1"] + [HOSTILE] * 3
    assert "<script" not in html


def test_a_model_whose_names_are_html_has_a_card():
    trained = vaekit.demo()
    hostile = replace(trained, recipe=trained.recipe.model_copy(update={"title": HOSTILE}))
    assert texts(hostile._repr_html_())[0] == HOSTILE


def test_the_card_of_a_model_names_its_parts():
    found = texts(vaekit.demo()._repr_html_())
    rows = dict(zip(found[2:-1:2], found[3:-1:2], strict=True))
    assert rows["latents"] == "2"
    assert rows["data"] == "1 × 28 × 28 images"
    assert rows["parameters"] == f"{sum(p.numel() for p in vaekit.demo().model.parameters()):,}"
    assert found[-1] == "samples"


def test_a_card_changes_no_random_numbers():
    import torch

    before = torch.random.get_rng_state()
    vaekit.demo()._repr_html_()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_card_of_an_evaluation_has_its_numbers_and_no_undefined_ones():
    fields = {
        "images": 1000, "split": "test", "noun": "images", "samples": 50, "log_likelihood": -89.126,
        "log_likelihood_stderr": None, "elbo": None, "kl": [2.0, 3.5], "caveats": [HOSTILE],
        "growth": [vars(Bound(1, -95.0, None)), vars(Bound(50, -89.126, None))],
    }  # fmt: skip
    found = texts(evaluation_card(fields))
    assert found[:2] == ["Evaluation", "1,000 test images, 50 importance samples each"]
    assert found[2:6] == ["log p(x)", "−89.13 nats", "KL", "2.00 + 3.50 nats"]
    assert {"−95.00", "−89.13", HOSTILE} < set(found)


def test_a_line_goes_from_its_first_to_its_last_value():
    html = str(line_chart([[(0, 1.0), (1, 3.0), (4, 2.0)]]))
    points = np.array([p.split(",") for p in re.findall(r'points="([^"]+)"', html)[0].split()], float)
    assert points[1, 1] < points[2, 1] < points[0, 1]  # the highest value is at the top
    assert (points[1, 0] - points[0, 0]) / (points[2, 0] - points[0, 0]) == pytest.approx(0.25, abs=0.01)


def test_the_results_of_a_study_have_a_short_text_a_card_and_a_frame():
    results = example_results()
    assert repr(results) == "StudyResults('example', 2 variants, 2 of 2 runs finished)"
    found = texts(results._repr_html_())
    assert found[:4] == ["Two small models", "runs", "log p(x) (nats)", "d = 2"]
    assert "−30.00" in found
    frame = results.to_frame()
    assert frame["d"].tolist() == [2, 3]
    assert frame["log_likelihood"].tolist() == [-30.0, -31.0]


def test_a_frame_without_pandas_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(vaekit.VaekitError, match="to_frame needs pandas, which is not installed"):
        example_results().to_frame()
