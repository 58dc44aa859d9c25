"""The metrics of a training as TensorBoard events (needs the extra `tensorboard`).

Set `training.tensorboard=true`, then run `tensorboard --logdir runs`.
"""

from __future__ import annotations

from pathlib import Path

from vaekit.errors import VaekitError
from vaekit.training.display import Record, RunningMeans
from vaekit.training.position import Position


class TensorBoardLogger:
    """Writes each number of an epoch's record as a scalar at its step.

    Args:
        folder: where to write the events.

    Raises:
        VaekitError: TensorBoard is not installed.

    >>> hasattr(TensorBoardLogger, "epoch")
    True
    """

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise VaekitError(
                'TensorBoard is not installed; run: pip install "vaekit[tensorboard]", '
                "or set training.tensorboard=false"
            ) from error
        self._open, self._folder = SummaryWriter, folder

    def start(self, epochs: int, batches: int, position: Position) -> None:
        """Open the file; TensorBoard drops what an interrupted training wrote after the position."""
        self._writer = self._open(str(self._folder), purge_step=position.step + 1)

    def step(self, position: Position, running_means: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None:
        layers = {f"kl_layers/{i}": kl for i, kl in enumerate(record["kl_layers"] or [])}
        for name, value in {**record, **layers}.items():
            if isinstance(value, int | float):
                self._writer.add_scalar(name, value, record["step"])
        self._writer.flush()

    def note(self, text: str) -> None: ...

    def stop(self) -> None:
        self._writer.close()
