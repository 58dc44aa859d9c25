"""A trained model with the codes of its data: what every view looks at, computed once.

The small model that the package carries, so that there is something to explore from the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel, load_model
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation import validity
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.label_inference import label_posterior
from vaekit.evaluation.latent import ACTIVE_VARIANCE, Latents
from vaekit.explorer import latent_kl
from vaekit.explorer.projection import Projection, fit_projection
from vaekit.models import batching, masking
from vaekit.models.vae import VAE

MOST_IMAGES = 70_000
SAMPLES = 16  # of the importance-weighted bound, an image
DRAWS_AT_ONCE = 64  # decoded in one step of what is worked out ahead: a few milliseconds

Progress = Callable[[int, int], None]


class Source(NamedTuple):
    """What images and a model are called.

    Attributes:
        data, split: of which data the images are, and which part.
        python: an expression that loads the model.
        label_names: of the classes of the data.
    """

    data: str = ""
    split: str = "test"
    python: str = ""
    label_names: tuple[str, ...] = ()


@dataclass
class ExplorerSession:
    """A model, images as it sees them, and their posteriors.

    Attributes:
        trained: the model.
        seen: N images of a split.
        source: what the images and the model are called.
        told: what the model is told of each image, (N,) or (N, m), a guess where that is missing; or None.
        codes: mean and standard deviation of q(z | x), (N, d), and the labels (N,) or None.
        reconstruction: (N,), log p(x | z) at one draw from the posterior, in nats.
        kl_per_layer: (L, N), KL(q, p) of each level, in nats; of no meaning for an autoencoder.
        kl: (d,), what each latent tells of an image, in nats; see `information`.
        log_likelihood: (N,), the importance-weighted bound; NaN where it was not worked out yet.
    """

    trained: TrainedModel
    seen: ObservedImages
    source: Source
    told: Tensor | None
    codes: Latents
    reconstruction: np.ndarray
    kl_per_layer: np.ndarray
    kl: np.ndarray
    measure_batches: np.ndarray
    _planes: dict[str | None, Projection] = field(default_factory=dict)

    @property
    def model(self) -> VAE:
        return self.trained.model

    @property
    def is_bound(self) -> bool:
        """Whether there is a bound: an autoencoder has none."""
        return validity.is_bound(self.model)

    @property
    def active(self) -> np.ndarray:
        """(d,), whether the images move a latent (Burda et al. 2016)."""
        return self.codes.mean.var(0) > ACTIVE_VARIANCE

    def plane(self, kind: str | None = None) -> Projection:
        """The map of a kind, made when it is first asked for."""
        if kind not in self._planes:
            self._planes[kind] = fit_projection(self.codes.mean, kind)
        return self._planes[kind]

    def image(self, i: int) -> Tensor:
        """(1, C, H, W), the i-th image.

        Raises:
            NotFoundError: there is none.
        """
        if not 0 <= i < len(self.seen):
            raise NotFoundError(f"image {i}: there are images 0 to {len(self.seen) - 1}")
        return self.seen.batch(torch.tensor([i]))

    def latents(self, codes: Sequence[Sequence[float]]) -> Tensor:
        """Codes that came from outside, as a tensor (n, d) where the model is.

        Raises:
            InvalidError: they do not have d numbers each.
        """
        d = self.model.latent_dim
        if wrong := next((code for code in codes if len(code) != d), None):
            raise InvalidError(f"z: expected {d} numbers, got {len(wrong)}")
        return torch.tensor(codes, dtype=torch.float32, device=self.trained.device)

    def label(self, label: int | Sequence[float] | None, n: int = 1) -> Tensor | None:
        """A label that came from outside, n times: the mode_ of all for None.

        Returns:
            (n,) whole numbers or (n, m) vectors; None where the model is told no labels.

        Raises:
            InvalidError: the model knows no such label.
        """
        known = self.model.labels
        if known is None:
            return None
        label = known.mode if label is None else label
        if isinstance(label, int):
            if label >= len(known):
                raise InvalidError(f"label: expected 0 to {len(known) - 1}, got {label}")
            return torch.full((n,), label, device=self.trained.device)
        if len(label) != known.size:
            raise InvalidError(f"label: expected {known.size} numbers, got {len(label)}")
        return torch.tensor([label] * n, dtype=torch.float32, device=self.trained.device)

    def told_of(self, images: slice) -> Tensor | None:
        """What the model is told of some images; None where it is told nothing."""
        return None if self.told is None else self.told[images]

    def measure(self) -> Iterator[int]:
        """Work out the log-likelihoods of the images, a few at each step; gives how many are done."""
        if not self.is_bound:
            return
        at_once = max(1, min(DRAWS_AT_ONCE, batching.batch_size_for(self._numbers)) // SAMPLES)
        for start in range(0, len(self.seen), at_once):
            some = slice(start, min(start + at_once, len(self.seen)))
            batch = iter([(self.seen.batch(torch.arange(some.start, some.stop)), self.told_of(some))])
            terms = measure_batches(self.model, batch, SAMPLES, seed=start)
            self.log_likelihood[some] = terms.log_likelihood.numpy()
            yield some.stop

    @property
    def _numbers(self) -> int:
        return batching.outputs_per_image(self.model.decoder, self.trained.shape)


def open_session(
    trained: TrainedModel,
    python: str = "",
    data: str | None = None,
    split: str = "test",
    progress: Progress = lambda images, of: None,
    images: int = MOST_IMAGES,
) -> ExplorerSession:
    """Look at a model on a split of its own data, or of other data of the same shape.

    Args:
        python: an expression that loads the model, for people to copy.
        progress: called with the number of images done with, and with that of all.
        images: of more than so many, a random subset is taken.

    Raises:
        VaekitError: as `Trained.observed`.
    """
    seen = trained.observed(split, data, images)
    names = trained.data(data)[0].label_names if data else trained.label_names
    source = Source(data or trained.recipe.data.dataset, split, python, tuple(names))
    return look(trained, seen, source, progress)


def look(
    trained: TrainedModel, seen: ObservedImages, source: Source, progress: Progress = lambda images, of: None
) -> ExplorerSession:
    """Look at a model on images as it sees them.

    Raises:
        InvalidError: there are fewer than two.
    """
    if len(seen) < 2:
        raise InvalidError(f"split {source.split!r}: expected at least 2 images to explore, got {len(seen)}")
    parts, told = [], []
    for x, given in seen.batches(batching.images_per_batch(trained.model.decoder, trained.shape)):
        y = _told(trained.model, x, given)
        parts.append(_encode(trained.model, x, y))
        told += [] if y is None else [y]
        progress(len(x), len(seen))
    mean, stddev, divergences, reconstruction, kl_per_layer = (
        np.concatenate(part, -1) for part in zip(*parts, strict=True)
    )
    labels = None if seen.classes is None else seen.classes.cpu().numpy()
    codes = Latents(mean.T, stddev.T, labels)
    return ExplorerSession(
        trained=trained,
        seen=seen,
        source=source,
        told=torch.cat(told) if told else None,
        codes=codes,
        reconstruction=reconstruction,
        kl_per_layer=kl_per_layer,
        kl=latent_kl.per_latent(divergences, codes),
        log_likelihood=np.full(len(seen), math.nan),
    )


def _told(model: VAE, x: Tensor, y: Tensor | None) -> Tensor | None:
    """What a model is told of a batch: its labels, a quick guess where there are none, or nothing."""
    if model.labels is None or y is not None:
        return None if model.labels is None else y
    return label_posterior(model, x, samples=1).argmax(1)


@torch.no_grad()
def _encode(model: VAE, x: Tensor, y: Tensor | None) -> tuple[np.ndarray, ...]:
    """Mean, standard deviation, divergences (d, B), reconstruction (B,) and rate (L, B) of a batch."""
    posterior, prior = model.encode(x, y), model.conditional_prior(y)
    bound = model.elbo_terms(x, y, mask=masking.observed_mask(x), posterior=posterior, prior=prior, seed=0)
    parts = (
        posterior.mean.T,
        posterior.stddev.T,
        latent_kl.divergences(posterior, prior),
        bound.log_px[0],
        bound.kl,
    )
    return tuple(part.float().cpu().numpy() for part in parts)


FOLDER = Path(__file__).parent / "demo_model"


def demo() -> TrainedModel:
    """A conditional VAE on MNIST with two latents; `scripts/make_demo.py` made it by the recipe `demo`."""
    return load_model(FOLDER)
