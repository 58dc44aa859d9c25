"""A model's progress in pictures: the same latents and images after each epoch, and a film of them.

What draws them is imported when the first is drawn, so that training begins without it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.models.labels import LabelPrior
from vaekit.utils.random import seeded

COLUMNS = 10


class SampleCallback:
    """Called after an epoch with its record; draws samples from fixed latents, and reconstructions.

    Args:
        trained: the model, as it is being trained.
        seen: where the images to reconstruct come from; always the same ones.
        folder: pictures go to folder/progress, films to folder.
        every: epochs from one picture to the next, from the first epoch on; 0 for none.
    """

    def __init__(self, trained: TrainedModel, seen: ObservedImages, folder: Path, every: int):
        self.trained, self.folder, self.every = trained, folder, every
        with seeded(0):  # images of training may be drawn anew at each use
            self.originals = seen.batch(torch.arange(min(COLUMNS, len(seen)))).cpu()
        self.labels = None if seen.labels is None else seen.labels[:COLUMNS]

    def __call__(self, record: dict[str, Any]) -> None:
        epoch = record["epoch"]
        if not self.every or (epoch - 1) % self.every:
            return
        model = self.trained.model
        drawn = model.sample(4 * COLUMNS, seed=0, y=_labels_by_column(model.labels, 4 * COLUMNS))
        again = model.reconstruct(self.originals.to(self.trained.device), self.labels)
        self._save("samples", epoch, drawn.float().cpu().numpy())
        self._save("reconstructions", epoch, torch.cat([self.originals, again.float().cpu()]).numpy())

    def animate(self) -> None:
        """Make a film of each kind of picture that there is."""
        from vaekit import plotting

        for kind in ("samples", "reconstructions"):
            if pictures := progress_frames(self.folder, kind):
                plotting.animate(list(pictures.values()), self.folder / f"progress-{kind}.gif")

    def _save(self, kind: str, epoch: int, images: np.ndarray) -> None:
        from vaekit import plotting

        file = self.folder / "progress" / f"{kind}-{epoch:04d}.png"
        plotting.save_grid(images.clip(0, 1), file, columns=COLUMNS, caption=f"epoch {epoch}")


def progress_frames(folder: Path, kind: str) -> dict[int, Path]:
    """The pictures of a kind, "samples" or "reconstructions", by epoch, in order.

    Args:
        folder: `figures` of a run.
    """
    found = (folder / "progress").glob(f"{kind}-*.png")
    return dict(sorted((int(re.findall(r"\d+", file.stem)[-1]), file) for file in found))


def _labels_by_column(labels: LabelPrior | None, n: int) -> torch.Tensor | None:
    """A label a column, for n images; None for a model that is told none."""
    return None if labels is None else torch.arange(n) % COLUMNS % len(labels)
