"""What a conditional model is told beside the image: a label y, a vector of m numbers, and its prior p(y).

    p(y) = sum_k p_k [y = y_k],        log p(x) = log sum_k p_k p(x | y_k)

`Labels` holds the M vectors y_k and their log-probabilities; they are stored with the model. For classes the
y_k are the one-hot vectors and the p_k the frequencies of training; for attributes the y_k are the rows of
the training images. Networks are given (y - center) / scale, so that columns of any unit weigh about the
same; of one-hot vectors the center is 0 and the spread 1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

MAX_ROWS = 256  # rows of attributes that p(y) is made of


class LabelPrior(nn.Module):
    """M vectors of m numbers with their probabilities.

    Args:
        values: (M, m), the vectors.
        log_prob: (M,), log p_k; minus infinity for what never occurs; all the same if left out.
        center, scale: (m,), what is taken off a vector, and what it is then divided by; 0 and 1 if left out.
    """

    values: Tensor
    log_prob: Tensor
    center: Tensor
    scale: Tensor

    def __init__(
        self,
        values: Tensor,
        log_prob: Tensor | None = None,
        center: Tensor | None = None,
        scale: Tensor | None = None,
    ):
        super().__init__()
        equal = torch.full((len(values),), -math.log(len(values)))
        self.register_buffer("values", values)
        self.register_buffer("log_prob", equal if log_prob is None else log_prob)
        self.register_buffer("center", torch.zeros(values.shape[1]) if center is None else center)
        self.register_buffer("scale", torch.ones(values.shape[1]) if scale is None else scale)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def label_dim(self) -> int:
        """m, the numbers of a label."""
        return self.values.shape[1]

    def vectors(self, y: Tensor) -> Tensor:
        """Labels as vectors (..., m): whole numbers k (...) name the y_k, real numbers are vectors already.

        Raises:
            ValueError: a number that names none of the y_k, a vector of another size, or another type.
        """
        if y.is_floating_point():
            return self._sized(y).to(self.values.dtype)
        if y.is_complex() or y.dtype == torch.bool:
            raise ValueError(f"y: expected whole numbers, or vectors of real numbers, got {y.dtype}")
        if y.device.type == "cpu" and y.numel():
            self._check_range(int(y.min()), int(y.max()))
        return self.values[y.long()]

    def forward(self, y: Tensor) -> Tensor:
        """Labels (...) or (..., m) as networks are given them, (..., m); raises as `vectors`."""
        return (self.vectors(y) - self.center) / self.scale

    def sample(self, n: int) -> Tensor:
        """(n, m): vectors from p(y)."""
        return self.values[Categorical(logits=self.log_prob, validate_args=False).sample((n,))]

    @property
    def one_hot(self) -> bool:
        """Whether the vectors are those of classes."""
        return torch.equal(self.values, torch.eye(len(self)).to(self.values))

    @property
    def support(self) -> Tensor:
        """The k that occur, those of p_k > 0."""
        return self.log_prob.isfinite().nonzero()[:, 0]

    @property
    def mode(self) -> int:
        """The k of the largest p_k."""
        return int(self.log_prob.argmax())

    def _check_range(self, low: int, high: int) -> None:
        if not 0 <= low <= high < len(self):
            raise ValueError(f"y: expected labels from 0 to {len(self) - 1}, got some from {low} to {high}")

    def _sized(self, y: Tensor) -> Tensor:
        if y.dim() and y.shape[-1] == self.label_dim:
            return y
        raise ValueError(f"y: expected vectors of {self.label_dim} numbers, got shape {tuple(y.shape)}")


def class_prior(classes: int, numbers: Tensor | None = None) -> LabelPrior:
    """One-hot vectors, with the frequencies of class numbers (N,), or all the same without any.

    A class that never occurs has probability 0.
    """
    if numbers is None:
        return LabelPrior(torch.eye(classes))
    counts = torch.bincount(numbers, minlength=classes).double()
    return LabelPrior(torch.eye(classes), (counts / counts.sum()).log().float())


def attribute_prior(rows: Tensor, seed: int = 0) -> LabelPrior:
    """The distinct rows of (N, m) real numbers, with their frequencies.

    Where more than 256 are distinct, 256 of the N rows stand for all, drawn from `seed`. Center and spread
    are mean and standard deviation of each column.
    """
    values, counts = rows.unique(dim=0, return_counts=True)
    if len(values) > MAX_ROWS:
        some = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_ROWS]
        values, counts = rows[some], torch.ones(MAX_ROWS)
    deviation = rows.double().std(0, correction=0).float()
    scale = torch.where(deviation > 0, deviation, 1.0)
    return LabelPrior(values, F.log_softmax(counts.log(), 0).float(), rows.double().mean(0).float(), scale)
