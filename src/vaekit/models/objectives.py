"""Training objectives, functions of `ELBOTerms`, and schedules of the weight beta.

    elbo:  -E_q[log p(x | z)] + beta * sum over layers of max(free bits, KL(q, p))
    iwae:  -log mean_k w_k,        w_k = p(x | z_k) (p(z_k) / q(z_k | x))^beta

The negative loss is a lower bound on log p(x) only with beta = 1 and without free bits.
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
    """The negative evidence lower bound, with weight beta on the KL (Higgins et al. 2017).

    Args:
        terms: of a batch.
        beta: weight of the KL.
        free_bits: nats per layer below which the KL, averaged over the batch, is not reduced (Kingma et al.
            2016, with a layer as the group).

    Returns:
        A scalar, the mean over images in nats.

    >>> terms = ELBOTerms(torch.tensor([[-5.0]]), torch.tensor([[[-3.0]]]), torch.tensor([[[-1.0]]]))
    >>> elbo(terms), elbo(terms, beta=0.5), elbo(terms, free_bits=3.0)
    (tensor(7.), tensor(6.), tensor(8.))
    """
    kl = terms.kl.mean(1)
    if free_bits:
        kl = kl.clamp_min(free_bits)
    return beta * kl.sum() - terms.log_px.mean()


def iwae(terms: ELBOTerms, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """The negative importance-weighted bound of K samples (Burda et al. 2016).

    Args:
        terms: of a batch.
        beta: exponent of p(z) / q(z | x) in each weight, for warm-up; the result is a bound only with 1.
        free_bits: must be 0, since this bound has no KL term.

    Returns:
        A scalar, the mean over images in nats.

    Raises:
        ValueError: free_bits is not 0.

    >>> log_qz = torch.zeros(1, 2, 1)
    >>> iwae(ELBOTerms(torch.tensor([[0.0], [-torch.inf]]), log_qz, log_qz))  # weights 1 and 0: log 2
    tensor(0.6931)
    """
    if free_bits:
        raise ValueError(
            f"free_bits: expected 0, since the iwae bound has no KL term, got {free_bits}; use elbo"
        )
    log_weights = terms.log_px - beta * terms.log_ratio.sum(0)
    return math.log(len(log_weights)) - torch.logsumexp(log_weights, 0).mean()


OBJECTIVES: dict[str, Callable[..., Tensor]] = {f.__name__: f for f in (elbo, iwae)}


def constant(value: float = 1.0) -> Schedule:
    """beta = value at all positions.

    >>> constant(0.5)(10)
    0.5
    """
    return lambda position: value


def linear(warmup: float, init: float = 0.0, final: float = 1.0) -> Schedule:
    """Linear warm-up from `init` at position 0 to `final` at position `warmup` (Bowman et al. 2016).

    >>> beta = linear(warmup=100)
    >>> beta(0), beta(50), beta(200)
    (0.0, 0.5, 1.0)
    """
    return lambda position: init + (final - init) * min(position / warmup, 1.0)


def cyclical(period: float, ratio: float = 0.5, init: float = 0.0, final: float = 1.0) -> Schedule:
    """Repeated linear warm-up over the fraction `ratio` of each period, then constant (Fu et al. 2019).

    >>> beta = cyclical(period=10)
    >>> beta(1), beta(5), beta(10), beta(11)
    (0.2, 1.0, 1.0, 0.2)
    """
    rise = linear(period * ratio, init, final)
    return lambda position: rise(period - (-position % period))


SCHEDULES: dict[str, Callable[..., Schedule]] = {f.__name__: f for f in (constant, linear, cyclical)}


@dataclass(frozen=True, repr=False)
class Objective:
    """A bound, its number of samples, and the schedule of beta.

    Attributes:
        bound: a function in `OBJECTIVES`.
        samples: K, the number of posterior samples per image.
        beta: the schedule; positions count from 1.
        unit: "epoch" or "step", the unit of the positions.
        warmup_end: the position at which warm-up ends.
        free_bits: nats per layer.

    >>> objective = Objective(beta=linear(warmup=100), warmup_end=100)
    >>> objective
    Objective(elbo, samples=1, free_bits=0.0, warmup_end=100 epochs)
    >>> objective.beta_at(epoch=25, step=4000)
    0.25
    """

    bound: Callable[..., Tensor] = elbo
    samples: int = 1
    beta: Schedule = field(default_factory=constant)
    unit: str = "epoch"
    warmup_end: float = 0.0
    free_bits: float = 0.0

    def __repr__(self) -> str:
        name, warmup = getattr(self.bound, "__name__", self.bound), f"{self.warmup_end:g} {self.unit}s"
        return f"Objective({name}, samples={self.samples}, free_bits={self.free_bits}, warmup_end={warmup})"

    def beta_at(self, epoch: int, step: int) -> float:
        """beta at an epoch and step, both counted from 1 since the start of training."""
        return self.beta(epoch if self.unit == "epoch" else step)

    def is_warmed_up(self, epoch: int, step: int) -> bool:
        """Whether warm-up is over."""
        return (epoch if self.unit == "epoch" else step) >= self.warmup_end

    @property
    def final_beta(self) -> float:
        """beta after warm-up; for a cyclical schedule, at the end of a cycle."""
        return self.beta(self.warmup_end)

    def loss(self, terms: ELBOTerms, beta: float | Tensor) -> Tensor:
        """The scalar to minimize, in nats per image."""
        return self.bound(terms, beta, self.free_bits)
