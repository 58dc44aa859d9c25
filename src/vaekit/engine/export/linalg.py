"""Triangular matrices in elementary operations, since ONNX has no Cholesky factor and no triangular solve.

Both loops over d run at export, so that a graph has a number of operations in proportion to d.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cholesky(matrix: Tensor) -> Tensor:
    """The lower triangular L with L L^T = `matrix`, (..., d, d), column by column.

    Example:
        >>> cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
        tensor([[2., 0.],
                [1., 2.]])
    """
    d = matrix.shape[-1]
    columns: list[Tensor] = []
    for j in range(d):
        rest = matrix[..., j:, j]
        for column in columns:
            rest = rest - column[..., j:] * column[..., j : j + 1]
        column = rest / rest[..., :1].sqrt()
        columns.append(torch.cat([torch.zeros_like(matrix[..., :j, j]), column], -1) if j else column)
    return torch.stack(columns, -1)


def solve_lower(triangular: Tensor, right: Tensor) -> Tensor:
    """X with L X = `right` for lower triangular L (..., d, d) and (..., d, k), by forward substitution.

    Example:
        >>> solve_lower(torch.tensor([[2.0, 0.0], [1.0, 2.0]]), torch.tensor([[2.0], [5.0]])).flatten()
        tensor([1., 2.])
    """
    rows: list[Tensor] = []
    for i in range(triangular.shape[-1]):
        rest = right[..., i, :]
        if rows:
            rest = rest - (triangular[..., i, :i, None] * torch.stack(rows, -2)).sum(-2)
        rows.append(rest / triangular[..., i, i, None])
    return torch.stack(rows, -2)


def solve_triangular(
    triangular: Tensor, right: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """`torch.linalg.solve_triangular` in elementary operations.

    Example:
        >>> upper, right = torch.tensor([[2.0, 1.0], [0.0, 2.0]]), torch.tensor([[4.0], [4.0]])
        >>> solve_triangular(upper, right, upper=True).flatten()
        tensor([1., 2.])
    """
    if not left:  # X A = B is A^T X^T = B^T
        return solve_triangular(triangular.mT, right.mT, upper=not upper, unitriangular=unitriangular).mT
    if unitriangular:
        eye = torch.eye(triangular.shape[-1], dtype=triangular.dtype, device=triangular.device)
        triangular = triangular * (1 - eye) + eye
    if upper:
        return solve_lower(triangular.flip(-1, -2), right.flip(-2)).flip(-2)
    return solve_lower(triangular, right)
