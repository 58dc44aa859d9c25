"""Images of the training progress: samples from the same latents and reconstructions of the same images.

Matplotlib is imported with the first image, so that training starts without it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.models.labels import LabelPrior
from vaekit.training.callbacks import FinishedEpoch
from vaekit.utils.random import seeded

COLUMNS = 10


class SampleCallback:
    """Saves samples from fixed latents and reconstructions of fixed images; called after each epoch.

    Args:
        trained: the model in training.
        images: the split whose first images are reconstructed.
        folder: images go to folder/progress, animations to folder.
        every: epochs between images, starting at the first epoch; 0 for no images.

    >>> import tempfile, vaekit
    >>> trained, folder = vaekit.demo(), Path(tempfile.mkdtemp())
    >>> callback = SampleCallback(trained, trained.load_split(), folder, every=1)
    >>> callback(FinishedEpoch({"epoch": 1}, trained.model, folder))
    >>> sorted(file.name for file in (folder / "progress").iterdir())
    ['reconstructions-0001.png', 'samples-0001.png']
    """

    def __init__(self, trained: TrainedModel, images: ObservedImages, folder: Path, every: int):
        self.trained, self.folder, self.every = trained, folder, every
        with seeded(0):  # training images may be binarized anew at each use
            self.originals = images.batch(torch.arange(min(COLUMNS, len(images)))).cpu()
        self.labels = None if images.labels is None else images.labels[:COLUMNS]

    def __call__(self, epoch: FinishedEpoch) -> None:
        if not self.every or (epoch.number - 1) % self.every:
            return
        model = epoch.model
        drawn = model.sample(4 * COLUMNS, seed=0, context=_labels_by_column(model.labels, 4 * COLUMNS))
        again = model.reconstruct(self.originals.to(self.trained.device), self.labels)
        self._save("samples", epoch.number, drawn.float().cpu().numpy())
        self._save("reconstructions", epoch.number, torch.cat([self.originals, again.float().cpu()]).numpy())

    def animate(self) -> None:
        """Write one animation per kind of image: samples and reconstructions."""
        from vaekit import plotting

        for kind in ("samples", "reconstructions"):
            if frames := progress_frames(self.folder, kind):
                plotting.animate(list(frames.values()), self.folder / f"progress-{kind}.gif")

    def _save(self, kind: str, epoch: int, images: np.ndarray) -> None:
        from vaekit import plotting

        file = self.folder / "progress" / f"{kind}-{epoch:04d}.png"
        plotting.save_grid(images.clip(0, 1), file, columns=COLUMNS, caption=f"epoch {epoch}")


def progress_frames(folder: Path, kind: str) -> dict[int, Path]:
    """The images of the progress by epoch, in order.

    Args:
        folder: `figures` of a run.
        kind: "samples" or "reconstructions".

    >>> progress_frames(Path("nowhere"), "samples")
    {}
    """
    found = (folder / "progress").glob(f"{kind}-*.png")
    return dict(sorted((int(re.findall(r"\d+", file.stem)[-1]), file) for file in found))


def _labels_by_column(labels: LabelPrior | None, n: int) -> torch.Tensor | None:
    """One label per column, for n images; None without labels."""
    return None if labels is None else torch.arange(n) % COLUMNS % len(labels)
