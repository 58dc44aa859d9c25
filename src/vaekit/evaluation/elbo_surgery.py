"""ELBO surgery: split the KL term into mutual information and the marginal KL to the prior.

With q(z) = (1/N) sum_n q(z | x_n), the aggregated posterior of N images,

    (1/N) sum_n KL(q(z | x_n), p(z))  =  I_q(n; z)  +  KL(q(z), p(z)).

The first term is the mutual information of the index of an image and its latents, at most log N. Near that
cap it says only that the posteriors of N images do not overlap: the mutual information of images and latents
is at least that, and the second term is an upper estimate. The second
is the distance of the aggregated posterior from the prior (Hoffman and Johnson 2016, "ELBO surgery"). A
better prior can remove the second term only. The second term also hurts samples: where p(z) > 0 but q(z) is
near 0, the decoder was never trained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.distributions.mixture import Mixture
from vaekit.evaluation.confidence_intervals import mean_and_stderr
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

MAX_IMAGES = 5000  # the work grows with the square of the number of images


class ELBODecomposition(NamedTuple):
    """The KL of the top layer and its two parts, in nats, by one posterior sample per image.

    Attributes:
        kl: the mean KL(q, p); the sum of the next two.
        mutual_information: I_q(n; z), at most `log_n`.
        marginal_kl: KL(q(z), p(z)).
        log_n: log N.
        images: N.
        mutual_information_stderr, marginal_kl_stderr: standard errors over images and their samples; None
            for one image.

    Example:
        >>> ELBODecomposition(kl=9.0, mutual_information=4.0, marginal_kl=5.0, log_n=4.6, images=100).kl
        9.0
    """

    kl: float
    mutual_information: float
    marginal_kl: float
    log_n: float
    images: int
    mutual_information_stderr: float | None = None
    marginal_kl_stderr: float | None = None

    @property
    def at_cap(self) -> bool:
        """Whether the mutual information is at its cap log N; see `is_at_cap`."""
        return is_at_cap(self.mutual_information, self.images)


@torch.no_grad()
def elbo_surgery(
    model: VAE,
    batches: Iterable[tuple[Tensor, Tensor | None]],
    max_images: int = MAX_IMAGES,
    seed: int = 0,
) -> ELBODecomposition:
    """Split the KL of the top layer over the first batches with `max_images` images in total.

    Args:
        model: in evaluation mode, with a prior that is not conditioned on labels.
        batches: of images (B, C, H, W) and labels or None.
        max_images: stop after the batch that reaches this number.
        seed: of the posterior samples.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> found = elbo_surgery(model, [(model.sample(4, seed=0, sample_pixels=True), None)])
        >>> found.images, math.isclose(found.mutual_information + found.marginal_kl, found.kl)
        (4, True)
    """
    posteriors, samples, log_densities = [], [], []
    with seeded(seed):
        for x, y in batches:
            posteriors.append(model.encode(x, y).top)
            samples.append(posteriors[-1].sample())
            log_densities.append(posteriors[-1].log_prob(samples[-1]))
            if sum(map(len, samples)) >= max_images:
                break
    z, log_q = torch.cat(samples), torch.cat(log_densities).double()
    log_aggregated = _log_aggregated_posterior(posteriors, z)
    log_p = model.conditional_prior().top.log_prob(z).double()
    information, information_stderr = mean_and_stderr(log_q - log_aggregated)
    marginal_kl, marginal_stderr = mean_and_stderr(log_aggregated - log_p)
    return ELBODecomposition(
        kl=(log_q - log_p).mean().item(),
        mutual_information=information,
        marginal_kl=marginal_kl,
        log_n=math.log(len(z)),
        images=len(z),
        mutual_information_stderr=information_stderr,
        marginal_kl_stderr=marginal_stderr,
    )


def is_at_cap(mutual_information: float, images: int) -> bool:
    """Whether I_q(n; z) is so near log N that it is no finding: less than log 2 below it.

    Then exp(log N - I) < 2: on average, less than one other image could have the same latents. More images
    would raise the number.

    Args:
        mutual_information: in nats.
        images: N.

    Example:
        >>> is_at_cap(6.90, 1000), is_at_cap(4.0, 1000)
        (True, False)
    """
    return images > 1 and math.log(images) - mutual_information < math.log(2)


def _log_aggregated_posterior(posteriors: Sequence[Distribution], z: Tensor) -> Tensor:
    """log q(z) at z (N, d), (N,): each batch is a mixture, weighted by its size."""
    sizes = z.new_tensor([posterior.batch_shape.numel() for posterior in posteriors])
    log_probs = [Mixture(z.new_zeros(int(n)), q).log_prob(z) for n, q in zip(sizes, posteriors, strict=True)]
    log_weights = sizes.log().double().unsqueeze(1)
    return (torch.stack(log_probs).double() + log_weights).logsumexp(0) - math.log(len(z))
