"""The labels that a conditional model is conditioned on, and their prior

    p(y) = sum_k p_k [y = y_k],        log p(x) = log sum_k p_k p(x | y_k).

A label y is a vector of m values. `LabelPrior` holds M vectors y_k and their log-probabilities, which are
stored with the model. For classes the y_k are one-hot and the p_k are the frequencies in the training set.
For attributes the y_k are rows of the training set. Networks receive the standardized labels
(y - center) / scale; for classes the center is 0 and the scale 1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

MAX_ROWS = 256  # rows of attributes in p(y)


class LabelPrior(nn.Module):
    """A discrete distribution p(y) over M label vectors of m values.

    Args:
        values: (M, m), the vectors y_k.
        log_prob: (M,), log p_k, -inf for a label that never occurs; uniform by default.
        center, scale: (m,), the offset and scale of standardized labels; 0 and 1 by default.

    >>> labels = LabelPrior(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    >>> labels
    LabelPrior(n_labels=2, label_dim=2)
    >>> labels(torch.tensor([1, 0, 1]))
    tensor([[0., 1.],
            [1., 0.],
            [0., 1.]])
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
        """m, the size of a label vector."""
        return self.values.shape[1]

    def extra_repr(self) -> str:
        return f"n_labels={len(self)}, label_dim={self.label_dim}"

    def vectors(self, y: Tensor) -> Tensor:
        """Convert labels to vectors (..., m).

        Args:
            y: (...) integers k, the indices of the y_k, or (..., m) real vectors, returned unchanged.

        Raises:
            ValueError: an index out of range, a vector of another size, or another type.
        """
        if y.is_floating_point():
            if not y.dim() or y.shape[-1] != self.label_dim:
                raise ValueError(
                    f"y: expected vectors of {self.label_dim} numbers, got shape {tuple(y.shape)}"
                )
            return y.to(self.values.dtype)
        if y.is_complex() or y.dtype == torch.bool:
            raise ValueError(f"y: expected integers, or vectors of real numbers, got {y.dtype}")
        if y.device.type == "cpu" and y.numel():
            low, high = int(y.min()), int(y.max())
            if low < 0 or high >= len(self):
                raise ValueError(f"y: expected labels from 0 to {len(self) - 1}, got {low} to {high}")
        return self.values[y.long()]

    def forward(self, y: Tensor) -> Tensor:
        """Standardized label vectors (..., m), the input of networks; the argument is that of `vectors`."""
        return (self.vectors(y) - self.center) / self.scale

    def sample(self, n: int) -> Tensor:
        """(n, m): label vectors sampled from p(y)."""
        return self.values[Categorical(logits=self.log_prob, validate_args=False).sample((n,))]

    @property
    def one_hot(self) -> bool:
        """Whether the labels are classes."""
        return torch.equal(self.values, torch.eye(len(self)).to(self.values))

    @property
    def support(self) -> Tensor:
        """The indices k with p_k > 0."""
        return self.log_prob.isfinite().nonzero()[:, 0]

    @property
    def mode(self) -> int:
        """The index k of the largest p_k."""
        return int(self.log_prob.argmax())


def class_prior(n_classes: int, labels: Tensor | None = None) -> LabelPrior:
    """p(y) over classes: one-hot vectors with the frequencies of the training labels.

    Args:
        n_classes: m.
        labels: (N,), class indices of the training set; None gives all classes the same probability. A class
            that does not occur has probability 0.

    >>> class_prior(3, torch.tensor([0, 0, 0, 2])).log_prob.exp()
    tensor([0.7500, 0.0000, 0.2500])
    """
    if labels is None:
        return LabelPrior(torch.eye(n_classes))
    counts = torch.bincount(labels, minlength=n_classes).double()
    return LabelPrior(torch.eye(n_classes), (counts / counts.sum()).log().float())


def attribute_prior(rows: Tensor, seed: int = 0) -> LabelPrior:
    """p(y) over attributes: the distinct rows of the training set with their frequencies.

    More than 256 distinct rows are represented by 256 random rows. Center and scale are the mean and the
    standard deviation of each column.

    Args:
        rows: (N, m), the attributes of the training set.
        seed: of the random choice of rows.

    >>> labels = attribute_prior(torch.tensor([[1.0], [1.0], [1.0], [5.0]]))
    >>> labels.log_prob.exp(), labels.center
    (tensor([0.7500, 0.2500]), tensor([2.]))
    """
    values, counts = rows.unique(dim=0, return_counts=True)
    if len(values) > MAX_ROWS:
        chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:MAX_ROWS]
        values, counts = rows[chosen], torch.ones(MAX_ROWS)
    deviation = rows.double().std(0, correction=0).float()
    scale = torch.where(deviation > 0, deviation, 1.0)
    return LabelPrior(values, F.log_softmax(counts.log(), 0).float(), rows.double().mean(0).float(), scale)
