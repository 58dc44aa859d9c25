"""What was measured before an interruption: the numbers of finished batches, in a file until all are done.

Each batch has draws of its own, so that going on gives the numbers of a measurement that was never
interrupted. A key names all that has a say in them, the weights included. Each key has a file of its own, so
that another measurement in between takes nothing away.
"""

from __future__ import annotations

import hashlib
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vaekit.evaluation.results import PerImageMetrics, concatenate
from vaekit.utils.io import UNREADABLE, write_whole

WRITE_INTERVAL = 10.0  # seconds
_KEY_LENGTH = 12  # characters of a key that are in the name of its file


class ResumableResults:
    """The finished batches of a measurement.

    Args:
        file: where they are kept, as `name-key.npz` for `name.npz`; nowhere without it.
        key: of the measurement.

    Attributes:
        batches: how many are done.
        parts: their numbers.
    """

    def __init__(self, file: Path | None = None, key: str = ""):
        self.file, self.key = file and file.with_stem(f"{file.stem}-{key[:_KEY_LENGTH]}"), key
        self.batches, self._before, self.parts = _read_batches(self.file, key) if self.file else (0, 0.0, [])
        self._began = self._written = time.monotonic()

    @property
    def images(self) -> int:
        """How many images are done."""
        return sum(part.log_likelihood.shape[-1] for part in self.parts)

    @property
    def seconds(self) -> float:
        """Wall-clock time spent so far, that before an interruption included."""
        return self._before + time.monotonic() - self._began

    def add(self, part: PerImageMetrics) -> None:
        """One more batch; the file is brought up to date now and then."""
        self.parts.append(concatenate([part]))
        self.batches += 1
        if time.monotonic() - self._written > WRITE_INTERVAL:
            self.write()

    def write(self) -> None:
        """Bring the file up to date."""
        if self.file and self.parts:
            content = io.BytesIO()
            columns = {name: column.numpy() for name, column in self.concatenate()._asdict().items()}
            state: dict[str, Any] = {"key": self.key, "batches": self.batches, "seconds": self.seconds}
            np.savez(content, allow_pickle=False, **state, **columns)
            write_whole(self.file, content.getvalue())
        self._written = time.monotonic()

    def concatenate(self) -> PerImageMetrics:
        """The numbers of all batches side by side."""
        return concatenate(self.parts)

    def clear(self) -> None:
        """All is done and written down: the file goes."""
        if self.file:
            self.file.unlink(missing_ok=True)


def measurement_key(model: nn.Module, **settings: Any) -> str:
    """A digest of a model's weights, and of settings that print as they are."""
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode() + values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read_batches(file: Path, key: str) -> tuple[int, float, list[PerImageMetrics]]:
    """The batches that are done, the seconds they took, and their numbers; none where they cannot be read."""
    try:
        with np.load(file, allow_pickle=False) as found:
            if str(found["key"]) != key:
                return 0, 0.0, []
            columns = PerImageMetrics(*(torch.from_numpy(found[name]) for name in PerImageMetrics._fields))
            return int(found["batches"]), float(found["seconds"]), [columns]
    except UNREADABLE:
        return 0, 0.0, []
