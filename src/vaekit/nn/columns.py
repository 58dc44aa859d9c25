"""The columns of a table as the features that an encoder sees.

numbers      x as it is, with 0 for a missing value
categories   one feature per word, 1 for the word of the row; all 0 for a missing value
counts       log(1 + x), where x is the count itself
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

    >>> features = ColumnFeatures([Column("size"), Column("color", "category", ("red", "blue"))])
    >>> features(torch.tensor([[0.5, 2.0], [0.0, 0.0]]))  # the second row has no known value
    tensor([[0.5000, 0.0000, 1.0000],
            [0.0000, 0.0000, 0.0000]])
    """

    source: Tensor
    word: Tensor
    raw: Tensor

    def __init__(self, columns: Sequence[Column]):
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
        self.has_raw = any(raw)  # not read from the tensor, which an exported graph knows only when it runs

    @property
    def size(self) -> int:
        """F, the number of features."""
        return len(self.source)

    def forward(self, x: Tensor) -> Tensor:
        if self.has_raw:
            x = torch.where(self.raw, x.clamp_min(0).log1p(), x)
        values = x[..., self.source]
        return torch.where(self.word > 0, (values.round() == self.word).to(x), values)


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
