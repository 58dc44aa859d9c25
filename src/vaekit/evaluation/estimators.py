"""The two estimators of log p(x).

importance   importance sampling: K draws from q(z | x). Fast, and accurate where q covers the posterior;
             see `vaekit.evaluation.importance_sampling`.
ais          annealed importance sampling: S chains of T steps from q(z | x) or p(z) to the posterior. Slow,
             and accurate also where q misses part of the posterior; see `vaekit.evaluation.ais`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vaekit.errors import InvalidError
from vaekit.evaluation import ais, validity
from vaekit.evaluation.ais import CHAINS, STEPS, Init, measure_ais
from vaekit.evaluation.importance_sampling import measure_importance
from vaekit.evaluation.label_inference import measure_marginal
from vaekit.evaluation.results import MeasureBatch
from vaekit.models import batching
from vaekit.models.vae import VAE

EstimatorKind = Literal["importance", "ais"]


@dataclass(frozen=True)
class Estimator:
    """An estimator of log p(x) and its settings.

    Args:
        kind: "importance" or "ais".
        samples: K, the importance samples per image.
        chains, steps, init: of AIS: S chains per image, T steps per chain, and where chains begin.

    Example:
        >>> Estimator(samples=100).draws, Estimator("ais", chains=8).draws
        (100, 8)
    """

    kind: EstimatorKind = "importance"
    samples: int = 5000
    chains: int = CHAINS
    steps: int = STEPS
    init: Init = "encoder"

    def check(self, model: VAE) -> None:
        """Raise an error if the estimator cannot be used with a model.

        Raises:
            InvalidError: AIS is asked of a posterior without a density.
        """
        if self.kind == "ais":
            check_density(model, "estimator ais")

    @property
    def draws(self) -> int:
        """Importance samples, or chains, per image."""
        return self.samples if self.kind == "importance" else self.chains

    def images_per_batch(self, model: VAE, shape: Sequence[int]) -> int:
        """How many images of a shape (C, H, W) are measured at once."""
        if self.kind == "importance":
            return batching.images_per_batch(model.decoder, shape)
        return ais.images_per_batch(model.decoder, shape, self.chains)

    def measure(self, labels: str = "condition") -> MeasureBatch:
        """The function that measures a batch, with labels conditioned on or marginalized."""
        measure: MeasureBatch = measure_importance
        if self.kind == "ais":
            measure = partial(measure_ais, steps=self.steps, init=self.init)
        return partial(measure_marginal, measure_conditional=measure) if labels == "marginalize" else measure


def check_density(model: VAE, name: str) -> None:
    """Raise an error if the posterior q(z | x) has no density.

    Args:
        model: any VAE or autoencoder.
        name: of the option or method that needs the density, for the message.

    Raises:
        InvalidError: the posterior is a point (`delta`), as that of an autoencoder.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> check_density(model, "bdmc")
    """
    if not validity.is_bound(model):
        raise InvalidError(
            f"{name}: expected a posterior with a density, got a point (delta), which gives no bound of "
            "log p(x); compare reconstructions instead: vaekit evaluate RUN"
        )
