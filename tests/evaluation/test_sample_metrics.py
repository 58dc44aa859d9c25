"""Scores of point sets against closed forms and naive sums."""

import numpy as np
import pytest
import torch
from scipy import linalg

from vaekit.evaluation import sample_metrics
from vaekit.evaluation.sample_metrics import (
    frechet_distance,
    kernel_distance,
    nearest_neighbors,
    precision_recall,
)


def normal(n, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_moments(mean, root, n=50):
    """Points whose mean and covariance are exactly these: `mean` and `root` `root`^T."""
    points = normal(n, len(mean), seed=1)
    points = points - points.mean(0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(points.T.cov()), points.T, upper=False).T
    return mean + white @ root.T


def test_the_frechet_distance_of_two_gaussians_is_the_closed_form():
    root_a, root_b = normal(3, seed=2), normal(3, seed=3)
    mean_a, mean_b = normal(2, seed=4)
    covariance_a, covariance_b = (root @ root.T for root in (root_a, root_b))
    root = linalg.sqrtm(covariance_a.numpy() @ covariance_b.numpy()).real
    truth = (mean_a - mean_b).square().sum() + torch.trace(covariance_a + covariance_b) - 2 * np.trace(root)
    found = frechet_distance(with_moments(mean_a, root_a), with_moments(mean_b, root_b))
    assert found == pytest.approx(truth.item(), rel=1e-9)


def test_the_frechet_distance_of_aligned_gaussians_is_the_sum_over_axes():
    a = with_moments(torch.tensor([0.0, 0.0]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]).double())
    b = with_moments(torch.tensor([3.0, 4.0]), torch.tensor([[2.0, 0.0], [0.0, 0.5]]).double())
    assert frechet_distance(a, b) == pytest.approx(5**2 + 1 + 1.5**2)


def test_constant_points_have_a_distance():
    constant, points = torch.ones(20, 3), normal(50)
    truth = (points.mean(0) - 1).square().sum() + points.var(0).sum()
    assert frechet_distance(points, constant) == pytest.approx(truth.item())
    assert frechet_distance(constant, constant) == 0
    assert frechet_distance(points, points) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(points[:, :1], points[:, :1] + 2) == pytest.approx(4)
    few = normal(4, 9)  # fewer points than features: a singular covariance
    assert frechet_distance(few, few + 1) == pytest.approx(9)


def test_the_kernel_distance_is_the_naive_double_sum(monkeypatch):
    monkeypatch.setattr(sample_metrics, "ROWS_AT_ONCE", 4)
    a, b = normal(9), 0.5 + 1.5 * normal(7, seed=1)
    kernel = lambda x, y: (float(x @ y) / 3 + 1) ** 3
    mean = lambda pairs: np.mean([kernel(x, y) for x, y in pairs])
    within = [mean([(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (a, b)]
    truth = sum(within) - 2 * mean([(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(truth)


def test_the_kernel_distance_of_one_distribution_is_zero_on_average():
    found = [kernel_distance(normal(100, seed=i), normal(100, seed=1000 + i)) for i in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert min(found) < 0 < max(found)
    assert kernel_distance(normal(100), normal(100, seed=1) + 1) > 5 * np.std(found)


def clusters(*centers, n=50, seed=0):
    points = normal(len(centers) * n, 2, seed)
    return points * 0.1 + torch.tensor(centers, dtype=torch.float64).repeat_interleave(n, 0)


def test_precision_and_recall_of_clusters(monkeypatch):
    monkeypatch.setattr(sample_metrics, "ROWS_AT_ONCE", 30)
    real = clusters((0, 0), (10, 0))
    assert precision_recall(real, real) == (1, 1)
    precision, recall = precision_recall(real, clusters((0, 0), n=100, seed=1))
    assert precision > 0.85  # what is sampled is real,
    assert 0.4 < recall <= 0.5  # but one of two clusters is never sampled
    precision, recall = precision_recall(real, clusters((0, 0), (10, 0), (50, 50), (90, 9), seed=1))
    assert 0.4 < precision <= 0.5
    assert recall > 0.85
    assert precision_recall(real, clusters((50, 50))) == (0, 0)


def test_precision_is_the_share_within_a_ball_to_the_third_neighbor():
    real, fake = torch.tensor([[0.0], [1.0], [2.0], [4.0], [9.0]]), torch.tensor([[-2.0], [-0.9], [30.0]])
    radii = [4, 3, 2, 4, 8]
    inside = [any(abs(f - r) <= radius for r, radius in zip(real, radii, strict=True)) for f in fake]
    assert precision_recall(real, fake.repeat(2, 1))[0] == pytest.approx(np.mean(inside))


def test_the_scores_by_name_are_those_of_the_functions():
    real, fake = clusters((0, 0), (10, 0)), clusters((0, 0), seed=1)
    precision, recall = precision_recall(real, fake)
    assert precision > recall
    assert sample_metrics.sample_metrics(real, fake) == {
        "frechet": frechet_distance(real, fake),
        "kernel": kernel_distance(real, fake),
        "precision": precision,
        "recall": recall,
    }


def test_nearest_neighbors_do_not_depend_on_batches():
    images, training = normal(5, 12).reshape(5, 1, 3, 4), normal(40, 12, seed=1).reshape(40, 1, 3, 4)
    training[17] = images[2]
    table = torch.cdist(images.flatten(1), training.flatten(1))
    for batch in (1, 7, 40):
        indices, distances = nearest_neighbors(images, training.split(batch), 3)
        truth = table.sort(1)
        assert torch.equal(indices, truth.indices[:, :3])
        torch.testing.assert_close(distances, truth.values[:, :3])
    assert (indices[2, 0], distances[2, 0]) == (17, 0)
    assert nearest_neighbors(images, [training[:2]], 5)[0].shape == (5, 2)
