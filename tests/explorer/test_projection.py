"""The map: codes to points and back, bounds, ellipses."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer import projection as planes

RANDOM = np.random.default_rng(0)


def codes(latents: int) -> np.ndarray:
    return RANDOM.normal(size=(60, latents)) * np.arange(1, latents + 1) + 0.5


@pytest.mark.parametrize("latents", [1, 2, 3, 40])
def test_a_point_lifted_lies_where_it_was(latents):
    z = codes(latents)
    plane = planes.fit_projection(z)
    points = RANDOM.normal(size=(7, 2)) * ([1, 0] if latents == 1 else [1, 1])
    assert np.allclose(plane.place(plane.lift(points)), points)
    assert np.allclose(plane.place(plane.lift(points, z[3])), points)


def test_two_latents_are_their_own_map():
    z = codes(2)
    plane = planes.fit_projection(z)
    assert (plane.kind, plane.names, plane.explained) == ("codes", ("z0", "z1"), None)
    assert np.array_equal(plane.points, z)
    assert np.array_equal(plane.lift(z[:3]), z[:3])


def test_one_latent_lies_across():
    z = codes(1)
    plane = planes.fit_projection(z)
    assert np.array_equal(plane.points[:, 0], z[:, 0])
    assert np.array_equal(plane.lift(np.array([[0.7, 123.0]])), [[0.7]])


def test_more_are_brought_to_their_principal_components():
    z = codes(5)
    plane, known = planes.fit_projection(z), PCA(2).fit(z)
    assert np.allclose(plane.points, known.transform(z))
    assert np.allclose(plane.explained, known.explained_variance_ratio_)
    assert np.allclose(plane.lift(plane.points), known.inverse_transform(known.transform(z)))


def test_lifting_from_a_code_keeps_what_the_map_does_not_show():
    z = codes(5)
    plane = planes.fit_projection(z)
    moved = plane.lift(plane.place(z[:1]) + np.array([1.0, 0.0]), z[0])[0]
    assert np.allclose(moved - z[0], plane.axes[0])
    assert np.allclose(plane.lift(plane.place(z[:1]), z[0])[0], z[0])


def test_codes_that_are_all_the_same_have_a_map():
    plane = planes.fit_projection(np.ones((5, 4)))
    assert np.isfinite(plane.points).all()
    x0, x1, y0, y1 = planes.bounds(plane.points)
    assert x0 < x1
    assert y0 < y1


def test_bounds_leave_a_margin_and_ignore_a_far_point():
    points = np.vstack([RANDOM.uniform(-1, 1, (5000, 2)), [[1e4, 0]]])
    x0, x1, y0, y1 = planes.bounds(points)
    assert -1.3 < x0 < -1 < 1 < x1 < 1.3
    assert -1.3 < y0 < -1 < 1 < y1 < 1.3


def test_an_ellipse_is_that_of_the_covariance():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = planes.ellipse(np.array([1.0, 2.0]), turn @ np.diag([9.0, 4.0]) @ turn.T)
    assert (found["x"], found["y"]) == (1.0, 2.0)
    assert (found["a"], found["b"]) == pytest.approx((3.0, 2.0))
    assert found["angle"] % np.pi == pytest.approx(angle)


def test_the_spread_of_a_posterior_is_brought_to_the_map():
    plane = planes.fit_projection(codes(4))
    draws = RANDOM.multivariate_normal(np.zeros(4), np.diag([1, 2, 3, 4.0]), 200_000)
    assert np.allclose(plane.spread(np.diag([1, 2, 3, 4.0])), np.cov((draws @ plane.axes.T).T), atol=0.05)


def test_a_kind_that_is_not_possible_is_refused():
    with pytest.raises(InvalidError, match="map: expected pca or umap, got 'codes'"):
        planes.fit_projection(codes(4), "codes")
    with pytest.raises(InvalidError, match="map: expected codes, got 'pca'"):
        planes.fit_projection(codes(1), "pca")


def test_without_umap_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(VaekitError, match="umap is not installed; run: pip install umap-learn"):
        planes.fit_projection(codes(4), "umap")


def test_an_embedding_is_lifted_by_its_neighbors(monkeypatch):
    class Halved:
        def __init__(self, random_state):
            assert random_state == 0

        def fit_transform(self, z):
            return z[:, :2] / 2

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Halved))
    z = codes(3)
    plane = planes.fit_projection(z, "umap")
    assert np.allclose(plane.lift(plane.points[:4]), z[:4], atol=1e-4)
    assert np.allclose(plane.place(z[:4]), plane.points[:4], atol=1e-4)
    assert plane.spread(np.eye(3)) is None
