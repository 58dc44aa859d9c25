"""A stream of importance weights: K weights for each of B images, in memory that does not grow with K.

With the running maximum m of log w, the sums of w / m and (w / m)^2 give the mean weight and the effective
sample size (sum w)^2 / sum w^2 (Kong 1992). Three more things are kept: the bound of n weights for n = 1, 2,
5, 10, ..., K; the largest 3 sqrt K weights, whose tail is fitted by `vaekit.evaluation.psis`; and the sums of
G groups of weights, from which the jackknife estimates bias and variance of t, the log of the mean.

The bound of n weights is that of the first n. Up to n = 100 it is the mean over floor(100 / n) groups of n
weights, so the bound of one weight is the ELBO of 100 draws, not of one.

With t_(-j) the same t without the m_j weights of group j, and h_j = K / m_j, the jackknife is

    corrected   T = G t - sum_j (1 - 1 / h_j) t_(-j)
    variance    1/G sum_j (t_j - T)^2 / (h_j - 1),        t_j = h_j t - (h_j - 1) t_(-j)

(Quenouille 1956, Busing et al. 1999). With K <= G each weight is its own group.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaekit.evaluation.psis import pareto_k, tail_length

JACKKNIFE_GROUPS = 32
GROUPED = 100  # the first weights, whose groups give the bounds of few samples
_SMALLEST = 1e-300  # sum of weights, relative to the largest; a smaller one has no finite logarithm


class ImportanceWeights:
    """The log-mean-exp of streamed importance weights, for B images at once.

    Args:
        images: B.
        samples: K, the total number of weights per image.
        device: of the weights.

    Example:
        >>> weights = ImportanceWeights(images=2, samples=4, device=torch.device("cpu"))
        >>> weights.add(torch.zeros(3, 2))
        >>> weights.add(torch.zeros(1, 2))
        >>> weights.log_mean.tolist(), weights.effective_sample_size.tolist()
        ([0.0, 0.0], [4.0, 4.0])
    """

    def __init__(self, images: int, samples: int, device: torch.device):
        self.largest = torch.full((images,), -math.inf, dtype=torch.float64, device=device)
        self.sum = torch.zeros(images, dtype=torch.float64, device=device)
        self.sum_of_squares = torch.zeros_like(self.sum)
        self.group_sums = torch.zeros(
            min(samples, JACKKNIFE_GROUPS), images, dtype=torch.float64, device=device
        )
        self.count = 0
        self._bounds: list[Tensor] = []  # of more than GROUPED weights
        self._first = torch.empty(0, images, dtype=torch.float64, device=device)
        self._sample_sizes = sample_sizes(samples)
        self._tail = torch.empty(0, images, dtype=torch.float64, device=device)
        self._tail_size = tail_length(samples) + 1  # and the threshold

    def __repr__(self) -> str:
        return f"ImportanceWeights(images={len(self.sum)}, count={self.count} of {self._sample_sizes[-1]})"

    def add(self, log_weights: Tensor) -> None:
        """Add log w of shape (k, B)."""
        log_weights = log_weights.double()
        self._add_bounds(log_weights)
        self._tail = torch.cat([self._tail, log_weights])
        if len(self._tail) > 2 * self._tail_size:  # seldom, since topk costs about the same for any size
            self._tail = self._tail.topk(self._tail_size, 0).values
        largest = torch.maximum(self.largest, log_weights.amax(0))
        anchor = torch.where(largest.isfinite(), largest, torch.zeros_like(largest))
        shrink = torch.exp(self.largest - anchor)
        weights = torch.exp(log_weights - anchor)
        self.sum = self.sum * shrink + weights.sum(0)
        self.sum_of_squares = self.sum_of_squares * shrink.square() + weights.square().sum(0)
        groups = (self.count + torch.arange(len(weights), device=weights.device)) % len(self.group_sums)
        self.group_sums = (self.group_sums * shrink).index_add(0, groups, weights)
        self.largest, self.count = largest, self.count + len(log_weights)

    @property
    def log_mean(self) -> Tensor:
        """(B,): log of the mean weight."""
        return self._log_sum - math.log(self.count)

    @property
    def effective_sample_size(self) -> Tensor:
        """(B,): between 1 and the number of samples."""
        return self.sum.square() / self.sum_of_squares

    @property
    def growth(self) -> Tensor:
        """(G, B): the bound of n weights, for each n of `sample_sizes(K)`."""
        few = [n for n in self._sample_sizes if n <= len(self._first)]
        return torch.stack([*(_group_mean(self._first, n) for n in few), *self._bounds])

    @property
    def pareto_k(self) -> Tensor:
        """(B,): the shape of the tail; see `vaekit.evaluation.psis.pareto_k`."""
        return pareto_k(self._tail.topk(min(self._tail_size, len(self._tail)), 0).values)

    @property
    def monte_carlo_error(self) -> tuple[Tensor, Tensor]:
        """Two tensors (B,): the variance of `log_mean` over draws of the weights, and its shortfall.

        The shortfall is an estimate of log p - E log_mean, which is at least 0 as the logarithm is concave.
        Both are NaN for a single weight. Both are too small where a few weights carry the sum (Pareto k above
        0.7).
        """
        groups = len(self.group_sums)
        if groups < 2:
            unknown = torch.full_like(self.sum, math.nan)
            return unknown, unknown
        indices = torch.arange(self.count, device=self.sum.device) % groups
        sizes = torch.bincount(indices, minlength=groups).to(self.sum).unsqueeze(1)
        others = (1 - torch.eye(groups, dtype=torch.float64, device=self.sum.device)) @ self.group_sums
        without = others.clamp_min(_SMALLEST).log() - (self.count - sizes).log()
        whole = self.sum.log() - math.log(self.count)
        share = self.count / sizes
        pseudo = share * whole - (share - 1) * without
        corrected = groups * whole - ((1 - 1 / share) * without).sum(0)
        variance = ((pseudo - corrected).square() / (share - 1)).mean(0)
        return variance, (corrected - whole).clamp_min(0)

    @property
    def _log_sum(self) -> Tensor:
        return self.largest + torch.log(self.sum)

    def _add_bounds(self, log_weights: Tensor) -> None:
        """The bound of the first n weights, for each n of `sample_sizes` that these weights reach."""
        self._first = torch.cat([self._first, log_weights[: GROUPED - len(self._first)]])
        many = [n for n in self._sample_sizes if n > GROUPED]
        for n in many[len(self._bounds) :]:
            if n > self.count + len(log_weights):
                return
            log_sum = torch.logaddexp(self._log_sum, log_weights[: n - self.count].logsumexp(0))
            self._bounds.append(log_sum - math.log(n))


def _group_mean(log_weights: Tensor, n: int) -> Tensor:
    """The mean over disjoint groups of n weights of the log of their mean, (B,)."""
    groups = log_weights[: len(log_weights) // n * n].unflatten(0, (-1, n))
    return groups.logsumexp(1).mean(0) - math.log(n)


def sample_sizes(samples: int) -> list[int]:
    """The numbers of samples for which the bound is kept: 1, 2, 5, 10, 20, 50, ... below K, and K.

    Example:
        >>> sample_sizes(60)
        [1, 2, 5, 10, 20, 50, 60]
    """
    steps = [m * 10**e for e in range(len(str(samples))) for m in (1, 2, 5)]
    return [*(n for n in steps if n < samples), samples]
