import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import kernel_components, principal_components, project

LATENTS = np.random.default_rng(0).normal(size=(60, 2))


def test_two_dimensions_stay_as_they_are():
    points, names, explained = project(LATENTS)
    assert points is LATENTS
    assert names == ("z0", "z1")
    assert explained is None


def test_more_dimensions_go_to_the_principal_components():
    wide = LATENTS @ np.array([[3.0, 0, 0], [0, 0, 1]]) + 5
    points, names, explained = project(wide)
    assert names == ("first component", "second component")
    assert sum(explained) == pytest.approx(1)
    assert points.var(0) / points.var(0).sum() == pytest.approx(explained)
    assert points.mean(0) == pytest.approx([0, 0], abs=1e-12)


def test_one_dimension_has_the_same_random_jitter_every_time():
    points, names, _ = project(LATENTS[:, :1])
    assert (points[:, 0] == LATENTS[:, 0]).all()
    assert names == ("z0", "random jitter")
    assert (project(LATENTS[:, :1])[0] == points).all()


def test_equal_latents_have_no_variance_to_explain():
    points, _, explained = project(np.ones((5, 4)))
    assert explained == (0, 0)
    assert np.isfinite(points).all()


def test_principal_components_are_the_axes_of_the_covariance():
    wide = np.random.default_rng(0).normal(size=(200, 5)) * [1, 5, 2, 3, 0.1]
    points, shares = principal_components(wide, 3)
    variances = np.sort(np.linalg.eigvalsh(np.cov(wide.T)))[::-1]
    assert points.var(0, ddof=1) == pytest.approx(variances[:3])
    assert shares == pytest.approx(variances[:3] / variances.sum())


def test_kernel_components_are_those_of_the_centered_kernel_matrix():
    squares = np.square(LATENTS[:, None] - LATENTS[None]).sum(-1)
    kernel = np.exp(-squares / (2 * LATENTS.var()))
    center = np.eye(60) - 1 / 60
    values, vectors = np.linalg.eigh(center @ kernel @ center)
    expected = vectors[:, ::-1][:, :3] * np.sqrt(values[::-1][:3])
    assert np.abs(kernel_components(LATENTS, 3)) == pytest.approx(np.abs(expected), abs=1e-8)


def test_kernel_components_of_very_many_latents_are_complete_and_reproducible():
    many = np.random.default_rng(0).normal(size=(1700, 4))
    points = kernel_components(many, 3)
    assert points.shape == (1700, 3)
    assert (kernel_components(many, 3) == points).all()


def test_kernel_components_of_equal_latents_are_zero():
    assert kernel_components(np.ones((5, 4)), 3) == pytest.approx(np.zeros((5, 3)), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: project(np.zeros((1, 5))), r"\(N, d\) with N >= 2 and d >= 1, got shape \(1, 5\)"),
        (lambda: principal_components(LATENTS, 3), r"with N >= 3 and d >= 3, got shape \(60, 2\)"),
        (lambda: kernel_components(LATENTS[0]), r"expected shape \(N, d\) with N >= 2"),
    ],
)
def test_mismatched_arguments_are_refused(call, message):
    with pytest.raises(InvalidError, match=message):
        call()
