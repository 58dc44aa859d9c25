"""The metrics for TensorBoard, which is not needed for anything else."""

from __future__ import annotations

from pathlib import Path

from vaekit.errors import VaekitError
from vaekit.training.display import Record, RunningMeans
from vaekit.training.position import Position


class TensorBoardLogger:
    """Writes each number of an epoch's line of metrics as a scalar at its step.

    Args:
        folder: where to.

    Raises:
        VaekitError: TensorBoard is not installed.
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

    def start(self, epochs: int, batches: int, state: Position) -> None:
        """Open the file; what an interrupted training wrote past the position is dropped by TensorBoard."""
        self._writer = self._open(str(self._folder), purge_step=state.step + 1)

    def step(self, state: Position, so_far: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None:
        levels = {f"kl_layers/{i}": kl for i, kl in enumerate(record["kl_layers"] or [])}
        for name, value in {**record, **levels}.items():
            if isinstance(value, int | float):
                self._writer.add_scalar(name, value, record["step"])
        self._writer.flush()

    def note(self, text: str) -> None: ...

    def stop(self) -> None:
        self._writer.close()
