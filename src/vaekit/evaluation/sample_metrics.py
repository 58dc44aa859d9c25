"""Distances between two sets of points, real and generated, and nearest neighbors.

With means m and covariances C of real and fake points, k a kernel, and B(x) the ball around x that reaches
its k-th neighbor in its own set,

    Frechet     |m_r - m_f|^2 + tr(C_r + C_f - 2 (C_r C_f)^(1/2))
    kernel      E k(r, r') + E k(f, f') - 2 E k(r, f)
    precision   the fraction of fake points in some B(r): do samples resemble the data?
    recall      the fraction of real points in some B(f): do samples cover the data?
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

ROWS_AT_ONCE = 1000


def sample_metrics(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Score fake points against real ones.

    Args:
        real: (N, F), more than 3 points.
        fake: (M, F), more than 3 points.

    Returns:
        `frechet`, `kernel`, `precision` and `recall`.

    Example:
        >>> points = torch.arange(20.0).reshape(10, 2)
        >>> scores = sample_metrics(points, points)
        >>> round(scores["frechet"], 6), scores["precision"], scores["recall"]
        (0.0, 1.0, 1.0)
    """
    precision, recall = precision_recall(real, fake)
    distances = {"frechet": frechet_distance(real, fake), "kernel": kernel_distance(real, fake)}
    return {**distances, "precision": precision, "recall": recall}


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The squared Wasserstein distance of two Gaussians with the means and covariances of the points.

        |m_a - m_b|^2 + tr C_a + tr C_b - 2 tr (C_a C_b)^(1/2)

    With C = R R^T the last trace is the sum of the singular values of R_a^T R_b, which is exact for singular
    covariances too. The estimate is biased upward, more so for fewer points.

    Args:
        a, b: (N, F) and (M, F), at least two points each.

    Source: Heusel et al. 2017, "GANs trained by a two time-scale update rule".

    Example:
        >>> points = torch.tensor([[0.0], [2.0]])
        >>> round(frechet_distance(points, points + 3.0), 6)
        9.0
    """
    a, b = a.double(), b.double()
    common = torch.linalg.svdvals(_covariance_factor(a).T @ _covariance_factor(b)).sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + a.var(0).sum() + b.var(0).sum() - 2 * common
    return max(0.0, distance.item())


def _covariance_factor(points: Tensor) -> Tensor:
    """R (F, F) with R R^T the covariance of points (N, F)."""
    values, vectors = torch.linalg.eigh(torch.atleast_2d(points.T.cov()))
    return vectors * values.clamp_min(0).sqrt()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy (MMD) with the kernel k(x, y) = (x.y / F + 1)^3.

    For points of the same distribution it is 0 in expectation, so it can be negative.

    Args:
        a, b: (N, F) and (M, F), at least two points each.

    Source: Binkowski et al. 2018, "Demystifying MMD GANs".

    Example:
        >>> kernel_distance(torch.zeros(2, 1), torch.ones(2, 1))  # 1 + 2^3 - 2
        7.0
    """
    a, b = a.double(), b.double()
    between = _kernel_sum(a, b) / (len(a) * len(b))
    return _mean_kernel_within(a) + _mean_kernel_within(b) - 2 * between


def _mean_kernel_within(points: Tensor) -> float:
    """The mean of k over pairs of different points."""
    same = (points.square().mean(1) + 1).pow(3).sum().item()
    return (_kernel_sum(points, points) - same) / (len(points) * (len(points) - 1))


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    return sum((rows @ b.T / a.shape[1] + 1).pow(3).sum().item() for rows in a.split(ROWS_AT_ONCE))


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision and recall of fake points.

    Precision is the fraction of fake points that lie in the ball around some real point which reaches that
    point's k-th neighbor. Recall is the same with real and fake points exchanged.

    Args:
        real, fake: (N, F) and (M, F), more than k points each.

    Source: Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models".

    Example:
        >>> precision_recall(torch.arange(10.0)[:, None], torch.arange(5.0)[:, None], k=1)
        (1.0, 0.6)
    """
    return _fraction_inside(fake.double(), real.double(), k), _fraction_inside(
        real.double(), fake.double(), k
    )


def _fraction_inside(points: Tensor, others: Tensor, k: int) -> float:
    itself = 1  # every point is its own nearest neighbor
    radius = torch.cat(
        [torch.cdist(rows, others).kthvalue(k + itself).values for rows in others.split(ROWS_AT_ONCE)]
    )
    inside = [(torch.cdist(rows, others) <= radius).any(1) for rows in points.split(ROWS_AT_ONCE)]
    return torch.cat(inside).double().mean().item()


def nearest_neighbors(images: Tensor, training: Iterable[Tensor], n: int = 1) -> tuple[Tensor, Tensor]:
    """Find the nearest training images of each image by Euclidean distance.

    Args:
        images: (N, ...), images or features.
        training: batches (B, ...) of the same kind, read once.
        n: neighbors per image.

    Returns:
        Indices (N, n) into the training images in their order, nearest first, and distances (N, n), float64.

    Example:
        >>> indices, distances = nearest_neighbors(torch.tensor([[1.0]]), [torch.tensor([[9.0], [3.0]])])
        >>> indices.tolist(), distances.tolist()
        ([[1]], [[2.0]])
    """
    points = images.flatten(1).double()
    distances, indices = points.new_full((len(points), 0), 0), points.new_full((len(points), 0), 0).long()
    first = 0
    for batch in training:
        nearer = torch.cdist(points, batch.flatten(1).double(), compute_mode="donot_use_mm_for_euclid_dist")
        numbers = torch.arange(first, first + len(batch), device=points.device).expand(len(points), -1)
        both, places = torch.cat([distances, nearer], 1), torch.cat([indices, numbers], 1)
        distances, order = both.topk(min(n, both.shape[1]), largest=False)
        indices, first = places.gather(1, order), first + len(batch)
    return indices, distances
