"""The columns of a table as the features that an encoder sees.

numbers      x as it is, with 0 for a missing value
categories   one feature per word, 1 for the word of the row; all 0 for a missing value
counts       log(1 + x), where x is the count itself; where the total l of a row is given to the likelihood,
             log(1 + x L / l), with a typical total L: what was counted, not how much
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaekit.spec import Column


class ColumnFeatures(nn.Module):
    """Model values of a table, (..., D) -> features (..., F).

    Args:
        columns: the D columns.
        total: L, the total that the counts of each row are scaled to; None leaves them as they are.

    >>> features = ColumnFeatures([Column("size"), Column("color", "category", ("red", "blue"))])
    >>> features(torch.tensor([[0.5, 2.0], [0.0, 0.0]]))  # the second row has no known value
    tensor([[0.5000, 0.0000, 1.0000],
            [0.0000, 0.0000, 0.0000]])
    """

    source: Tensor
    word: Tensor
    raw: Tensor
    total: Tensor | None

    def __init__(self, columns: Sequence[Column], total: float | None = None):
        super().__init__()
        rows = [
            (j, index)
            for j, column in enumerate(columns)
            for index in (range(1, len(column.categories) + 1) if not column.is_numeric else (0,))
        ]
        raw = [column.kind == "count" and column.scaling == "none" for column in columns]
        source, word = zip(*rows, strict=True)
        self.register_buffer("source", torch.tensor(source), persistent=False)
        self.register_buffer("word", torch.tensor(word), persistent=False)
        self.register_buffer("raw", torch.tensor(raw), persistent=False)
        self.register_buffer("total", None if total is None else torch.tensor(total))

    @property
    def size(self) -> int:
        """F, the number of features."""
        return len(self.source)

    def forward(self, x: Tensor) -> Tensor:
        if bool(self.raw.any()):
            x = torch.where(self.raw, self._relative(x.clamp_min(0)).log1p(), x)
        values = x[..., self.source]
        return torch.where(self.word > 0, (values.round() == self.word).to(x), values)

    def _relative(self, counts: Tensor) -> Tensor:
        """Counts scaled to the typical total, if there is one."""
        if self.total is None:
            return counts
        return counts * (self.total / torch.where(self.raw, counts, 0).sum(-1, keepdim=True).clamp_min(1))


class OnFeatures(nn.Module):
    """A network that sees the features of the columns instead of the columns.

    Args:
        features: (..., D) -> (..., F).
        network: (..., F) and further inputs -> an output.

    >>> net = OnFeatures(ColumnFeatures([Column("a", "category", ("x", "y", "z"))]), nn.Linear(3, 5))
    >>> net(torch.ones(4, 1)).shape
    torch.Size([4, 5])
    """

    def __init__(self, features: ColumnFeatures, network: nn.Module):
        super().__init__()
        self.features, self.network = features, network

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return self.network(self.features(x), *others)
