"""Contours hold their share of the points."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path

from vaekit.explorer.contours import contours


def test_contours_of_a_gaussian_hold_their_share():
    points = np.random.default_rng(0).normal(size=(20_000, 2)) * [2.0, 0.5]
    found = contours(points)
    assert found["coverage"] == sorted(found["coverage"], reverse=True)
    for place, share in enumerate(found["coverage"]):
        paths = [
            Path(path)
            for path, region in zip(found["paths"], found["region"], strict=True)
            if region == place
        ]
        inside = np.any([path.contains_points(points) for path in paths], axis=0).mean()
        assert inside == pytest.approx(share, abs=0.03)


def test_two_clusters_have_two_contours():
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(size=(2000, 2)) * 0.2 + center for center in ([-3, 0], [3, 0])])
    assert contours(points)["region"].count(2) == 2


def test_a_few_equal_points_have_contours():
    assert contours(np.zeros((3, 2)))["coverage"]
