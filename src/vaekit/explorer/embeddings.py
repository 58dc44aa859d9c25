"""UMAP and t-SNE of the latents, computed in the background.

They take seconds to minutes, so each is computed in a process of its own, at low priority: the page stays
fluid, and shows another map meanwhile. Many latents are embedded by a random subset; the others are placed at
the mean of their nearest neighbors in it.

    python -m vaekit.explorer.embeddings KIND DIMS FOLDER     reads latents.npy, writes points.npy
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.errors import VaekitError
from vaekit.explorer.projection import NeighborProjection
from vaekit.plotting import embed
from vaekit.plotting.projection import METHODS

MOST = {"umap": 20_000, "tsne": 10_000}
"""How many latents are embedded: both take one or two minutes on one processor."""


class Waiting(NamedTuple):
    """A map that is not computed yet.

    Attributes:
        kind, dims: of the map.
        seconds: since it was asked for.
        latents: how many are embedded.

    Example:
        >>> Waiting("umap", 2, 3.0, 500).kind
        'umap'
    """

    kind: str
    dims: int
    seconds: float
    latents: int


class Embeddings:
    """The embeddings of N latent vectors, each computed once.

    Args:
        latents: (N, d).

    Example:
        >>> embeddings = Embeddings(np.random.default_rng(0).normal(size=(40, 3)))
        >>> type(embeddings.find("tsne", 2)).__name__
        'Waiting'
        >>> embeddings.wait("tsne", 2).points.shape
        (40, 2)
    """

    def __init__(self, latents: np.ndarray):
        self._latents = latents
        self._jobs: dict[tuple[str, int], _Job] = {}

    def find(self, kind: str, dims: int) -> NeighborProjection | Waiting:
        """A map if it is ready; the first question starts its computation.

        Args:
            kind: "umap" or "tsne".
            dims: 2 or 3.

        Raises:
            VaekitError: the computation failed; the next question starts it again.
        """
        if (kind, dims) not in self._jobs:
            self._jobs[kind, dims] = _Job(self._latents, kind, dims)
        job = self._jobs[kind, dims]
        if job.error is not None:
            del self._jobs[kind, dims]
            raise VaekitError(f"map: {METHODS[kind]} could not be computed ({job.error}); choose another map")
        return job.result or Waiting(kind, dims, time.monotonic() - job.began, job.size)

    def wait(self, kind: str, dims: int) -> NeighborProjection:
        """The same, once it is ready."""
        while isinstance(found := self.find(kind, dims), Waiting):
            time.sleep(0.05)
        return found


class _Job:
    """One embedding, and the thread that waits for its process."""

    def __init__(self, latents: np.ndarray, kind: str, dims: int):
        self.result: NeighborProjection | None = None
        self.error: str | None = None
        self.began = time.monotonic()
        self._latents, self._kind, self._dims = latents, kind, dims
        order = np.random.default_rng(0).permutation(len(latents))
        self._chosen = np.sort(order[: MOST[kind]])
        self.size = len(self._chosen)
        threading.Thread(target=self._run, name=f"explorer {kind}", daemon=True).start()

    def _run(self) -> None:
        try:
            points = compute(self._latents[self._chosen], self._kind, self._dims)
            self.result = self._projection(points)
        except Exception as error:
            self.error = str(error) or type(error).__name__

    def _projection(self, points: np.ndarray) -> NeighborProjection:
        names = tuple(f"{METHODS[self._kind]} {axis + 1}" for axis in range(self._dims))
        chosen = self._latents[self._chosen]
        fitted = NeighborProjection(self._kind, points, names, chosen, fitted=self.size)
        if self.size == len(self._latents):
            return fitted
        return NeighborProjection(
            self._kind, fitted.project(self._latents), names, self._latents, fitted=self.size
        )


def compute(latents: np.ndarray, kind: str, dims: int) -> np.ndarray:
    """Embed latents in another process, which ends with this one.

    Args:
        latents: (N, d).
        kind: "umap" or "tsne".
        dims: 2 or 3.

    Returns:
        (N, dims).

    Raises:
        VaekitError: the process failed.

    Example:
        >>> compute(np.random.default_rng(0).normal(size=(40, 3)), "tsne", 3).shape
        (40, 3)
    """
    with tempfile.TemporaryDirectory(prefix="vaekit-", ignore_cleanup_errors=True) as folder:
        np.save(Path(folder) / "latents.npy", latents)
        command = [sys.executable, "-m", "vaekit.explorer.embeddings", kind, str(dims), folder]
        paths = os.pathsep.join(path for path in sys.path if path)
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        atexit.register(process.kill)
        _, complaint = process.communicate()
        atexit.unregister(process.kill)
        if process.returncode:
            raise VaekitError((complaint.strip() or f"status {process.returncode}").splitlines()[-1])
        return np.load(Path(folder) / "points.npy")


def main(kind: str, dims: str, folder: str) -> None:
    """Embed the latents of a folder.

    Args:
        kind: "umap" or "tsne".
        dims: "2" or "3".
        folder: where latents.npy is and points.npy will be.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "latents.npy", np.eye(9))
        ...     main("tsne", "2", folder)
        ...     np.load(Path(folder) / "points.npy").shape
        (9, 2)
    """
    latents = np.load(Path(folder) / "latents.npy")
    points, _, _ = embed(latents, "umap" if kind == "umap" else "tsne", int(dims))
    np.save(Path(folder) / "points.npy", points)


if __name__ == "__main__":
    with suppress(AttributeError, OSError):  # Windows has no such priority
        os.nice(10)
    main(*sys.argv[1:])
