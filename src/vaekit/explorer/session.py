"""A trained model with the posteriors of its data: what every view reads, computed once.

For N images the session holds the mean and standard deviation of q(z | x), the reconstruction log p(x | z),
and KL(q, p) of each layer. The importance-weighted bound log 1/K sum_k p(x, z_k) / q(z_k | x) and the error
of the reconstruction take longer; they are measured in small steps while no request waits. `demo` loads the
small models that the package carries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import split_indices
from vaekit.engine.model_files import load_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation import validity
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.label_inference import label_posterior
from vaekit.evaluation.latent import ACTIVE_VARIANCE, Latents
from vaekit.explorer import latent_kl
from vaekit.explorer.attributes import named, table_columns
from vaekit.explorer.embeddings import Embeddings, Waiting
from vaekit.explorer.neighbors import NeighborSearch
from vaekit.explorer.projection import (
    EMBEDDINGS,
    NeighborProjection,
    Projection,
    among_neighbors,
    checked_kind,
    fit_projection,
)
from vaekit.models import batching, masking
from vaekit.models.context import Context
from vaekit.models.vae import VAE
from vaekit.plotting.pictures import Limits, value_limits

MAX_IMAGES = 70_000
MAX_FOR_LIMITS = 500  # data points whose values give the range that is drawn
N_SAMPLES = 16  # posterior samples per image of the importance-weighted bound
SAMPLES_PER_STEP = 64  # decoded in one background step, which takes a few milliseconds
DEMO_FOLDER = Path(__file__).parent / "demo_model"
TOUR_FOLDER = Path(__file__).parent / "tour_models"
TOUR = ("vae", "ae", "beta-vae")
TOUR_IMAGES = 2000  # of the test images, the same in every page of the tour

Progress = Callable[[int, int], None]


class Source(NamedTuple):
    """Where the images and the model come from.

    Attributes:
        data: the name of the dataset.
        split: the split of it.
        python: a Python expression that loads the model.
        label_names: the names of the classes of the data.
        own: whether the data are those that the model was trained on.

    Example:
        >>> Source("mnist", python="vaekit.demo()").split
        'test'
    """

    data: str = ""
    split: str = "test"
    python: str = ""
    label_names: tuple[str, ...] = ()
    own: bool = True


@dataclass
class ExplorerSession:
    """A model, N images as it sees them, and their posteriors.

    Attributes:
        trained: the model.
        images: N images of a split.
        source: where images and model come from.
        conditions: what the model is conditioned on for each image, (N,) or (N, m); a missing label is
            replaced by the most probable one; None if the model is unconditional.
        latents: mean and standard deviation of q(z | x), (N, d), and the labels (N,) or None.
        reconstruction: (N,), log p(x | z) at one posterior sample, in nats.
        kl_per_layer: (L, N), KL(q, p) of each layer, in nats; without meaning for an autoencoder.
        kl_per_latent: (d,), in nats; see `latent_kl`.
        log_likelihood: (N,), the importance-weighted bound, in nats; NaN where it is not estimated yet.
        error: (N,), the mean of |x - E[x | z]| over the values of x, at z = E[z | x]; NaN where it is not
            measured yet.
        measured: how many of the images have both.
        attributes: (N, m), numbers that describe the data points, by name; see `vaekit.explorer.attributes`.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> open_session(demo(), images=20)
        ExplorerSession(demo, 20 images of mnist/test, 2 latents)
    """

    trained: TrainedModel
    images: ObservedImages
    source: Source
    conditions: Tensor | None
    latents: Latents
    reconstruction: np.ndarray
    kl_per_layer: np.ndarray
    kl_per_latent: np.ndarray
    log_likelihood: np.ndarray
    error: np.ndarray
    measured: int = 0
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    _projections: dict[tuple[str, int], Projection] = field(default_factory=dict)
    _between: dict[tuple[str, int], NeighborProjection] = field(default_factory=dict)

    def __repr__(self) -> str:
        images = f"{len(self.images)} images of {self.source.data}/{self.source.split}"
        return f"ExplorerSession({self.trained.recipe.name}, {images}, {self.model.latent_dim} latents)"

    @property
    def model(self) -> VAE:
        return self.trained.model

    @property
    def is_bound(self) -> bool:
        """Whether the terms form a bound of log p(x); an autoencoder has none."""
        return validity.is_bound(self.model)

    @property
    def active(self) -> np.ndarray:
        """(d,), whether a latent is active: Var_x(E[z | x]) > 0.01 (Burda et al. 2016)."""
        return self.latents.mean.var(0) > ACTIVE_VARIANCE

    @cached_property
    def limits(self) -> Limits:
        """The values that every image of the page draws as 0 and 1; see `vaekit.plotting.value_limits`."""
        first = self.images.batch(torch.arange(min(len(self.images), MAX_FOR_LIMITS)))
        return value_limits(first.float().cpu().numpy(), event_dims=len(self.trained.shape))

    @property
    def drawable(self) -> bool:
        """Whether a gray or color image can be drawn or uploaded: data points are images in [0, 1]."""
        shape, known = self.trained.shape, self.trained.preprocessing
        in_range = known is None or (known.low >= known.offset and known.high <= known.offset + known.scale)
        return len(shape) == 3 and shape[0] in (1, 3) and in_range

    @cached_property
    def neighbors(self) -> NeighborSearch:
        """The search among the means of the posteriors."""
        return NeighborSearch(self.latents.mean)

    @cached_property
    def embeddings(self) -> Embeddings:
        """The maps that are computed in the background."""
        return Embeddings(self.latents.mean)

    def projection(self, kind: str | None = None, dims: int = 2) -> Projection:
        """The map of a kind; while it is computed in the background, the default one."""
        return self.find_projection(kind, dims)[0]

    def find_projection(self, kind: str | None = None, dims: int = 2) -> tuple[Projection, Waiting | None]:
        """The same, and what is waited for; see `fit_projection`.

        Raises:
            InvalidError: the latents do not have this kind of map.
            VaekitError: it could not be computed.
        """
        kind = checked_kind(self.model.latent_dim, kind, dims)
        if (kind, dims) not in self._projections:
            found: Projection | Waiting
            if kind in EMBEDDINGS:
                found = self.embeddings.find(kind, dims)
            else:
                found = fit_projection(self.latents.mean, kind, dims)
            if isinstance(found, Waiting):
                return self.find_projection()[0], found
            self._projections[kind, dims] = found
        return self._projections[kind, dims], None

    def neighbor_projection(self, kind: str | None = None, dims: int = 2) -> NeighborProjection:
        """The same map, whose points decode as means of their nearest data; see `among_neighbors`."""
        projection = self.projection(kind, dims)
        key = projection.kind, len(projection.names)
        if key not in self._between:
            self._between[key] = among_neighbors(projection, self.latents.mean)
        return self._between[key]

    def image(self, index: int) -> Tensor:
        """One data point, (1, *event).

        Raises:
            NotFoundError: no image has this index.
        """
        if not 0 <= index < len(self.images):
            raise NotFoundError(f"image {index}: expected an index from 0 to {len(self.images) - 1}")
        return self.images.batch(torch.tensor([index]))

    def latent_tensor(self, z: Sequence[Sequence[float]]) -> Tensor:
        """Latent vectors of a request as a tensor (n, d) on the device of the model.

        Raises:
            InvalidError: a vector does not have d numbers.
        """
        d = self.model.latent_dim
        if wrong := next((vector for vector in z if len(vector) != d), None):
            raise InvalidError(f"z: expected {d} numbers, got {len(wrong)}")
        return torch.tensor(z, dtype=torch.float32, device=self.trained.device)

    def label_tensor(self, label: int | Sequence[float] | None, n: int = 1) -> Tensor | None:
        """A label of a request, repeated n times; the most probable label for None.

        Returns:
            (n,) class indices or (n, m) vectors; None if the model is unconditional.

        Raises:
            InvalidError: the model does not know the label.
        """
        prior = self.model.labels
        if prior is None:
            return None
        label = prior.mode if label is None else label
        if isinstance(label, int):
            if label >= len(prior):
                raise InvalidError(f"label: expected 0 to {len(prior) - 1}, got {label}")
            return torch.full((n,), label, device=self.trained.device)
        if len(label) != prior.label_dim:
            raise InvalidError(f"label: expected {prior.label_dim} numbers, got {len(label)}")
        return torch.tensor([label] * n, dtype=torch.float32, device=self.trained.device)

    def of_class(self, label: int | Sequence[float] | None) -> np.ndarray | None:
        """(N,), which images have a class that the model is conditioned on; None for all of them."""
        classes = self.conditions
        if classes is None or classes.dim() != 1 or not isinstance(label, int):
            return None
        chosen = (classes == label).cpu().numpy()
        return chosen if chosen.any() else None

    def conditions_of(self, images: slice) -> Tensor | None:
        """What the model is conditioned on for some images; None if it is unconditional."""
        return None if self.conditions is None else self.conditions[images]

    def measure(self) -> Iterator[int]:
        """Measure log-likelihoods and errors of the images in small steps; yields how many are finished."""
        outputs = batching.outputs_per_image(self.model.decoder, self.trained.shape)
        step = max(1, min(SAMPLES_PER_STEP, batching.batch_size_for(outputs)) // N_SAMPLES)
        for start in range(0, len(self.images), step):
            stop = min(start + step, len(self.images))
            x, y = self.images.batch(torch.arange(start, stop)), self.conditions_of(slice(start, stop))
            if self.is_bound:
                terms = measure_batches(self.model, iter([(x, y)]), N_SAMPLES, seed=start)
                self.log_likelihood[start:stop] = terms.log_likelihood.numpy()
            self.error[start:stop] = self._errors(x, y, self.latents.mean[start:stop])
            self.measured = stop
            yield stop

    @torch.no_grad()
    def _errors(self, x: Tensor, y: Tensor | None, mean: np.ndarray) -> np.ndarray:
        z = torch.from_numpy(mean).to(x.device)
        decoded = self.model.decode(z, self.model.with_offset(Context(label=y), x)).mean
        return (x - decoded).abs().flatten(1).nanmean(1).float().cpu().numpy()


def open_session(
    trained: TrainedModel,
    python: str = "",
    data: str | None = None,
    split: str = "test",
    progress: Progress = lambda images, total: None,
    images: int = MAX_IMAGES,
) -> ExplorerSession:
    """Open a model on a split of its own data, or of another dataset of the same shape.

    Args:
        trained: the model.
        python: a Python expression that loads the model, shown by the page.
        data: another dataset; None for the model's own.
        split: "train", "validation", "test" or "all".
        progress: called with the number of images that were encoded, and the total.
        images: the maximum number of images; a random subset is taken of a larger split.

    Returns:
        The session.

    Raises:
        VaekitError: the data cannot be read, or do not fit the model.

    Example:
        >>> session = open_session(demo(), images=20)
        >>> session.latents.mean.shape
        (20, 2)
    """
    dataset, splits = trained.load_data(data)
    observed = trained.subset(dataset, trained.choose(split_indices(splits, split), images))
    names = dataset.label_names if data else trained.label_names
    source = Source(data or trained.recipe.data.dataset, split, python, tuple(names), own=data is None)
    session = create_session(trained, observed, source, progress)
    if dataset.attributes is not None:
        session.attributes.update(named(dataset.attributes[observed.indices], dataset.attribute_names))
    return session


def create_session(
    trained: TrainedModel,
    images: ObservedImages,
    source: Source,
    progress: Progress = lambda images, total: None,
) -> ExplorerSession:
    """Encode images and collect what the views need.

    Args:
        trained: the model.
        images: N images as the model sees them.
        source: where images and model come from.
        progress: called with the number of images that were encoded, and the total.

    Returns:
        The session.

    Raises:
        InvalidError: there are fewer than two images.

    Example:
        >>> trained = demo()
        >>> images = trained.load_split("test", None, 20)
        >>> create_session(trained, images, Source("mnist")).kl_per_layer.shape
        (1, 20)
    """
    if len(images) < 2:
        raise InvalidError(
            f"split {source.split!r}: expected at least 2 images to explore, got {len(images)}"
        )
    parts, conditions = [], []
    for x, label in images.batches(batching.images_per_batch(trained.model.decoder, trained.shape)):
        y = _condition(trained.model, x, label)
        parts.append(_encode(trained.model, x, y))
        conditions += [] if y is None else [y]
        progress(len(x), len(images))
    mean, stddev, divergences, reconstruction, kl_per_layer = (
        np.concatenate(part, -1) for part in zip(*parts, strict=True)
    )
    labels = None if images.classes is None else images.classes.cpu().numpy()
    latents = Latents(mean.T, stddev.T, labels)
    return ExplorerSession(
        trained=trained,
        images=images,
        source=source,
        conditions=torch.cat(conditions) if conditions else None,
        latents=latents,
        reconstruction=reconstruction,
        kl_per_layer=kl_per_layer,
        kl_per_latent=latent_kl.per_latent(divergences, latents),
        log_likelihood=np.full(len(images), math.nan),
        error=np.full(len(images), math.nan),
        attributes=table_columns(trained, images),
    )


def _condition(model: VAE, x: Tensor, y: Tensor | None) -> Tensor | None:
    """The labels of a batch, the most probable ones if missing; None if the model is unconditional."""
    if model.labels is None:
        return None
    return label_posterior(model, x, samples=1).argmax(1) if y is None else y


@torch.no_grad()
def _encode(model: VAE, x: Tensor, y: Tensor | None) -> tuple[np.ndarray, ...]:
    """Mean, standard deviation and KL per latent (d, B), reconstruction (B,) and KL per layer (L, B)."""
    posterior, prior = model.encode(x, y), model.conditional_prior(y)
    context = Context(label=y, mask=masking.observed_mask(x))
    terms = model.elbo_terms(x, context, need={"kl"}, posterior=posterior, prior=prior, seed=0)
    parts = (
        posterior.mean.T,
        posterior.stddev.T,
        latent_kl.divergences(posterior, prior),
        terms.log_px[0],
        terms.kl,
    )
    return tuple(part.float().cpu().numpy() for part in parts)


def demo(name: str = "conditional") -> TrainedModel:
    """Load a small model that comes with the package: two latents on MNIST.

    Args:
        name: "conditional", a conditional VAE of the recipe `demo`; or "vae", "ae" or "beta-vae", the models
            of the explorer's tour, of the recipes `tour-vae`, `tour-ae` and `tour-beta-vae`.

    Returns:
        The model, on the CPU.

    Raises:
        NotFoundError: no model of the package has this name.

    Example:
        >>> demo().model.latent_dim
        2
        >>> demo("vae").recipe.name
        'tour-vae'
    """
    if name not in ("conditional", *TOUR):
        raise NotFoundError(f"demo: expected conditional, {', '.join(TOUR)}; got {name!r}")
    return load_model(DEMO_FOLDER if name == "conditional" else TOUR_FOLDER / name)
