"""Nearest data points in latent space, by Euclidean distance between means of posteriors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Neighbors(NamedTuple):
    """The nearest data points of a latent vector, the nearest first.

    Attributes:
        index: (k,), their positions.
        distance: (k,), in units of the latents.

    Example:
        >>> nearest(np.array([[0.0, 0], [3, 4], [1, 0]]), np.zeros(2), 2)
        Neighbors(index=array([0, 2]), distance=array([0., 1.]))
    """

    index: np.ndarray
    distance: np.ndarray


def nearest(latents: np.ndarray, z: np.ndarray, k: int) -> Neighbors:
    """The k data points nearest to a latent vector.

    Args:
        latents: (N, d).
        z: (d,).
        k: how many; all if there are fewer.

    Returns:
        The neighbors; of two at the same distance, the one of the smaller index is first.

    Example:
        >>> nearest(np.array([[0.0], [5.0]]), np.array([4.0]), 1).distance
        array([1.])
    """
    squares = np.square(latents - z.astype(latents.dtype)).sum(1)
    k = min(k, len(squares))
    chosen = np.argpartition(squares, k - 1)[:k]
    order = chosen[np.lexsort((chosen, squares[chosen]))]
    return Neighbors(order, np.sqrt(squares[order]))
