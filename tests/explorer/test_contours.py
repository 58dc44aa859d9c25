"""Contours: they hold the share of the points that they say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path

from vaekit.explorer.contours import contours


def test_outlines_of_a_gaussian_hold_their_share_of_it():
    points = np.random.default_rng(0).normal(size=(20_000, 2)) * [2.0, 0.5]
    found = contours(points)
    assert found["levels"] == sorted(found["levels"], reverse=True)
    for place, share in enumerate(found["levels"]):
        paths = [Path(path) for path, of in zip(found["paths"], found["of"], strict=True) if of == place]
        inside = np.any([path.contains_points(points) for path in paths], axis=0).mean()
        assert inside == pytest.approx(share, abs=0.03)


def test_two_clusters_have_two_outlines():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(size=(2000, 2)) * 0.2 + center for center in ([-3, 0], [3, 0])])
    assert contours(points)["of"].count(2) == 2


def test_a_few_points_that_are_all_the_same_do_no_harm():
    assert contours(np.zeros((3, 2)))["levels"]
