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
from vaekit.evaluation import annealed, likelihood, marginal, protocol
from vaekit.models import batching
from vaekit.models.vae import VAE

Kind = Literal["is", "ais"]


@dataclass(frozen=True)
class Estimator:
    """What to estimate by.

    Attributes:
        kind: one of the two.
        samples: K, of importance sampling.
        chains, steps, start: S, T, and where chains begin, of annealed importance sampling.
    """

    kind: Kind = "is"
    samples: int = 5000
    chains: int = annealed.CHAINS
    steps: int = annealed.STEPS
    start: annealed.Start = "encoder"

    def check(self, model: VAE) -> None:
        """Whether it can be used.

        Raises:
            InvalidError: chains are wanted for a posterior that has no density.
        """
        if self.kind == "ais":
            needs_density(model, "estimator ais")

    @property
    def draws(self) -> int:
        """So many samples, or chains, an image."""
        return self.samples if self.kind == "is" else self.chains

    def images_at_once(self, model: VAE, shape: Sequence[int]) -> int:
        """How many images (C, H, W) make a batch."""
        return (
            batching.images_at_once(model.decoder, shape)
            if self.kind == "is"
            else annealed.images_at_once(model.decoder, shape, self.chains)
        )

    def measure(self, labels: str = "given") -> likelihood.Measure:
        """What measures a batch, with labels given or averaged over."""
        plain: likelihood.Measure = likelihood.measure
        given = plain if self.kind == "is" else partial(annealed.measure, steps=self.steps, start=self.start)
        return partial(marginal.measure, given=given) if labels == "missing" else given


def needs_density(model: VAE, what: str) -> None:
    """Whether the posterior has a density.

    Raises:
        InvalidError: it is a point, as that of an autoencoder.
    """
    if not protocol.is_bound(model):
        raise InvalidError(
            f"{what}: expected a posterior with a density, got a point (dirac), which bounds no log p(x); "
            "compare reconstructions, by: vaekit evaluate RUN"
        )
