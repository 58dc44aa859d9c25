"""Training objectives, functions of `ELBOTerms`, and schedules of the weight beta.

    elbo:  -E_q[log p(x | z)] + beta * sum over layers of max(free bits, KL(q, p))
    iwae:  -log mean_k w_k,        w_k = p(x | z_k) (p(z_k) / q(z_k | x))^beta

The negative loss is a lower bound on log p(x) only with beta = 1 and without free bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from vaekit.models.elbo import ALL_TERMS, ELBOTerms
from vaekit.registry import register, registered
from vaekit.utils.schema import NonNegative, Positive

Schedule = Callable[[float], float]


def _has_no_free_bits(options: Mapping[str, Any]) -> bool:
    return not options.get("free_bits")


@register("objective", need={"kl"}, batch_mean=_has_no_free_bits)
def elbo(terms: ELBOTerms, beta: float = 1.0, free_bits: NonNegative = 0.0) -> Tensor:
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
    return beta * kl.sum() - terms.log_px.mean() + _auxiliary_loss(terms)


@register("objective", need={"log_ratio"}, batch_mean=True)
def iwae(terms: ELBOTerms, beta: float = 1.0) -> Tensor:
    """The negative importance-weighted bound of K samples (Burda et al. 2016).

    Args:
        terms: of a batch.
        beta: exponent of p(z) / q(z | x) in each weight, for warm-up; the result is a bound only with 1.

    Returns:
        A scalar, the mean over images in nats.

    >>> log_qz = torch.zeros(1, 2, 1)
    >>> iwae(ELBOTerms(torch.tensor([[0.0], [-torch.inf]]), log_qz, log_qz))  # weights 1 and 0: log 2
    tensor(0.6931)
    """
    log_weights = terms.log_px - beta * terms.log_ratio.sum(0)
    return math.log(len(log_weights)) - torch.logsumexp(log_weights, 0).mean() + _auxiliary_loss(terms)


def _auxiliary_loss(terms: ELBOTerms) -> Tensor | float:
    """The sum of the auxiliary terms, averaged over the batch; 0 if there are none."""
    return sum((term.mean() for term in terms.auxiliary.values()), start=0.0)


@register("schedule")
def constant(value: NonNegative = 1.0) -> Schedule:
    """The same beta throughout (Higgins et al. 2017).

    Args:
        value: beta, the weight of the KL.

    >>> constant(0.5)(10)
    0.5
    """
    return lambda position: value


@register("schedule")
def linear(warmup: Positive = 100, init: NonNegative = 0.0, final: NonNegative = 1.0) -> Schedule:
    """Linear warm-up from `init` at position 0 to `final` at position `warmup` (Bowman et al. 2016).

    Args:
        warmup: epochs or steps of warm-up.
        init: beta at the start.
        final: beta after warm-up.

    >>> beta = linear(warmup=100)
    >>> beta(0), beta(50), beta(200)
    (0.0, 0.5, 1.0)
    """
    return lambda position: init + (final - init) * min(position / warmup, 1.0)


@register("schedule")
def cyclical(
    period: Positive = 10,
    ratio: Annotated[float, Field(gt=0, le=1)] = 0.5,
    init: NonNegative = 0.0,
    final: NonNegative = 1.0,
) -> Schedule:
    """Repeated linear warm-up over the fraction `ratio` of each period, then constant (Fu et al. 2019).

    Args:
        period: epochs or steps of a cycle.
        ratio: fraction of a cycle during which beta rises.
        init: beta at the start of a cycle.
        final: beta at the end of the rise.

    >>> beta = cyclical(period=10)
    >>> beta(1), beta(5), beta(10), beta(11)
    (0.2, 1.0, 1.0, 0.2)
    """
    rise = linear(period * ratio, init, final)
    return lambda position: rise(period - (-position % period))


@dataclass(frozen=True, repr=False)
class Objective:
    """A loss, its number of samples, and the schedule of beta.

    Attributes:
        bound: a function of `ELBOTerms` and beta that returns the scalar to minimize, in nats per data point;
            `functools.partial` gives it options, as in `partial(elbo, free_bits=2.0)`.
        samples: K, the number of posterior samples per data point.
        beta: the schedule; positions count from 1.
        unit: "epoch" or "step", the unit of the positions.
        warmup_end: the position at which warm-up ends.

    >>> objective = Objective(beta=linear(warmup=100), warmup_end=100)
    >>> objective
    Objective(elbo, samples=1, warmup_end=100 epochs)
    >>> objective.beta_at(epoch=25, step=4000)
    0.25
    """

    bound: Callable[..., Tensor] = elbo
    samples: int = 1
    beta: Schedule = field(default_factory=constant)
    unit: str = "epoch"
    warmup_end: float = 0.0

    def __repr__(self) -> str:
        bound = self.bound
        options = bound.keywords if isinstance(bound, partial) else {}
        parts = [
            getattr(_function(bound), "__name__", repr(bound)),
            *(f"{name}={value}" for name, value in options.items()),
            f"samples={self.samples}",
            f"warmup_end={self.warmup_end:g} {self.unit}s",
        ]
        return f"Objective({', '.join(parts)})"

    @property
    def need(self) -> frozenset[str]:
        """The terms that the loss reads, beside `log_px`; all terms if it was registered without `need`.

        >>> sorted(Objective(iwae).need)
        ['log_ratio']
        """
        component = registered(_function(self.bound), "objective")
        return frozenset(ALL_TERMS if component is None else component.traits.get("need", ALL_TERMS))

    @property
    def is_batch_mean(self) -> bool:
        """Whether the loss is a mean over data points, as `register("objective", batch_mean=True)` says.

        >>> Objective(iwae).is_batch_mean, Objective(partial(elbo, free_bits=2.0)).is_batch_mean
        (True, False)
        """
        component = registered(_function(self.bound), "objective")
        said = component.traits.get("batch_mean", False) if component else False
        options = self.bound.keywords if isinstance(self.bound, partial) else {}
        return bool(said(options) if callable(said) else said)

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
        """The scalar to minimize, in nats per data point."""
        return self.bound(terms, beta)


def _function(bound: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function of a bound, without its options."""
    return bound.func if isinstance(bound, partial) else bound
