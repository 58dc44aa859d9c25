"""The map: latents to points and back, bounds, ellipses."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer import projection as projections

RANDOM = np.random.default_rng(0)


def latents(d: int) -> np.ndarray:
    return RANDOM.normal(size=(60, d)) * np.arange(1, d + 1) + 0.5


@pytest.mark.parametrize("d", [1, 2, 3, 40])
def test_an_unprojected_point_projects_to_itself(d):
    z = latents(d)
    projection = projections.fit_projection(z)
    points = RANDOM.normal(size=(7, 2)) * ([1, 0] if d == 1 else [1, 1])
    assert np.allclose(projection.project(projection.unproject(points)), points)
    assert np.allclose(projection.project(projection.unproject(points, z[3])), points)


def test_two_latents_are_their_own_map():
    z = latents(2)
    projection = projections.fit_projection(z)
    assert (projection.kind, projection.names, projection.explained_variance_ratio) == (
        "latents",
        ("z0", "z1"),
        None,
    )
    assert np.array_equal(projection.points, z)
    assert np.array_equal(projection.unproject(z[:3]), z[:3])


def test_one_latent_lies_on_the_first_axis():
    z = latents(1)
    projection = projections.fit_projection(z)
    assert np.array_equal(projection.points[:, 0], z[:, 0])
    assert np.array_equal(projection.unproject(np.array([[0.7, 123.0]])), [[0.7]])


def test_more_latents_are_projected_to_their_principal_components():
    z = latents(5)
    projection, known = projections.fit_projection(z), PCA(2).fit(z)
    assert np.allclose(projection.points, known.transform(z))
    assert np.allclose(projection.explained_variance_ratio, known.explained_variance_ratio_)
    assert np.allclose(projection.unproject(projection.points), known.inverse_transform(known.transform(z)))


def test_unprojecting_from_a_base_keeps_the_orthogonal_complement():
    z = latents(5)
    projection = projections.fit_projection(z)
    moved = projection.unproject(projection.project(z[:1]) + np.array([1.0, 0.0]), z[0])[0]
    assert np.allclose(moved - z[0], projection.axes[0])
    assert np.allclose(projection.unproject(projection.project(z[:1]), z[0])[0], z[0])


def test_equal_latents_have_a_map():
    projection = projections.fit_projection(np.ones((5, 4)))
    assert np.isfinite(projection.points).all()
    x0, x1, y0, y1 = projections.bounds(projection.points)
    assert x0 < x1
    assert y0 < y1


def test_bounds_leave_a_margin_and_ignore_a_far_point():
    points = np.vstack([RANDOM.uniform(-1, 1, (5000, 2)), [[1e4, 0]]])
    x0, x1, y0, y1 = projections.bounds(points)
    assert -1.3 < x0 < -1 < 1 < x1 < 1.3
    assert -1.3 < y0 < -1 < 1 < y1 < 1.3


def test_an_ellipse_is_that_of_the_covariance():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = projections.ellipse(np.array([1.0, 2.0]), turn @ np.diag([9.0, 4.0]) @ turn.T)
    assert (found["x"], found["y"]) == (1.0, 2.0)
    assert (found["a"], found["b"]) == pytest.approx((3.0, 2.0))
    assert found["angle"] % np.pi == pytest.approx(angle)


def test_the_covariance_of_a_posterior_is_projected():
    projection = projections.fit_projection(latents(4))
    samples = RANDOM.multivariate_normal(np.zeros(4), np.diag([1, 2, 3, 4.0]), 200_000)
    assert np.allclose(
        projection.project_covariance(np.diag([1, 2, 3, 4.0])),
        np.cov((samples @ projection.axes.T).T),
        atol=0.05,
    )


def test_an_impossible_kind_is_refused():
    with pytest.raises(InvalidError, match="map: expected pca, umap or tsne, got 'latents'"):
        projections.fit_projection(latents(4), "latents")
    with pytest.raises(InvalidError, match="map: expected latents, got 'pca'"):
        projections.fit_projection(latents(1), "pca")


def test_a_missing_umap_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(VaekitError, match=r"umap is not installed; run: pip install .vaekit.umap."):
        projections.fit_projection(latents(4), "umap")


def test_an_embedding_is_unprojected_by_its_neighbors(monkeypatch):
    class Halved:
        def __init__(self, n_components, random_state):
            assert (n_components, random_state) == (2, 0)

        def fit_transform(self, z):
            return z[:, :2] / 2

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Halved))
    z = latents(3)
    projection = projections.fit_projection(z, "umap")
    assert np.allclose(projection.unproject(projection.points[:4]), z[:4], atol=1e-4)
    assert np.allclose(projection.project(z[:4]), projection.points[:4], atol=1e-4)
    assert projection.project_covariance(np.eye(3)) is None
