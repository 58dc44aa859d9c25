"""The terms of the evidence lower bound (Kingma and Welling 2014),

    log p(x) >= E_q [log p(x | z) + log p(z) - log q(z | x)].

A `VAE` returns them as `ELBOTerms`. Objectives, estimators and evaluation read nothing else of a model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

ALL_TERMS = frozenset({"log_ratio", "kl", "latents"})

LazyTerm = Callable[["ELBOTerms"], "Tensor | None"]


class ELBOTerms:
    """The terms of the bound for B images, K posterior samples and L latent layers, in nats.

    Few bounds need all terms. A term may therefore be given as a function of the `ELBOTerms`, which is called
    when the term is first read. It has gradients if they were enabled when the `ELBOTerms` was created.

    Attributes:
        log_px: (K, B), log p(x | z_k).
        log_pz: (L, K, B), log p of each layer given the layers above, top layer first.
        log_qz: (L, K, B), log q of the same layers.
        analytic_kl: (L, B), KL(q, p) of each layer in closed form, or from the samples if this layer has no
            closed form; None if no layer has one.

    >>> log_px = torch.tensor([[-5.0], [-7.0]])  # K = 2 samples, B = 1 image
    >>> terms = ELBOTerms(log_px, log_pz=torch.full((1, 2, 1), -3.0), log_qz=torch.full((1, 2, 1), -1.0))
    >>> terms
    ELBOTerms(n_samples=2, batch_size=1)
    >>> terms.kl, terms.elbo
    (tensor([[2.]]), tensor([-8.]))
    >>> terms.iwae_bound > terms.elbo
    tensor([True])
    """

    def __init__(
        self,
        log_px: Tensor,
        log_pz: Tensor | LazyTerm,
        log_qz: Tensor | LazyTerm,
        analytic_kl: Tensor | LazyTerm | None = None,
    ):
        self.log_px = log_px
        self._terms: dict[str, Any] = {"log_pz": log_pz, "log_qz": log_qz, "analytic_kl": analytic_kl}
        self._graded = torch.is_grad_enabled()

    def __repr__(self) -> str:
        n_samples, batch_size = self.log_px.shape
        return f"ELBOTerms(n_samples={n_samples}, batch_size={batch_size})"

    @property
    def log_pz(self) -> Tensor:
        return self._term("log_pz")

    @property
    def log_qz(self) -> Tensor:
        return self._term("log_qz")

    @property
    def analytic_kl(self) -> Tensor | None:
        return self._term("analytic_kl")

    def _term(self, name: str) -> Any:
        if callable(self._terms[name]):
            with torch.set_grad_enabled(self._graded):
                self._terms[name] = self._terms[name](self)
        return self._terms[name]

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
