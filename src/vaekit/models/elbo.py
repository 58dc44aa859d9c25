"""The terms of the lower bound: what a model says of images, and all that objectives and estimators read.

    log p(x) >= E_q [log p(x | z) + log p(z) - log q(z | x)]

The conditionals of a `VAE` give them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

LazyTerm = Callable[["ELBOTerms"], "Tensor | None"]


class ELBOTerms:
    """The terms of the bound for B images, K posterior samples and L latent levels, in nats.

    A term may be given as a function of the evidence. It is then computed when somebody first asks for it,
    since few bounds need all of them; with a gradient if the evidence was made where there are gradients.

    Attributes:
        log_px: (K, B), log p(x | z_k).
        log_pz: (L, K, B), log p of each level given the levels above, top first.
        log_qz: (L, K, B), log q of the same levels.
        analytic_kl: (L, B), KL(q, p) of each layer in closed form where there is one, else by its samples;
            None where no layer has one.
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
        """(L, K, B): log q - log p of each level and sample."""
        return self.log_qz - self.log_pz

    @property
    def kl(self) -> Tensor:
        """(L, B): KL(q, p) of each level, in the least noisy form at hand."""
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
        """(B,): log mean_k w_k, the bound of K samples."""
        return self.log_weights.logsumexp(0) - math.log(len(self.log_px))
