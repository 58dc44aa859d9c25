import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import kernel_components, principal_components, project

CODES = np.random.default_rng(0).normal(size=(60, 2))


def test_two_dimensions_stay_as_they_are():
    codes, names, explained = project(CODES)
    assert codes is CODES
    assert names == ("z0", "z1")
    assert explained is None


def test_more_dimensions_go_to_the_principal_components():
    wide = CODES @ np.array([[3.0, 0, 0], [0, 0, 1]]) + 5
    codes, names, explained = project(wide)
    assert names == ("first component", "second component")
    assert sum(explained) == pytest.approx(1)
    assert codes.var(0) / codes.var(0).sum() == pytest.approx(explained)
    assert codes.mean(0) == pytest.approx([0, 0], abs=1e-12)


def test_one_dimension_is_spread_at_random_and_always_alike():
    codes, names, _ = project(CODES[:, :1])
    assert (codes[:, 0] == CODES[:, 0]).all()
    assert names == ("z0", "spread at random")
    assert (project(CODES[:, :1])[0] == codes).all()


def test_codes_that_are_all_equal_explain_nothing():
    codes, _, explained = project(np.ones((5, 4)))
    assert explained == (0, 0)
    assert np.isfinite(codes).all()


def test_principal_components_are_the_axes_of_the_covariance():
    wide = np.random.default_rng(0).normal(size=(200, 5)) * [1, 5, 2, 3, 0.1]
    points, shares = principal_components(wide, 3)
    variances = np.sort(np.linalg.eigvalsh(np.cov(wide.T)))[::-1]
    assert points.var(0, ddof=1) == pytest.approx(variances[:3])
    assert shares == pytest.approx(variances[:3] / variances.sum())


def test_kernel_components_are_those_of_the_centerd_kernel_matrix():
    squares = np.square(CODES[:, None] - CODES[None]).sum(-1)
    kernel = np.exp(-squares / (2 * CODES.var()))
    center = np.eye(60) - 1 / 60
    values, vectors = np.linalg.eigh(center @ kernel @ center)
    expected = vectors[:, ::-1][:, :3] * np.sqrt(values[::-1][:3])
    assert np.abs(kernel_components(CODES, 3)) == pytest.approx(np.abs(expected), abs=1e-8)


def test_kernel_components_of_very_many_codes_are_all_there_and_alike_each_time():
    many = np.random.default_rng(0).normal(size=(1700, 4))
    points = kernel_components(many, 3)
    assert points.shape == (1700, 3)
    assert (kernel_components(many, 3) == points).all()


def test_kernel_components_of_equal_codes_are_zero():
    assert kernel_components(np.ones((5, 4)), 3) == pytest.approx(np.zeros((5, 3)), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: project(np.zeros((1, 5))), r"\(N, d\) with N >= 2 and d >= 1, got shape \(1, 5\)"),
        (lambda: principal_components(CODES, 3), r"with N >= 3 and d >= 3, got shape \(60, 2\)"),
        (lambda: kernel_components(CODES[0]), r"expected shape \(N, d\) with N >= 2"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InvalidError, match=message):
        call()
