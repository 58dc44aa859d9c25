"""Images of the training progress: samples from the same latents and reconstructions of the same images.

Matplotlib is imported with the first image, so that training starts without it. Training does not depend on
these images: one that cannot be drawn is a warning.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import torch

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import first_line
from vaekit.models.labels import LabelPrior
from vaekit.models.vae import VAE
from vaekit.training.callbacks import FinishedEpoch
from vaekit.utils.random import seeded

COLUMNS = 10
_log = logging.getLogger(__name__)


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
        self.failed: set[str] = set()  # kinds of images that cannot be drawn
        with seeded(0):  # training images may be binarized anew at each use
            self.originals = images.batch(torch.arange(min(COLUMNS, len(images)))).cpu()
        self.labels = None if images.labels is None else images.labels[:COLUMNS]

    def __call__(self, epoch: FinishedEpoch) -> None:
        if not self.every or (epoch.number - 1) % self.every:
            return
        for kind, images in (("samples", self._samples), ("reconstructions", self._reconstructions)):
            if kind in self.failed:
                continue
            try:
                self._save(kind, epoch.number, images(epoch.model))
            except Exception as error:
                self.failed.add(kind)
                _log.warning("progress of %s: not drawn (%s); training goes on", kind, first_line(error))

    def _samples(self, model: VAE) -> np.ndarray:
        drawn = model.sample(4 * COLUMNS, seed=0, context=_labels_by_column(model.labels, 4 * COLUMNS))
        return drawn.float().cpu().numpy()

    def _reconstructions(self, model: VAE) -> np.ndarray:
        again = model.reconstruct(self.originals.to(self.trained.device), self.labels)
        return torch.cat([self.originals, again.float().cpu()]).numpy()

    def _save(self, kind: str, epoch: int, images: np.ndarray) -> None:
        """Write one image; all of them draw the same range of values, that of the original data points."""
        from vaekit import plotting

        limits = plotting.value_limits(self.originals.numpy(), event_dims=self.originals.dim() - 1)
        file = self.folder / "progress" / f"{kind}-{epoch:04d}.png"
        plotting.save_grid(images, file, columns=COLUMNS, caption=f"epoch {epoch}", limits=limits)


def animate(folder: Path) -> None:
    """Write one animation per kind of image of the progress: samples and reconstructions.

    Args:
        folder: `figures` of a run.

    >>> animate(Path("nowhere"))
    """
    from vaekit import plotting

    for kind in ("samples", "reconstructions"):
        if frames := progress_frames(folder, kind):
            plotting.animate(list(frames.values()), folder / f"progress-{kind}.gif")


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
