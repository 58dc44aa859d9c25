"""A variational autoencoder is three conditionals: a prior p(z), an encoder q(z | x), a decoder p(x | z).

For any q, the evidence has the lower bound (Kingma and Welling 2014)

    log p(x) >= E_q [log p(x | z) + log p(z) - log q(z | x)],

and with K samples the tighter log mean_k w_k, w_k = p(x | z_k) p(z_k) / q(z_k | x) (Burda et al. 2016).
`VAE.evidence` computes the terms, `ELBOTerms` carries them, and objectives and estimators are functions of
that alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution, kl_divergence

from vaekit.distributions.operations import with_temperature
from vaekit.models import imputation, masking
from vaekit.models.conditional import HierarchicalDistribution, Hierarchy, LatentSample
from vaekit.models.elbo import ELBOTerms
from vaekit.models.labels import LabelPrior
from vaekit.utils.random import Seed, seeded


class VAE(nn.Module):
    """prior, encoder and decoder -> `ELBOTerms`, samples, reconstructions.

    Args:
        prior: p(z), a `Chain`.
        encoder: q(z | x), a `Chain` of the same sizes.
        decoder: p(x | z), a conditional over images (C, H, W).
        labels: what the model may be told of an image, a label y, and p(y).
        conditioned_parts: which of "prior", "encoder", "decoder" take the label as one more context.

    Raises:
        ValueError: prior and encoder differ in their layers, `conditioned_parts` names another part, or only
            one of `labels` and `conditioned_parts` is given.

    Labels y are (B,) whole numbers, which name vectors of `labels`, or (B, m) vectors; others than these are
    a ValueError. A model which nothing conditions ignores them.
    `seed` is a number or a `torch.Generator`; None draws from torch's global generator.
    """

    def __init__(
        self,
        prior: Hierarchy,
        encoder: Hierarchy,
        decoder: nn.Module,
        labels: LabelPrior | None = None,
        conditioned_parts: Collection[str] = (),
    ):
        super().__init__()
        if prior.layer_dims != encoder.layer_dims:
            raise ValueError(
                f"prior and encoder differ in their levels: {prior.layer_dims} and {encoder.layer_dims}"
            )
        self.prior, self.encoder, self.decoder = prior, encoder, decoder
        if not set(conditioned_parts) <= {"prior", "encoder", "decoder"}:
            raise ValueError(
                f"conditioned_parts: expected prior, encoder or decoder, got {sorted(conditioned_parts)}"
            )
        if (labels is None) == bool(conditioned_parts):
            raise ValueError("labels and conditioned_parts: expected both, or none of them")
        self.labels, self.conditioned_parts = labels, frozenset(conditioned_parts)

    @property
    def layer_dims(self) -> tuple[int, ...]:
        """The number of latents of each level, top first."""
        return self.encoder.layer_dims

    @property
    def latent_dim(self) -> int:
        """d, the number of latents of all levels."""
        return sum(self.layer_dims)

    def elbo_terms(
        self,
        x: Tensor,
        y: Tensor | None = None,
        samples: int = 1,
        mask: Tensor | None = None,
        posterior: HierarchicalDistribution | None = None,
        prior: HierarchicalDistribution | None = None,
        seed: Seed = None,
    ) -> ELBOTerms:
        """The terms of the bound.

        Args:
            x: (B, C, H, W), values in [0, 1].
            y: labels.
            samples: K, draws from the posterior for each image.
            mask: boolean, broadcastable to x, True where a pixel was observed: the bound is then on the
                log-probability of the observed pixels, and the encoder sees 0 for the others. Where x holds
                NaN for pixels that were not, give `~x.isnan()`.
            posterior, prior: `encode(x, y)` and `conditional_prior(y)` where they are already at hand.
            seed: of the draws.

        Returns:
            log_px (K, B), log_pz and log_qz (L, K, B), kl (L, B) or None.

        Raises:
            ValueError: where the model is conditioned on labels, and there are none.
        """
        if mask is not None:
            x = masking.fill_missing(x, mask)
        if posterior is None:
            posterior = self._encode(x, y)
        with seeded(seed):
            q = posterior.rsample_layers((samples,))
        if prior is None:
            prior = self.prior(*self._label("prior", y, x.shape[:-3]))
        p = prior.condition_on(q.z)
        log_px = masking.masked_log_prob(self.decode(q.z, y), x, mask)
        return ELBOTerms(
            log_px,
            log_pz=lambda e: p.log_prob.expand_as(e.log_qz),
            log_qz=lambda e: q.log_prob,
            analytic_kl=lambda e: _kl_per_layer(q, p, e),
        )

    forward = elbo_terms

    def conditional_prior(self, y: Tensor | None = None) -> HierarchicalDistribution:
        """p(z): a distribution over z (d,), or (B, d) where labels condition it."""
        return self.prior(*self._label("prior", y))

    def encode(self, x: Tensor, y: Tensor | None = None) -> HierarchicalDistribution:
        """q(z | x) for images (B, C, H, W), NaN where not observed: a distribution over z (B, d)."""
        return self._encode(masking.fill_missing(x), y)

    def _encode(self, x: Tensor, y: Tensor | None) -> HierarchicalDistribution:
        """Of images that hold no NaN."""
        return self.encoder(x, *self._label("encoder", y, x.shape[:-3]))

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x | z) for latents (..., d): a distribution over images (..., C, H, W)."""
        return self.decoder(z, *self._label("decoder", y, z.shape[:-1]))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        temperature: float = 1.0,
        y: Tensor | None = None,
        seed: Seed = None,
        sample_pixels: bool = False,
    ) -> Tensor:
        """n images from the model: z from the prior, x from p(x | z).

        Args:
            temperature: multiplies the spread of the prior (of each level, for a hierarchical one).
            y: labels of the n images; without them a conditional model draws them from p(y).
            sample_pixels: draw the pixels as well; otherwise their means are returned.

        Returns:
            (n, C, H, W).

        Raises:
            ValueError: where there are labels, but not n.
        """
        if y is not None and len(y) != n:
            raise ValueError(f"y: expected a label for each of {n} images, got {len(y)}")
        with seeded(seed):
            if y is None and self.labels is not None:
                y = self.labels.sample(n)
            plain = self.conditional_prior(y)
            prior = plain if temperature == 1.0 else with_temperature(plain, temperature)
            z = prior.rsample(() if prior.batch_shape else (n,))
            return _sample_or_mean(self.decode(z, y), sample_pixels)

    @torch.no_grad()
    def reconstruct(
        self, x: Tensor, y: Tensor | None = None, seed: Seed = None, sample_latents: bool = False
    ) -> Tensor:
        """Images (B, C, H, W) through the model: the decoder's mean at the posterior's mean.

        Args:
            sample_latents: decode a draw from the posterior instead of its mean.

        Returns:
            (B, C, H, W).
        """
        with seeded(seed):
            posterior = self.encode(x, y)
            return self.decode(posterior.rsample() if sample_latents else posterior.mean, y).mean

    def impute(
        self,
        x: Tensor,
        y: Tensor | None = None,
        mask: Tensor | None = None,
        imputations: int = 5,
        samples: int = 1000,
        sample_pixels: bool = True,
        seed: Seed = None,
    ) -> Tensor:
        """Images with their missing pixels drawn from p(x_missing | x_observed), several times.

        By sampling importance resampling; `imputation.impute` gives their mean, and how far to trust them.

        Args:
            x: (B, C, H, W), NaN where not observed.
            y: labels; without them a conditional model weighs all that p(y) knows.
            mask: boolean, broadcastable to x, False where a pixel counts as not observed whatever x says.
            imputations: M, fillings of each image.
            samples: K, draws that they are chosen from, rounded up to so many for each part of the proposal;
                memory does not grow with it.
            sample_pixels: draw the pixels; otherwise they are the decoder's mean at a drawn z.

        Returns:
            (M, B, C, H, W), observed pixels as they were.
        """
        return imputation.impute(self, x, y, mask, imputations, samples, sample_pixels, seed).images

    @torch.no_grad()
    def interpolate(
        self,
        x_a: Tensor,
        x_b: Tensor,
        steps: int = 10,
        path: str = "linear",
        y: Tensor | None = None,
        y_b: Tensor | None = None,
        vary: Literal["both", "style", "label"] = "both",
    ) -> Tensor:
        """Images on the way from x_a to x_b, both (B, C, H, W), through the latent space.

        Args:
            steps: number of images, the two ends' reconstructions included.
            path: "linear", or "spherical" (Shoemake 1985), which keeps the length typical of N(0, I).
            y: labels of x_a.
            y_b: labels of x_b, to which those of x_a go in a straight line; the same without it.
            vary: what goes from x_a to x_b, code and label or one of them; the other stays that of x_a.

        Returns:
            (steps, B, C, H, W).

        Raises:
            ValueError: for fewer than two steps, or another path.
        """
        y_b = y if y_b is None else y_b
        a, b = self.encode(x_a, y).mean, self.encode(x_b, y_b).mean
        z = interpolate(a, a if vary == "label" else b, steps, path)
        return self.decode(z, self._between(y, y if vary == "style" else y_b, steps)).mean

    def _between(self, y_a: Tensor | None, y_b: Tensor | None, steps: int) -> Tensor | None:
        """Label vectors (steps, B, m) on the straight line; None where the model is told none."""
        if self.labels is None or y_a is None or y_b is None:
            return None
        return interpolate(self.labels.vectors(y_a), self.labels.vectors(y_b), steps)

    def _label(self, part: str, y: Tensor | None, leading: Sequence[int] = ()) -> tuple[Tensor, ...]:
        """The label as one more context of a part, or none; `leading` is the batch shape it must go with."""
        if self.labels is None or part not in self.conditioned_parts:
            return ()
        if y is None:
            raise ValueError(f"the {part} of this model is conditioned on labels: give y")
        vector = self.labels(y)
        pairs = zip(vector.shape[-2::-1], leading[::-1], strict=False)
        if any(a != b and 1 not in (a, b) for a, b in pairs):
            raise ValueError(f"y: expected a label for each of {leading[-1]} images, got {vector.shape[-2]}")
        return (vector,)


def interpolate(a: Tensor, b: Tensor, steps: int, path: str = "linear") -> Tensor:
    """(..., d) and (..., d) -> (steps, ..., d) on the straight line or on the arc between them.

    The arc turns evenly from one direction to the other, while the length goes evenly from |a| to |b|.

    Raises:
        ValueError: for fewer than two steps, or a path that is neither "linear" nor "spherical".
    """
    if steps < 2 or path not in ("linear", "spherical"):
        raise ValueError(f"expected at least 2 steps, linear or spherical; got {steps} steps, {path!r}")
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).reshape(-1, *[1] * a.dim())
    if path == "linear":
        return torch.lerp(a, b, t)
    length = torch.lerp(a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True), t)
    return length * _great_circle(F.normalize(a, dim=-1), F.normalize(b, dim=-1), t)


def _great_circle(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """From unit vector a to unit vector b; of opposite ones, between which there is no one way, through 0."""
    angle = torch.arccos((a * b).sum(-1, keepdim=True).clamp(-1, 1)).clamp(1e-4, math.pi - 1e-4)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _sample_or_mean(distribution: Distribution, draw: bool) -> Tensor:
    return distribution.sample() if draw else distribution.mean


def _kl_per_layer(q: LatentSample, p: LatentSample, bound: ELBOTerms) -> Tensor | None:
    """KL(q, p) a level, (L, B): in closed form, else by the samples; None where no level has a form."""
    forms = [_closed_form(a, b) for a, b in zip(q.layers, p.layers, strict=True)]
    known = [kl for kl in forms if kl is not None]
    if not known:
        return None
    if len(known) == len(forms):
        return torch.stack(known)
    sampled = bound.log_ratio.mean(1)
    return torch.stack([mean if kl is None else kl for kl, mean in zip(forms, sampled, strict=True)])


def _closed_form(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q, p) an image, (B,); a level below the top has one for each sample of those above: their mean."""
    try:
        kl = kl_divergence(q, p)
    except NotImplementedError:
        return None
    return kl.mean(0) if kl.dim() > 1 else kl
