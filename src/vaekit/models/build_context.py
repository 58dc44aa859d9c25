"""What the components of a model are built from.

A registered component has a parameter `context` if it needs to know the model around it. Without data, as
when a recipe is only checked, some fields are None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vaekit.models.elbo import LatentKind
from vaekit.models.labels import LabelPrior
from vaekit.nn.networks import Dense
from vaekit.spec import Preprocessing

Examples = Callable[[int], tuple[Tensor, Tensor | None]]
SMALL_NETWORK = partial(Dense, hidden_sizes=(64,))


@dataclass(frozen=True)
class BuildContext:
    """The shapes, the posterior, the labels and the training data of a model that is being built.

    Attributes:
        latent_dim: d, the number of latents of the layer.
        posterior: the encoder's conditional of the layer; None if it is not built yet.
        event_shape: the shape of a data point, such as (C, H, W); None if the data are not known yet.
        sample_training: a function of n that returns n random training examples (n, *event_shape) and their
            standardized labels (n, m) or None; None if weights are loaded afterwards.
        rows: the number of training examples; None if the data are not known yet.
        labels: the labels of a conditional model; None for an unconditional one.
        condition_on: `label`, `attributes`, or the empty string for an unconditional model.
        conditioned_parts: which parts of the model are conditioned on the label.
        latent_kind: whether the posterior of a latent is continuous, discrete, or a point.
        network: builds the network from a label to the parameters of a Gaussian, from event shapes.
        covariates: the covariates of a model that is conditioned on them, with those of training.
        preprocessing: how data become model values, with the columns of a table; None if the data are not
            known yet.

    >>> context = BuildContext(2, event_shape=(1, 8, 8))
    >>> context.label_dim, context.examples(5)[0].shape
    (0, torch.Size([5, 1, 8, 8]))
    """

    latent_dim: int
    posterior: nn.Module | None = None
    event_shape: tuple[int, ...] | None = None
    sample_training: Examples | None = None
    rows: int | None = None
    labels: LabelPrior | None = None
    condition_on: str = ""
    conditioned_parts: frozenset[str] = frozenset()
    latent_kind: LatentKind = "continuous"
    network: Callable[..., nn.Module] = SMALL_NETWORK
    covariates: LabelPrior | None = None
    preprocessing: Preprocessing | None = None

    @property
    def label_dim(self) -> int:
        """m, the size of a label that the prior is conditioned on; 0 for an unconditional prior."""
        return self.labels.label_dim if self.labels is not None and "prior" in self.conditioned_parts else 0

    @property
    def covariate_dim(self) -> int:
        """c, the number of covariates that the prior is conditioned on; 0 for none."""
        return (
            0
            if self.covariates is None or "prior" not in self.conditioned_parts
            else self.covariates.label_dim
        )

    @property
    def condition_dim(self) -> int:
        """m + c, the size of the vector that the prior is called with; 0 for an unconditional prior."""
        return self.label_dim + self.covariate_dim

    def examples(self, n: int) -> tuple[Tensor, Tensor | None]:
        """n training examples with their labels; zeros if the context has no data.

        Raises:
            ValueError: the shape of the data is not known.
        """
        if self.sample_training is not None:
            return self.sample_training(n)
        if self.event_shape is None:
            raise ValueError("examples: expected a context with an event_shape")
        labels = None if self.labels is None else torch.zeros(n, self.labels.label_dim)
        return torch.zeros(n, *self.event_shape), labels
