"""How far a set of points is from another: the scores of samples, and the nearest neighbors of each.

With means m and covariances C of real and fake points, k a kernel, and B(x) the ball about x that reaches
to its k-th neighbor in its own set,

    Frechet     |m_r - m_f|^2 + tr(C_r + C_f - 2 (C_r C_f)^(1/2))
    kernel      E k(r, r') + E k(f, f') - 2 E k(r, f)
    precision   the share of fake points that lie in some B(r): are samples like data?
    recall      the share of real points that lie in some B(f): is all of the data sampled?
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

ROWS_AT_ONCE = 1000


def sample_metrics(real: Tensor, fake: Tensor) -> dict[str, float]:
    """The four scores of fake points (M, F) against real ones (N, F), by name."""
    precision, recall = precision_recall(real, fake)
    distances = {"frechet": frechet_distance(real, fake), "kernel": kernel_distance(real, fake)}
    return {**distances, "precision": precision, "recall": recall}


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The squared Wasserstein distance of two Gaussians that have the means and covariances of the points.

    |m_a - m_b|^2 + tr C_a + tr C_b - 2 tr (C_a C_b)^(1/2). With C = R R^T the last trace is the sum of the
    singular values of R_a^T R_b, which is exact for singular covariances too. It is biased upwards, the more
    the fewer the points.

    Args:
        a, b: (N, F) and (M, F), at least two points each.

    Source: Heusel et al. 2017, "GANs trained by a two time-scale update rule".
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
    """The squared maximum mean discrepancy, unbiased, by the kernel k(x, y) = (x.y / F + 1)^3.

    Zero in expectation for points of one distribution, and then as often below zero as above.

    Args:
        a, b: (N, F) and (M, F), at least two points each.

    Source: Binkowski et al. 2018, "Demystifying MMD GANs".
    """
    a, b = a.double(), b.double()
    between = _kernel_sum(a, b) / (len(a) * len(b))
    return _mean_kernel_within(a) + _mean_kernel_within(b) - 2 * between


def _mean_kernel_within(points: Tensor) -> float:
    """The mean kernel of two different points."""
    same = (points.square().mean(1) + 1).pow(3).sum().item()
    return (_kernel_sum(points, points) - same) / (len(points) * (len(points) - 1))


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    return sum((rows @ b.T / a.shape[1] + 1).pow(3).sum().item() for rows in a.split(ROWS_AT_ONCE))


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """The share of fake points among the real ones, and of real points among the fake ones.

    A point is among others if it lies in the ball about one of them, out to that one's k-th neighbor.

    Args:
        real, fake: (N, F) and (M, F), more than k points each.

    Source: Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models".
    """
    return _fraction_inside(fake.double(), real.double(), k), _fraction_inside(
        real.double(), fake.double(), k
    )


def _fraction_inside(points: Tensor, others: Tensor, k: int) -> float:
    to_itself = 1
    radius = torch.cat(
        [torch.cdist(rows, others).kthvalue(k + to_itself).values for rows in others.split(ROWS_AT_ONCE)]
    )
    inside = [(torch.cdist(rows, others) <= radius).any(1) for rows in points.split(ROWS_AT_ONCE)]
    return torch.cat(inside).double().mean().item()


def nearest_neighbors(images: Tensor, training: Iterable[Tensor], n: int = 1) -> tuple[Tensor, Tensor]:
    """The training images nearest to each of some images, by the Euclidean distance.

    Args:
        images: (N, ...), images or features.
        training: batches (B, ...) of the same kind, gone through once.
        n: how many for each.

    Returns:
        Indices (N, n) into the training images in their order, nearest first, and distances (N, n), float64.
    """
    points = images.flatten(1).double()
    distances, indices = points.new_full((len(points), 0), 0), points.new_full((len(points), 0), 0).long()
    first = 0
    for batch in training:
        found = torch.cdist(points, batch.flatten(1).double(), compute_mode="donot_use_mm_for_euclid_dist")
        numbers = torch.arange(first, first + len(batch), device=points.device).expand(len(points), -1)
        both, places = torch.cat([distances, found], 1), torch.cat([indices, numbers], 1)
        distances, order = both.topk(min(n, both.shape[1]), largest=False)
        indices, first = places.gather(1, order), first + len(batch)
    return indices, distances
