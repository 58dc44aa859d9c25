"""Importance weights as a stream: K of them for each of B images, in memory that does not grow with K.

A running maximum of log w, and the sums of w and of w^2 relative to it, give the mean weight and the
effective sample size (sum w)^2 / sum w^2 (Kong 1992). On the way the bound of the first n draws is noted for
n = 1, 2, 5, 10, ..., K, and the largest 3 sqrt K weights are kept, for their tail.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaekit.evaluation.psis import pareto_k, tail_length


class ImportanceWeights:
    """Streaming log-mean-exp of importance weights, for B images at once.

    Args:
        images: B.
        samples: K, so many will come.
        device: of the weights.
    """

    def __init__(self, images: int, samples: int, device: torch.device):
        self.largest = torch.full((images,), -math.inf, dtype=torch.float64, device=device)
        self.sum = torch.zeros(images, dtype=torch.float64, device=device)
        self.sum_of_squares = torch.zeros_like(self.sum)
        self.count = 0
        self._noted: list[Tensor] = []
        self._ladder = sample_sizes(samples)
        self._kept = torch.empty(0, images, dtype=torch.float64, device=device)
        self._keep = tail_length(samples) + 1  # the threshold as well

    def add(self, log_weights: Tensor) -> None:
        """Take in log w of shape (k, B)."""
        log_weights = log_weights.double()
        self._note(log_weights)
        self._keep_largest(log_weights)
        largest = torch.maximum(self.largest, log_weights.amax(0))
        anchor = torch.where(largest.isfinite(), largest, torch.zeros_like(largest))
        shrink = torch.exp(self.largest - anchor)
        weights = torch.exp(log_weights - anchor)
        self.sum = self.sum * shrink + weights.sum(0)
        self.sum_of_squares = self.sum_of_squares * shrink.square() + weights.square().sum(0)
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
        """(G, B): log of the mean of the first n weights, for each n of `ladder(K)`."""
        return torch.stack(self._noted)

    @property
    def pareto_k(self) -> Tensor:
        """(B,): the shape of the tail; see `pareto.k_hat`."""
        return pareto_k(self._kept.topk(min(self._keep, len(self._kept)), 0).values)

    @property
    def _log_sum(self) -> Tensor:
        return self.largest + torch.log(self.sum)

    def _note(self, log_weights: Tensor) -> None:
        """The bound of the first n, for each n that lies in this portion."""
        for n in self._ladder[len(self._noted) :]:
            if n > self.count + len(log_weights):
                return
            so_far = torch.logaddexp(self._log_sum, log_weights[: n - self.count].logsumexp(0))
            self._noted.append(so_far - math.log(n))

    def _keep_largest(self, log_weights: Tensor) -> None:
        """Sorted out only now and then: it costs about the same for many as for few."""
        self._kept = torch.cat([self._kept, log_weights])
        if len(self._kept) > 2 * self._keep:
            self._kept = self._kept.topk(self._keep, 0).values


def sample_sizes(samples: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... up to K, and K."""
    steps = [m * 10**e for e in range(len(str(samples))) for m in (1, 2, 5)]
    return [*(n for n in steps if n < samples), samples]
