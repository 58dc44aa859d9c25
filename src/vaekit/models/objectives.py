"""What training minimizes: pure functions of `ELBOTerms`, and the schedules of their weight beta.

    elbo:                 -E[log p(x | z)] + beta * sum over levels of max(free bits, KL(q, p))
    iwae_bound:  -log mean_k w_k

beta = 1 without free bits is the evidence lower bound; only then is the negative loss a bound on log p(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vaekit.models.elbo import ELBOTerms

Schedule = Callable[[float], float]


def elbo(terms: ELBOTerms, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """The negative lower bound, a mean over images, with weight beta on the rate (Higgins et al. 2017).

    Args:
        beta: weight of the rate.
        free_bits: nats that each level may use without cost, on the mean over the batch (Kingma et al.
            2016, with a level as the group).

    Returns:
        A scalar, in nats an image.
    """
    kl = terms.kl.mean(1)
    if free_bits:
        kl = kl.clamp_min(free_bits)
    return beta * kl.sum() - terms.log_px.mean()


def iwae(terms: ELBOTerms, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """The negative bound of K samples, a mean over images (Burda et al. 2016).

    Args:
        beta: weight of the rate inside each weight, for warm-up; only with 1 is it a bound.
        free_bits: must be 0; there is no KL term to clamp.

    Raises:
        ValueError: for free bits.
    """
    if free_bits:
        raise ValueError("free bits belong to the elbo: the importance-weighted bound has no KL term")
    log_weights = terms.log_px - beta * terms.log_ratio.sum(0)
    return math.log(len(log_weights)) - torch.logsumexp(log_weights, 0).mean()


OBJECTIVES: dict[str, Callable[..., Tensor]] = {f.__name__: f for f in (elbo, iwae)}


def constant(value: float = 1.0) -> Schedule:
    """beta = value, always."""
    return lambda position: value


def linear(warmup: float, init: float = 0.0, final: float = 1.0) -> Schedule:
    """Warm-up (Bowman et al. 2016): from `init` at position 0 to `final` at `warmup`, and `final` after."""
    return lambda position: init + (final - init) * min(position / warmup, 1.0)


def cyclical(period: float, ratio: float = 0.5, init: float = 0.0, final: float = 1.0) -> Schedule:
    """In each period, warm up over `ratio` of it, then hold to its end, that included (Fu et al. 2019)."""
    rise = linear(period * ratio, init, final)
    return lambda position: rise(period - (-position % period))


SCHEDULES: dict[str, Callable[..., Schedule]] = {f.__name__: f for f in (constant, linear, cyclical)}


@dataclass(frozen=True)
class Objective:
    """A bound, its number of samples, and the schedule of its beta.

    Attributes:
        bound: a function in `OBJECTIVES`.
        samples: K, posterior samples an image.
        beta: the schedule; positions count from 1.
        unit: "epoch" or "step", what the positions of `beta` count.
        warmup_end: the position from which on warm-up is over.
        free_bits: nats a level.
    """

    bound: Callable[..., Tensor] = elbo
    samples: int = 1
    beta: Schedule = field(default_factory=constant)
    unit: str = "epoch"
    warmup_end: float = 0.0
    free_bits: float = 0.0

    def beta_at(self, epoch: int, step: int) -> float:
        """beta in the epoch and at the step, both counted from 1 since the start of training."""
        return self.beta(epoch if self.unit == "epoch" else step)

    def is_warmed_up(self, epoch: int, step: int) -> bool:
        """Whether warm-up is over."""
        return (epoch if self.unit == "epoch" else step) >= self.warmup_end

    @property
    def final_beta(self) -> float:
        """beta once warm-up is over, at the end of a cycle."""
        return self.beta(self.warmup_end)

    def loss(self, terms: ELBOTerms, beta: float | Tensor) -> Tensor:
        """The scalar to minimize, in nats an image."""
        return self.bound(terms, beta, self.free_bits)
