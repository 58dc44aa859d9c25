"""A variational autoencoder is three conditionals: a prior p(z), an encoder q(z | x), a decoder p(x | z).

For any q, the evidence has the lower bound (Kingma and Welling 2014)

    log p(x) >= E_q [log p(x | z) + log p(z) - log q(z | x)],

and with K samples the tighter log mean_k w_k, w_k = p(x | z_k) p(z_k) / q(z_k | x) (Burda et al. 2016).
`VAE.elbo_terms` returns the terms of both bounds as `ELBOTerms`. Objectives and estimators are functions of
these alone.
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
    """A variational autoencoder from a prior, an encoder and a decoder.

    In all methods the labels y are (B,) integers, indices of `labels.values`, or (B, m) vectors; anything
    else raises a ValueError. An unconditional model ignores them. `seed` is an integer or a
    `torch.Generator`; None uses the global generator of PyTorch.

    Args:
        prior: p(z), a `Hierarchy`.
        encoder: q(z | x), a `Hierarchy` with the same `layer_dims`.
        decoder: p(x | z), a conditional over images (C, H, W).
        labels: the labels y of a conditional model, and p(y).
        conditioned_parts: which of "prior", "encoder", "decoder" are conditioned on the label.

    Raises:
        ValueError: prior and encoder differ in `layer_dims`, `conditioned_parts` has another name, or only
            one of `labels` and `conditioned_parts` is given.

    >>> from vaekit.models.conditional import Conditional
    >>> from vaekit.models.likelihoods import bernoulli
    >>> from vaekit.models.posteriors import FullCovariance
    >>> from vaekit.models.priors import StandardNormal
    >>> from vaekit.nn.networks import Dense
    >>> shape, posterior, likelihood = (1, 8, 8), FullCovariance(), bernoulli()
    >>> encoder = Conditional(Dense([shape], posterior.network_output((2,))), posterior)
    >>> decoder = Conditional(Dense([(2,)], likelihood.network_output(shape)), likelihood)
    >>> model = VAE(Hierarchy([StandardNormal(2)], [2]), Hierarchy([encoder], [2]), decoder)
    >>> x = torch.zeros(4, 1, 8, 8)
    >>> model.elbo_terms(x, samples=3)
    ELBOTerms(n_samples=3, batch_size=4)
    >>> model.encode(x)
    HierarchicalDistribution(layer_dims=(2,), batch_shape=(4,))
    >>> model.sample(5).shape
    torch.Size([5, 1, 8, 8])
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
                f"prior and encoder: expected equal layer_dims, got {prior.layer_dims} and "
                f"{encoder.layer_dims}"
            )
        self.prior, self.encoder, self.decoder = prior, encoder, decoder
        if not set(conditioned_parts) <= {"prior", "encoder", "decoder"}:
            raise ValueError(
                f"conditioned_parts: expected prior, encoder or decoder, got {sorted(conditioned_parts)}"
            )
        if (labels is None) == bool(conditioned_parts):
            raise ValueError("labels and conditioned_parts: expected both or neither, got only one")
        self.labels, self.conditioned_parts = labels, frozenset(conditioned_parts)

    @property
    def layer_dims(self) -> tuple[int, ...]:
        """The number of latents of each layer, top layer first."""
        return self.encoder.layer_dims

    @property
    def latent_dim(self) -> int:
        """d, the number of latents of all layers."""
        return sum(self.layer_dims)

    def extra_repr(self) -> str:
        parts = f", conditioned_parts={sorted(self.conditioned_parts)}" if self.conditioned_parts else ""
        return f"layer_dims={self.layer_dims}{parts}"

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
        """Return the terms of the lower bound.

        Args:
            x: images, (B, C, H, W), values in [0, 1].
            y: labels.
            samples: K, the number of posterior samples per image.
            mask: boolean, broadcastable to x, True where a pixel is observed. The bound is then one on the
                log-probability of the observed pixels, and the encoder sees 0 for the others. If x has NaN
                for missing pixels, pass `~x.isnan()`.
            posterior, prior: `encode(x, y)` and `conditional_prior(y)`, if already computed.
            seed: of the posterior samples.

        Returns:
            `ELBOTerms` with log_px (K, B), log_pz and log_qz (L, K, B), analytic_kl (L, B) or None.

        Raises:
            ValueError: the model is conditional and y is None.
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
            log_pz=lambda terms: p.log_prob.expand_as(terms.log_qz),
            log_qz=lambda terms: q.log_prob,
            analytic_kl=lambda terms: _kl_per_layer(q, p, terms),
        )

    forward = elbo_terms

    def conditional_prior(self, y: Tensor | None = None) -> HierarchicalDistribution:
        """p(z) over z (d,), or p(z | y) over z (B, d) if the prior is conditioned on labels."""
        return self.prior(*self._label("prior", y))

    def encode(self, x: Tensor, y: Tensor | None = None) -> HierarchicalDistribution:
        """q(z | x) over z (B, d), for images (B, C, H, W) with NaN for missing pixels."""
        return self._encode(masking.fill_missing(x), y)

    def _encode(self, x: Tensor, y: Tensor | None) -> HierarchicalDistribution:
        """q(z | x) for images without NaN."""
        return self.encoder(x, *self._label("encoder", y, x.shape[:-3]))

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x | z) over images (..., C, H, W), for latents (..., d)."""
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
        """Generate n images: z from the prior, then x from p(x | z).

        Args:
            n: number of images.
            temperature: multiplies the spread of the prior, in each layer.
            y: labels of the n images; by default a conditional model samples them from p(y).
            seed: of everything that is sampled.
            sample_pixels: sample the pixels; by default the decoder's mean is returned.

        Returns:
            (n, C, H, W).

        Raises:
            ValueError: the number of labels is not n.
        """
        if y is not None and len(y) != n:
            raise ValueError(f"y: expected {n} labels, one per image, got {len(y)}")
        with seeded(seed):
            if y is None and self.labels is not None:
                y = self.labels.sample(n)
            prior: Distribution = self.conditional_prior(y)
            if temperature != 1.0:
                prior = with_temperature(prior, temperature)
            z = prior.rsample(() if prior.batch_shape else (n,))
            px = self.decode(z, y)
            return px.sample() if sample_pixels else px.mean

    @torch.no_grad()
    def reconstruct(
        self, x: Tensor, y: Tensor | None = None, seed: Seed = None, sample_latents: bool = False
    ) -> Tensor:
        """Encode and decode images: the decoder's mean at the posterior's mean.

        Args:
            x: images, (B, C, H, W).
            y: labels.
            seed: of the posterior sample.
            sample_latents: decode a sample from the posterior instead of its mean.

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
        """Sample the missing pixels of images from p(x_missing | x_observed), several times.

        Uses sampling importance resampling; `imputation.impute` also returns the mean and the effective
        sample size.

        Args:
            x: images, (B, C, H, W), NaN where missing.
            y: labels; by default a conditional model averages over p(y).
            mask: boolean, broadcastable to x; pixels where it is False count as missing too.
            imputations: M, the number of imputations per image.
            samples: K, the number of proposals per image, rounded up to a multiple of the number of mixture
                components of the proposal. Memory does not grow with K.
            sample_pixels: sample the pixels; otherwise use the decoder's mean at a sampled z.
            seed: of everything that is sampled.

        Returns:
            (M, B, C, H, W), with observed pixels unchanged.
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
        """Decode a path in latent space from images x_a to images x_b.

        Args:
            x_a, x_b: images, (B, C, H, W).
            steps: number of images per path, including the reconstructions of both ends.
            path: "linear", or "spherical" (Shoemake 1985), which keeps the norm typical of N(0, I).
            y: labels of x_a.
            y_b: labels of x_b, interpolated linearly from y; y by default.
            vary: which part changes along the path: "style" (the latents), "label", or "both".

        Returns:
            (steps, B, C, H, W).

        Raises:
            ValueError: fewer than two steps, or an unknown path.
        """
        y_b = y if y_b is None else y_b
        a, b = self.encode(x_a, y).mean, self.encode(x_b, y_b).mean
        z = interpolate(a, a if vary == "label" else b, steps, path)
        return self.decode(z, self._interpolate_labels(y, y if vary == "style" else y_b, steps)).mean

    def _interpolate_labels(self, y_a: Tensor | None, y_b: Tensor | None, steps: int) -> Tensor | None:
        """Label vectors (steps, B, m) on a straight line; None for an unconditional model."""
        if self.labels is None or y_a is None or y_b is None:
            return None
        return interpolate(self.labels.vectors(y_a), self.labels.vectors(y_b), steps)

    def _label(self, part: str, y: Tensor | None, leading: Sequence[int] = ()) -> tuple[Tensor, ...]:
        """The label as context of a part, or nothing; `leading` is the batch shape that it must match."""
        if self.labels is None or part not in self.conditioned_parts:
            return ()
        if y is None:
            raise ValueError(
                f"y: expected labels, since the {part} of this model is conditioned on them; got None"
            )
        vector = self.labels(y)
        pairs = zip(vector.shape[-2::-1], leading[::-1], strict=False)
        if any(a != b and 1 not in (a, b) for a, b in pairs):
            raise ValueError(f"y: expected {leading[-1]} labels, one per image, got {vector.shape[-2]}")
        return (vector,)


def interpolate(a: Tensor, b: Tensor, steps: int, path: str = "linear") -> Tensor:
    """Points on a straight line or on a great circle from a to b.

    The spherical path rotates the direction at constant speed while the norm changes linearly from |a| to |b|
    (Shoemake 1985).

    Args:
        a, b: (..., d).
        steps: number of points, including both ends.
        path: "linear" or "spherical".

    Returns:
        (steps, ..., d).

    Raises:
        ValueError: fewer than two steps, or an unknown path.

    >>> a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    >>> interpolate(a, b, steps=3)[1]
    tensor([0.5000, 0.5000])
    >>> interpolate(a, b, steps=3, path="spherical")[1]
    tensor([0.7071, 0.7071])
    """
    if steps < 2:
        raise ValueError(f"steps: expected at least 2, got {steps}")
    if path not in ("linear", "spherical"):
        raise ValueError(f"path: expected 'linear' or 'spherical', got {path!r}")
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).reshape(-1, *[1] * a.dim())
    if path == "linear":
        return torch.lerp(a, b, t)
    length = torch.lerp(a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True), t)
    return length * _great_circle(F.normalize(a, dim=-1), F.normalize(b, dim=-1), t)


def _great_circle(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Points on the great circle from unit vector a to unit vector b; through 0 if they are opposite."""
    angle = torch.arccos((a * b).sum(-1, keepdim=True).clamp(-1, 1)).clamp(1e-4, math.pi - 1e-4)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _kl_per_layer(q: LatentSample, p: LatentSample, terms: ELBOTerms) -> Tensor | None:
    """KL(q, p) per layer, (L, B): in closed form, else from samples; None if no layer has a closed form."""
    analytic = [_analytic_kl(a, b) for a, b in zip(q.layers, p.layers, strict=True)]
    known = [kl for kl in analytic if kl is not None]
    if not known:
        return None
    if len(known) == len(analytic):
        return torch.stack(known)
    sampled = terms.log_ratio.mean(1)
    return torch.stack([mean if kl is None else kl for kl, mean in zip(analytic, sampled, strict=True)])


def _analytic_kl(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q, p) per image, (B,); for a layer below the top, the mean over the samples of the layers above."""
    try:
        kl = kl_divergence(q, p)
    except NotImplementedError:
        return None
    return kl.mean(0) if kl.dim() > 1 else kl
