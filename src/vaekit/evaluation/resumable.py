"""Resume an interrupted evaluation: the metrics of finished batches are kept in a file.

The random draws of a batch depend only on the seed and the index of the batch, so a resumed evaluation gives
identical results. A key is a digest of everything that the results depend on, the weights included. Each key
has its own file, so evaluations with other settings do not overwrite it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vaekit.errors import VaekitError
from vaekit.evaluation.results import PerImageMetrics, concatenate
from vaekit.utils.io import UNREADABLE, write_whole

WRITE_INTERVAL = 10.0  # seconds between two writes of the file
_log = logging.getLogger(__name__)
_KEY_LENGTH = 12  # characters of the key in the name of the file


class ResumableResults:
    """The finished batches of an evaluation.

    Args:
        file: `name.npz`; the batches are kept in `name-key.npz`. Nothing is written if None.
        key: of the evaluation; see `measurement_key`.

    Attributes:
        batches: the number of finished batches.
        metrics: their metrics.

    Example:
        >>> results = ResumableResults()
        >>> zeros = torch.zeros(3)
        >>> results.add(
        ...     PerImageMetrics(
        ...         zeros, zeros[None], zeros, zeros, zeros, zeros[None], zeros, zeros[None], zeros,
        ...         zeros[None], zeros, zeros,
        ...     )
        ... )
        >>> results
        ResumableResults(file=None, batches=1, images=3)
    """

    def __init__(self, file: Path | None = None, key: str = ""):
        self.file, self.key = file and file.with_stem(f"{file.stem}-{key[:_KEY_LENGTH]}"), key
        self.batches, self._before, self.metrics = (
            _read_batches(self.file, key) if self.file else (0, 0.0, [])
        )
        self._began = self._written = time.monotonic()

    def __repr__(self) -> str:
        file = self.file and self.file.name
        return f"ResumableResults(file={file}, batches={self.batches}, images={self.images})"

    @property
    def images(self) -> int:
        """The number of finished images."""
        return sum(len(batch.log_likelihood) for batch in self.metrics)

    @property
    def seconds(self) -> float:
        """Wall-clock time so far, before and after an interruption."""
        return self._before + time.monotonic() - self._began

    def add(self, batch: PerImageMetrics) -> None:
        """Add a finished batch, and write the file if the last write is 10 seconds old."""
        self.metrics.append(concatenate([batch]))
        self.batches += 1
        if time.monotonic() - self._written > WRITE_INTERVAL:
            self.write()

    def write(self) -> None:
        """Write all finished batches to the file."""
        if self.file and self.metrics:
            content = io.BytesIO()
            columns = {name: column.numpy() for name, column in self.concatenate()._asdict().items()}
            state: dict[str, Any] = {"key": self.key, "batches": self.batches, "seconds": self.seconds}
            np.savez(content, allow_pickle=False, **state, **columns)
            try:
                write_whole(self.file, content.getvalue())
            except VaekitError as error:
                _log.warning("finished batches are not kept: %s", error)
                self.file = None
        self._written = time.monotonic()

    def concatenate(self) -> PerImageMetrics:
        """The metrics of all finished images."""
        return concatenate(self.metrics)

    def clear(self) -> None:
        """Remove the file, once the evaluation is saved."""
        if self.file:
            with suppress(OSError):
                self.file.unlink(missing_ok=True)


def measurement_key(model: nn.Module, **settings: Any) -> str:
    """A digest of the weights of a model and of settings, by their `repr`.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> measurement_key(model, samples=5) == measurement_key(model, samples=5)
        True
        >>> measurement_key(model, samples=5) == measurement_key(model, samples=6)
        False
    """
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode() + values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read_batches(file: Path, key: str) -> tuple[int, float, list[PerImageMetrics]]:
    """The number of finished batches, their seconds and their metrics; none if the file cannot be read."""
    try:
        with np.load(file, allow_pickle=False) as found:
            if str(found["key"]) != key:
                return 0, 0.0, []
            columns = PerImageMetrics(*(torch.from_numpy(found[name]) for name in PerImageMetrics._fields))
            return int(found["batches"]), float(found["seconds"]), [columns]
    except UNREADABLE:
        return 0, 0.0, []
