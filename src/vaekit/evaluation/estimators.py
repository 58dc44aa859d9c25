"""By what log p(x) is estimated: importance sampling, or annealed importance sampling.

is      K draws from q(z | x); quick, and right where q covers the posterior     (see `likelihood`)
ais     S chains of T steps to the posterior; slow, and right where q does not   (see `annealed`)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vaekit.errors import InvalidError
from vaekit.evaluation import validity
from vaekit.evaluation.ais import CHAINS, STEPS, Init, images_per_batch, measure_ais
from vaekit.evaluation.importance_sampling import measure_importance
from vaekit.evaluation.label_inference import measure_marginal
from vaekit.evaluation.results import MeasureBatch
from vaekit.models import batching
from vaekit.models.vae import VAE

EstimatorKind = Literal["importance", "ais"]


@dataclass(frozen=True)
class Estimator:
    """What to estimate by.

    Attributes:
        kind: one of the two.
        samples: K, of importance sampling.
        chains, steps, init: S, T, and where chains begin, of annealed importance sampling.
    """

    kind: EstimatorKind = "importance"
    samples: int = 5000
    chains: int = CHAINS
    steps: int = STEPS
    init: Init = "encoder"

    def check(self, model: VAE) -> None:
        """Whether it can be used.

        Raises:
            InvalidError: chains are wanted for a posterior that has no density.
        """
        if self.kind == "ais":
            check_density(model, "estimator ais")

    @property
    def draws(self) -> int:
        """So many samples, or chains, an image."""
        return self.samples if self.kind == "importance" else self.chains

    def images_at_once(self, model: VAE, shape: Sequence[int]) -> int:
        """How many images (C, H, W) make a batch."""
        return (
            batching.images_per_batch(model.decoder, shape)
            if self.kind == "importance"
            else images_per_batch(model.decoder, shape, self.chains)
        )

    def measure(self, labels: str = "condition") -> MeasureBatch:
        """What measures a batch, with labels given or averaged over."""
        plain: MeasureBatch = measure_importance
        given = plain if self.kind == "importance" else partial(measure_ais, steps=self.steps, init=self.init)
        return partial(measure_marginal, given=given) if labels == "marginalize" else given


def check_density(model: VAE, what: str) -> None:
    """Whether the posterior has a density.

    Raises:
        InvalidError: it is a point, as that of an autoencoder.
    """
    if not validity.is_bound(model):
        raise InvalidError(
            f"{what}: expected a posterior with a density, got a point (dirac), which bounds no log p(x); "
            "compare reconstructions, by: vaekit evaluate RUN"
        )
