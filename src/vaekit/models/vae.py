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
from dataclasses import replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.distributions.operations import with_temperature
from vaekit.models import imputation, masking
from vaekit.models.conditional import HierarchicalDistribution, Hierarchy, join_vectors
from vaekit.models.context import Context, as_context
from vaekit.models.elbo import DEFAULT_TERMS, ELBOTerms, check_need, log_prob_parts, terms_of
from vaekit.models.from_noise import sample_layers
from vaekit.models.labels import LabelPrior
from vaekit.utils.random import Seed, seeded


class VAE(nn.Module):
    """A variational autoencoder from a prior, an encoder and a decoder.

    In all methods the labels y are (B,) integers, indices of `labels.values`, or (B, m) vectors; anything
    else raises a ValueError. An unconditional model ignores them. `seed` is an integer or a
    `torch.Generator`; None uses the global generator of PyTorch.

    Args:
        prior: p(z), a `Hierarchy`, or a module without inputs for one layer.
        encoder: q(z | x), a `Hierarchy` with the same `layer_dims`, or a module for one layer.
        decoder: p(x | z), a conditional over images (C, H, W).
        labels: the labels y of a conditional model, and p(y).
        conditioned_parts: which of "prior", "encoder", "decoder" are conditioned on labels and covariates.
            Each is called with both as one vector, labels first.
        covariates: the covariates of a model that is conditioned on them, with those of training.

    Raises:
        ValueError: prior and encoder differ in `layer_dims`, `conditioned_parts` has another name, or is
            given without labels and covariates, or these without it.

    >>> from vaekit.models.conditional import Conditional
    >>> from vaekit.models.likelihoods import bernoulli
    >>> from vaekit.models.posteriors import FullCovariance
    >>> from vaekit.models.priors import StandardNormal
    >>> from vaekit.nn.networks import Dense
    >>> shape, posterior, likelihood = (1, 8, 8), FullCovariance(), bernoulli()
    >>> encoder = Conditional(Dense([shape], posterior.network_output((2,))), posterior)
    >>> decoder = Conditional(Dense([(2,)], likelihood.network_output(shape)), likelihood)
    >>> model = VAE(StandardNormal(2), encoder, decoder)
    >>> x = torch.zeros(4, 1, 8, 8)
    >>> model.elbo_terms(x, n_samples=3)
    ELBOTerms(n_samples=3, batch_size=4)
    >>> model.encode(x)
    HierarchicalDistribution(layer_dims=(2,), batch_shape=(4,))
    >>> model.sample(5).shape
    torch.Size([5, 1, 8, 8])
    """

    def __init__(
        self,
        prior: nn.Module,
        encoder: nn.Module,
        decoder: nn.Module,
        labels: LabelPrior | None = None,
        conditioned_parts: Collection[str] = (),
        covariates: LabelPrior | None = None,
    ):
        super().__init__()
        if not isinstance(prior, Hierarchy):
            prior = Hierarchy([prior], [tuple(prior().event_shape)])
        if not isinstance(encoder, Hierarchy):
            encoder = Hierarchy([encoder], prior.layer_shapes[:1])
        if prior.layer_shapes != encoder.layer_shapes:
            raise ValueError(
                f"prior and encoder: expected equal layer_dims, got {prior.layer_dims} and "
                f"{encoder.layer_dims}"
            )
        self.prior, self.encoder, self.decoder = prior, encoder, decoder
        if not set(conditioned_parts) <= {"prior", "encoder", "decoder"}:
            raise ValueError(
                f"conditioned_parts: expected prior, encoder or decoder, got {sorted(conditioned_parts)}"
            )
        if (labels is None and covariates is None) == bool(conditioned_parts):
            raise ValueError(
                "conditioned_parts: expected them together with labels or covariates, got only one"
            )
        self.labels, self.covariates = labels, covariates
        self.conditioned_parts = frozenset(conditioned_parts)

    @property
    def layer_dims(self) -> tuple[int, ...]:
        """The number of latents of each layer, top layer first."""
        return self.encoder.layer_dims

    @property
    def latent_dim(self) -> int:
        """d, the number of latents of all layers."""
        return sum(self.layer_dims)

    @property
    def event_dims(self) -> int:
        """The number of dimensions of a data point: 3 for an image (C, H, W), 1 for a vector."""
        return getattr(self._head, "event_dims", 3)

    @property
    def _head(self) -> Any:
        return getattr(self.decoder, "head", None)

    def extra_repr(self) -> str:
        parts = f", conditioned_parts={sorted(self.conditioned_parts)}" if self.conditioned_parts else ""
        return f"layer_dims={self.layer_dims}{parts}"

    def elbo_terms(
        self,
        x: Tensor,
        context: Context | Tensor | None = None,
        n_samples: int = 1,
        need: Collection[str] = DEFAULT_TERMS,
        posterior: HierarchicalDistribution | None = None,
        prior: HierarchicalDistribution | None = None,
        seed: Seed = None,
        noise: Tensor | None = None,
    ) -> ELBOTerms:
        """Return the terms of the lower bound.

        Args:
            x: data points, (B, *event).
            context: what they are conditioned on. With a mask, the bound is one on the log-probability of
                the observed values, and the encoder sees 0 for the others. If x has NaN for missing values,
                use the mask `~x.isnan()`.
            n_samples: K, the number of posterior samples per data point.
            need: the terms to compute beside `log_px`: `kl`, `log_ratio` (log_pz and log_qz), `latents`
                (samples, q and p of each layer), `parts` (log_px of each column).
            posterior, prior: `encode(x, context)` and `conditional_prior(context)`, if already computed.
            seed: of the posterior samples.
            noise: what the posterior samples are computed from, in place of random numbers: (K, B, n), or
                (K, 1, n) for the same noise in each data point; see `vaekit.models.from_noise`.

        Returns:
            `ELBOTerms` with log_px (K, B), and the terms in `need`.

        Raises:
            ValueError: the context lacks what the model is conditioned on, or has covariates or an offset
                that it does not take; or `need` has an unknown name.
        """
        check_need(set(need))
        context = self.with_offset(self._checked(context), x)
        mask = context.mask
        if mask is not None:
            x = masking.fill_missing(x, mask)
        if posterior is None:
            posterior = self._encode(x, context)
        with seeded(seed):
            q = posterior.rsample_layers((n_samples,)) if noise is None else sample_layers(posterior, noise)
        if prior is None:
            prior = self.prior(*self._condition("prior", context, self._leading(x)))
        p = prior.condition_on(q.z)
        px = self.decode(q.z, context)
        parts = log_prob_parts(px, x, mask) if "parts" in need else None
        log_px = masking.masked_log_prob(px, x, mask)
        return terms_of(q, p, log_px, need, parts)

    forward = elbo_terms

    def conditional_prior(self, context: Context | Tensor | None = None) -> HierarchicalDistribution:
        """p(z) over z (d,), or p(z | y) over z (B, d) if the prior is conditioned on labels."""
        return self.prior(*self._condition("prior", self._checked(context)))

    def encode(self, x: Tensor, context: Context | Tensor | None = None) -> HierarchicalDistribution:
        """q(z | x) over z (B, d), for data points (B, *event) with NaN for missing values."""
        return self._encode(masking.fill_missing(x), self._checked(context))

    def _encode(self, x: Tensor, context: Context) -> HierarchicalDistribution:
        """q(z | x) for data points without NaN."""
        return self.encoder(x, *self._condition("encoder", context, self._leading(x)))

    def decode(self, z: Tensor, context: Context | Tensor | None = None) -> Distribution:
        """p(x | z) over data points (..., *event), for latents (..., d)."""
        context = self._checked(context)
        inputs = (z, *self._condition("decoder", context, z.shape[:-1]))
        if not takes_offset(self.decoder):
            return self.decoder(*inputs)
        offset = self._head.typical_offset() if context.offset is None else context.offset
        return self.decoder(*inputs, offset=offset)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        temperature: float = 1.0,
        context: Context | Tensor | None = None,
        seed: Seed = None,
        sample_pixels: bool = False,
    ) -> Tensor:
        """Generate n data points: z from the prior, then x from p(x | z).

        Args:
            n: number of data points.
            temperature: multiplies the spread of the prior, in each layer.
            context: of the n data points. What it lacks is sampled: labels from p(y), covariates from those
                of training, offsets from the likelihood.
            seed: of everything that is sampled.
            sample_pixels: sample the values; by default the decoder's mean is returned.

        Returns:
            (n, *event).

        Raises:
            ValueError: the number of labels, covariates or offsets is not n, or the model takes none of them.
        """
        context = self._checked(context, n)
        with seeded(seed):
            context = self.sample_context(n, context)
            prior: Distribution = self.conditional_prior(context)
            if temperature != 1.0:
                prior = with_temperature(prior, temperature)
            z = prior.rsample(() if prior.batch_shape else (n,))
            px = self.decode(z, context)
            return px.sample() if sample_pixels else px.mean

    @torch.no_grad()
    def reconstruct(
        self,
        x: Tensor,
        context: Context | Tensor | None = None,
        seed: Seed = None,
        sample_latents: bool = False,
    ) -> Tensor:
        """Encode and decode data points: the decoder's mean at the posterior's mean.

        Args:
            x: data points, (B, *event).
            context: what they are conditioned on.
            seed: of the posterior sample.
            sample_latents: decode a sample from the posterior instead of its mean.

        Returns:
            (B, *event).
        """
        context = self.with_offset(self._checked(context), x)
        with seeded(seed):
            posterior = self.encode(x, context)
            return self.decode(posterior.rsample() if sample_latents else posterior.mean, context).mean

    def impute(
        self,
        x: Tensor,
        context: Context | Tensor | None = None,
        imputations: int = 5,
        samples: int = 1000,
        sample_pixels: bool = True,
        seed: Seed = None,
    ) -> Tensor:
        """Sample the missing values of data points from p(x_missing | x_observed), several times.

        Uses sampling importance resampling; `imputation.impute` also returns the mean and the effective
        sample size.

        Args:
            x: data points, (B, *event), NaN where missing.
            context: what they are conditioned on; without a label, a conditional model averages over p(y).
                Values where its mask is False count as missing too.
            imputations: M, the number of imputations per data point.
            samples: K, the number of proposals per data point, rounded up to a multiple of the number of
                mixture components of the proposal. Memory does not grow with K.
            sample_pixels: sample the values; otherwise use the decoder's mean at a sampled z.
            seed: of everything that is sampled.

        Returns:
            (M, B, *event), with observed values unchanged.
        """
        return imputation.impute(self, x, context, imputations, samples, sample_pixels, seed).images

    @torch.no_grad()
    def interpolate(
        self,
        x_a: Tensor,
        x_b: Tensor,
        steps: int = 10,
        path: str = "linear",
        context: Context | Tensor | None = None,
        context_b: Context | Tensor | None = None,
        vary: Literal["both", "style", "label"] = "both",
    ) -> Tensor:
        """Decode a path in latent space from data points x_a to data points x_b.

        Args:
            x_a, x_b: data points, (B, *event).
            steps: number of points per path, including the reconstructions of both ends.
            path: "linear", or "spherical" (Shoemake 1985), which keeps the norm typical of N(0, I).
            context: what x_a are conditioned on.
            context_b: what x_b are conditioned on, with labels interpolated linearly from those of x_a;
                `context` by default.
            vary: which part changes along the path: "style" (the latents), "label", or "both".

        Returns:
            (steps, B, *event).

        Raises:
            ValueError: fewer than two steps, or an unknown path.
        """
        first = self.with_offset(self._checked(context), x_a)
        last = first if context_b is None else self._checked(context_b)
        a, b = self.encode(x_a, first).mean, self.encode(x_b, last).mean
        z = interpolate(a, a if vary == "label" else b, steps, path)
        label = self._interpolate_labels(first.label, (first if vary == "style" else last).label, steps)
        return self.decode(z, first.with_label(label)).mean

    def _interpolate_labels(self, y_a: Tensor | None, y_b: Tensor | None, steps: int) -> Tensor | None:
        """Label vectors (steps, B, m) on a straight line; None for an unconditional model."""
        if self.labels is None or y_a is None or y_b is None:
            return None
        return interpolate(self.labels.vectors(y_a), self.labels.vectors(y_b), steps)

    def _leading(self, x: Tensor) -> Sequence[int]:
        """The batch shape of data points."""
        return x.shape[: x.dim() - self.event_dims]

    def _checked(self, given: Context | Tensor | None, n: int | None = None) -> Context:
        """A `Context` without covariates or an offset that the model would ignore; of n rows if given."""
        context = as_context(given)
        if context.covariates is not None and self.covariates is None:
            raise ValueError("covariates: expected none, since this model is not conditioned on covariates")
        if context.offset is not None and not takes_offset(self.decoder):
            raise ValueError("offset: expected none, since the likelihood of this model takes no offset")
        rows = {"y": context.label, "covariates": context.covariates, "offset": context.offset}
        for name, value in rows.items():
            if n is not None and value is not None and len(value) != n:
                what = "labels" if name == "y" else "rows"
                raise ValueError(f"{name}: expected {n} {what}, one per image, got {len(value)}")
        return context

    def with_offset(self, context: Context, x: Tensor) -> Context:
        """The context with the offset that the likelihood reads from the data, if it takes one."""
        if context.offset is not None or not takes_offset(self.decoder):
            return context
        known = x if context.mask is None else torch.where(context.mask, x, torch.nan)
        return replace(context, offset=self._head.offset_of(known))

    def sample_context(self, n: int, context: Context | None = None) -> Context:
        """The context of n data points, with what it lacks sampled: labels, covariates and offsets."""
        context = as_context(context)
        if context.label is None and self.labels is not None:
            context = context.with_label(self.labels.sample(n))
        if context.covariates is None and self.covariates is not None:
            context = replace(context, covariates=self.covariates.sample(n))
        if context.offset is None and takes_offset(self.decoder):
            context = replace(context, offset=self._head.sample_offset(n))
        return context

    def _condition(self, part: str, context: Context, leading: Sequence[int] = ()) -> tuple[Tensor, ...]:
        """What a part is conditioned on, one vector (..., m + c); `leading` is the batch shape to match."""
        if part not in self.conditioned_parts:
            return ()
        given = [("labels", self.labels, context.label), ("covariates", self.covariates, context.covariates)]
        vectors = [
            self._standardize(part, name, known, value, leading)
            for name, known, value in given
            if known is not None
        ]
        return (vectors[0] if len(vectors) == 1 else join_vectors(vectors),)

    def _standardize(
        self, part: str, name: str, known: LabelPrior, value: Tensor | None, leading: Sequence[int]
    ) -> Tensor:
        """Labels or covariates as a network takes them, (..., m)."""
        if value is None:
            raise ValueError(
                f"y: expected {name}, since the {part} of this model is conditioned on them; got None"
            )
        vector = known(value)
        pairs = zip(vector.shape[-2::-1], leading[::-1], strict=False)
        if any(a != b and 1 not in (a, b) for a, b in pairs):
            raise ValueError(f"y: expected {leading[-1]} {name}, one per image, got {vector.shape[-2]}")
        return vector


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


def takes_offset(decoder: nn.Module) -> bool:
    """Whether the likelihood of a decoder takes an offset, such as the log-exposure of counts.

    >>> from vaekit.models.conditional import Conditional
    >>> from vaekit.models.likelihoods import bernoulli
    >>> takes_offset(Conditional(nn.Identity(), bernoulli()))
    False
    """
    return getattr(getattr(decoder, "head", None), "takes_offset", False)
