"""The terms of the evidence lower bound (Kingma and Welling 2014),

    log p(x) >= E_q [log p(x | z) + log p(z) - log q(z | x)].

A model returns them as `ELBOTerms`. Objectives, estimators and evaluation read nothing else of a model. Each
asks for the terms that it needs, when they are computed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from vaekit.distributions.operations import Delta
from vaekit.models import masking
from vaekit.models.conditional import LatentSample

LatentKind = Literal["continuous", "discrete", "point"]

ALL_TERMS = frozenset({"kl", "log_ratio", "latents", "parts"})
DEFAULT_TERMS = frozenset({"kl", "log_ratio"})


class LatentTerms(NamedTuple):
    """A latent layer: its posterior samples, its posterior, and its prior given the layers above.

    Attributes:
        sample: (K, B, *shape), samples of q, with gradients if q has them.
        q: q(z_l | x, layers above), over `shape`.
        p: p(z_l | layers above), over `shape`.

    >>> from torch.distributions import Normal
    >>> normal = Independent(Normal(torch.zeros(4, 2), torch.ones(4, 2)), 1)
    >>> latent = LatentTerms(normal.rsample((3,)), normal, normal)
    >>> latent.sample.shape, latent.kind
    (torch.Size([3, 4, 2]), 'continuous')
    """

    sample: Tensor
    q: Distribution
    p: Distribution

    @property
    def kind(self) -> LatentKind:
        """Whether q is continuous, discrete, or a point."""
        return latent_kind(self.q)


def latent_kind(distribution: Distribution) -> LatentKind:
    """Whether a distribution is continuous, discrete, or a point.

    A distribution says so itself with an attribute `latent_kind`. Otherwise its support decides.

    >>> latent_kind(Delta(torch.zeros(2))), latent_kind(torch.distributions.Bernoulli(0.5))
    ('point', 'discrete')
    """
    base = distribution
    while isinstance(base, Independent):
        base = base.base_dist
    if hasattr(base, "latent_kind"):
        return base.latent_kind
    if isinstance(base, Delta):
        return "point"
    try:
        support = base.support
    except NotImplementedError:
        return "continuous"
    return "discrete" if support is not None and support.is_discrete else "continuous"


class ELBOTerms:
    """The terms of the bound for B data points, K posterior samples and L latent layers, in nats.

    Args:
        log_px: (K, B), log p(x | z_k).
        log_pz: (L, K, B), log p of each layer given the layers above, top layer first.
        log_qz: (L, K, B), log q of the same layers.
        analytic_kl: (L, B), KL(q, p) of each layer in closed form, or from the samples if this layer has no
            closed form; None if no layer has one.
        latents: the latent layers, top first.
        auxiliary: further terms by name, each (B,), such as the commitment loss of a codebook. Objectives add
            them to the loss.
        log_px_parts: (P, K, B), log p of the P independent parts of a data point, such as columns.
        is_bound: whether the mean of log_px minus the KL is a lower bound of log p(x). It is none if a
            posterior is a point.

    Raises:
        ValueError: a term is read that was not asked for.

    >>> log_px = torch.tensor([[-5.0], [-7.0]])  # K = 2 samples, B = 1 data point
    >>> terms = ELBOTerms(log_px, log_pz=torch.full((1, 2, 1), -3.0), log_qz=torch.full((1, 2, 1), -1.0))
    >>> terms
    ELBOTerms(n_samples=2, batch_size=1)
    >>> terms.kl, terms.elbo
    (tensor([[2.]]), tensor([-8.]))
    >>> terms.iwae_bound > terms.elbo
    tensor([True])
    >>> ELBOTerms(log_px).log_ratio
    Traceback (most recent call last):
    ...
    ValueError: log_qz: not computed; ask for it with elbo_terms(..., need={'log_ratio'})
    """

    def __init__(
        self,
        log_px: Tensor,
        log_pz: Tensor | None = None,
        log_qz: Tensor | None = None,
        analytic_kl: Tensor | None = None,
        *,
        latents: Sequence[LatentTerms] | None = None,
        auxiliary: Mapping[str, Tensor] | None = None,
        log_px_parts: Tensor | None = None,
        is_bound: bool = True,
    ):
        self.log_px, self.analytic_kl, self.is_bound = log_px, analytic_kl, is_bound
        self.auxiliary = dict(auxiliary or {})
        self._log_pz, self._log_qz = log_pz, log_qz
        self._latents, self._log_px_parts = latents, log_px_parts

    def __repr__(self) -> str:
        n_samples, batch_size = self.log_px.shape
        return f"ELBOTerms(n_samples={n_samples}, batch_size={batch_size})"

    @property
    def log_pz(self) -> Tensor:
        """(L, K, B): log p of each layer given the layers above."""
        return _computed(self._log_pz, "log_pz", "log_ratio")

    @property
    def log_qz(self) -> Tensor:
        """(L, K, B): log q of each layer given the layers above."""
        return _computed(self._log_qz, "log_qz", "log_ratio")

    @property
    def computed(self) -> dict[str, Tensor]:
        """The terms beside `log_px` that were computed, by name, in the order of computation."""
        terms = {"log_qz": self._log_qz, "log_pz": self._log_pz, "kl": self.analytic_kl}
        return {name: term for name, term in terms.items() if term is not None}

    @property
    def latents(self) -> Sequence[LatentTerms]:
        """The latent layers with their samples and distributions, top layer first."""
        if self._latents is None:
            raise ValueError("latents: not computed; ask for them with elbo_terms(..., need={'latents'})")
        return self._latents

    @property
    def log_px_parts(self) -> Tensor:
        """(P, K, B): log p of each part of a data point; they sum to `log_px`."""
        return _computed(self._log_px_parts, "log_px_parts", "parts")

    @property
    def log_ratio(self) -> Tensor:
        """(L, K, B): log q - log p of each layer and sample."""
        return self.log_qz - self.log_pz

    @property
    def kl(self) -> Tensor:
        """(L, B): KL(q, p) of each layer, in closed form if there is one, else the mean of `log_ratio`."""
        return self.log_ratio.mean(1) if self.analytic_kl is None else self.analytic_kl

    @property
    def log_weights(self) -> Tensor:
        """(K, B): log w_k = log p(x | z_k) + log p(z_k) - log q(z_k | x)."""
        return self.log_px - self.log_ratio.sum(0)

    @property
    def elbo(self) -> Tensor:
        """(B,): the evidence lower bound."""
        return self.log_px.mean(0) - self.kl.sum(0)

    @property
    def iwae_bound(self) -> Tensor:
        """(B,): the importance-weighted bound log mean_k w_k (Burda et al. 2016)."""
        return self.log_weights.logsumexp(0) - math.log(len(self.log_px))


def check_need(need: frozenset[str] | set[str]) -> None:
    """Refuse names of terms that do not exist.

    >>> check_need({"kl", "latents"})
    """
    unknown = set(need) - ALL_TERMS
    if unknown:
        raise ValueError(f"need: expected names from {sorted(ALL_TERMS)}, got {sorted(unknown)}")


def _computed(term: Tensor | None, name: str, need: str) -> Tensor:
    if term is None:
        raise ValueError(f"{name}: not computed; ask for it with elbo_terms(..., need={{{need!r}}})")
    return term


def terms_of(
    q: LatentSample,
    p: LatentSample,
    log_px: Tensor,
    need: Collection[str] = DEFAULT_TERMS,
    log_px_parts: Tensor | None = None,
) -> ELBOTerms:
    """The terms of the bound from samples of the posterior and what prior and likelihood say of them.

    Args:
        q: samples with the posterior of each layer.
        p: the same samples with the prior of each layer.
        log_px: (K, B).
        need: the terms to compute.
        log_px_parts: (P, K, B), if they were asked for.

    >>> from vaekit.models.conditional import Hierarchy
    >>> from vaekit.models.priors import StandardNormal
    >>> normal = Hierarchy([StandardNormal(2)], [2])()
    >>> q = normal.rsample_layers((3, 4))
    >>> terms_of(q, normal.condition_on(q.z), torch.zeros(3, 4)).log_ratio.abs().max()
    tensor(0.)
    """
    analytic = [_analytic_kl(a, b) for a, b in zip(q.layers, p.layers, strict=True)] if "kl" in need else []
    log_pz = log_qz = log_ratio = None
    if "log_ratio" in need or None in analytic:
        log_qz = q.log_prob
        log_pz = p.log_prob.expand_as(log_qz)
        log_ratio = log_qz - log_pz
    kl = _kl_per_layer(analytic, log_ratio)
    latents = [LatentTerms(*terms) for terms in zip(q.values, q.layers, p.layers, strict=True)]
    return ELBOTerms(
        log_px,
        log_pz,
        log_qz,
        kl,
        latents=latents if "latents" in need else None,
        auxiliary=_auxiliary(q.layers),
        log_px_parts=log_px_parts,
        is_bound=all(latent.kind != "point" for latent in latents),
    )


def log_prob_parts(px: Distribution, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """(P, ...): log p of the P independent parts of data points; of one part if p(x | z) has no parts.

    >>> from vaekit.models.likelihoods import bernoulli
    >>> log_prob_parts(bernoulli()(torch.zeros(5, 1, 2, 2)), torch.zeros(5, 1, 2, 2)).shape
    torch.Size([1, 5])
    """
    if hasattr(px, "log_prob_parts"):
        return px.log_prob_parts(x, mask)
    return masking.masked_log_prob(px, x, mask)[None]


def _auxiliary(layers: Sequence[Distribution]) -> dict[str, Tensor]:
    """The auxiliary terms of all posteriors, each (B,); those of one name are added."""
    found: dict[str, Tensor] = {}
    for layer in layers:
        for name, term in getattr(layer, "auxiliary", {}).items():
            found[name] = found[name] + term if name in found else term
    return found


def _kl_per_layer(analytic: Sequence[Tensor | None], log_ratio: Tensor | None) -> Tensor | None:
    """KL per layer, (L, B): in closed form, else from samples; None if no layer has a closed form."""
    known = [kl for kl in analytic if kl is not None]
    if not known or log_ratio is None:
        return torch.stack(known) if known else None
    sampled = log_ratio.mean(1)
    return torch.stack([mean if kl is None else kl for kl, mean in zip(analytic, sampled, strict=True)])


def _analytic_kl(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q, p) per image, (B,); for a layer below the top, the mean over the samples of the layers above."""
    try:
        kl = kl_divergence(q, p)
    except NotImplementedError:
        return None
    return kl.mean(0) if kl.dim() > 1 else kl
