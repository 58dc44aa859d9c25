"""Nearest data points in latent space, by Euclidean distance between means of posteriors.

With |a - z|^2 = |a|^2 - 2 a z + |z|^2, one product of the matrix of all a finds candidates. Their distances
are then computed without the cancellation of that formula.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

_SPARE = 16  # candidates beyond those that are asked for, as the formula rounds


class Neighbors(NamedTuple):
    """The nearest data points of a latent vector, the nearest first.

    Attributes:
        index: (k,), their positions.
        distance: (k,), in units of the latents.

    Example:
        >>> Neighbors(np.array([4]), np.array([0.5])).index
        array([4])
    """

    index: np.ndarray  # type: ignore[assignment]  # a tuple has a method of that name
    distance: np.ndarray


@dataclass(frozen=True)
class NeighborSearch:
    """A search among N latent vectors.

    Attributes:
        latents: (N, d).

    Example:
        >>> NeighborSearch(np.array([[0.0, 0], [3, 4], [1, 0]])).nearest(np.zeros(2), 2)
        Neighbors(index=array([0, 2]), distance=array([0., 1.]))
    """

    latents: np.ndarray = field(repr=False)

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.square(self.latents).sum(1)

    def nearest(self, z: np.ndarray, k: int, among: np.ndarray | None = None) -> Neighbors:
        """The k nearest of a latent vector (d,) among all, or those of a mask (N,); all if there are fewer.

        Of two at the same distance, the one of the smaller index is first.
        """
        rough = self._squares - 2 * (self.latents @ z.astype(self.latents.dtype))
        if among is not None:
            rough = np.where(among, rough, np.inf)
        k = min(k, len(rough) if among is None else int(among.sum()))
        most = min(k + _SPARE, len(rough))
        candidates = np.argpartition(rough, most - 1)[:most]
        squares = np.square(self.latents[candidates].astype(np.float64) - z).sum(1)
        if among is not None:
            squares[~among[candidates]] = np.inf
        order = np.lexsort((candidates, squares))[:k]
        return Neighbors(candidates[order], np.sqrt(squares[order]))
