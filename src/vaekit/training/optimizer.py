"""Adam (Kingma and Ba 2015); with decay, AdamW (Loshchilov and Hutter 2019).

With the gradient g of step t, all else of one weight w,

    m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
    w <- w - rate (decay w + m' / (sqrt(v') + eps)),    m' = m / (1 - b1^t),    v' = v / (1 - b2^t),

with b1 = 0.9, b2 = 0.999, eps = 1e-8, for all weights in one kernel of torch. It is that of
`torch.optim.Adam(fused=True)`, bit for bit; but the first step there imports torch's compiler, which takes
longer than a small training.

The exponential moving average of the weights, often a better model than the weights themselves.

    a <- d a + (1 - d) w,     d = min(decay, (1 + t) / (10 + t)) after step t,

so that a short training does not keep its first, random weights (Polyak and Juditsky 1992 for the average;
the rise of d as in TensorFlow's ExponentialMovingAverage, 2015).

The learning rate is a pure function of the position, so there is no scheduler whose state could be lost.

With r the rate of the recipe, s the step from 1 of S, e the epoch from 1, and w steps of warm-up,

    constant      r
    cosine        r (f + (1 - f) (1 + cos(pi (s - w) / (S - w))) / 2)        (Loshchilov and Hutter 2017)
    exponential   r factor^(e - 1)

each times min(1, s / w) while it warms up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from vaekit.training.settings import CosineRate, ExponentialRate, TrainingSettings

# ------------------------------------------------------------------------------------------------------- Adam


BETAS, EPSILON = (0.9, 0.999), 1e-8

Moments = dict[str, Tensor]


class Adam:
    """The moments of some weights, and the step they lead to.

    Args:
        weights: leaves that require a gradient, on one device; one that has none in a step stays as it is.
        decay: of the weights, times the rate.
    """

    def __init__(self, weights: Sequence[Tensor], decay: float = 0.0):
        self.weights, self._decay = list(weights), decay
        self._steps = torch.zeros(len(self.weights), device=self.weights[0].device)
        means, squares = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        self._states = list(zip(self.weights, means, squares, self._steps.unbind(), strict=True))

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Change the weights by their gradients, and forget these."""
        moved = [state for state in self._states if state[0].grad is not None]
        if not moved:
            return
        weights, means, squares, steps = zip(*moved, strict=True)
        if len(moved) == len(self._states):
            self._steps += 1
        else:
            torch._foreach_add_(steps, 1)
        kernel = torch._fused_adamw_ if self._decay else torch._fused_adam_
        kernel(
            weights, [weight.grad for weight in weights], means, squares, [], steps,
            lr=rate, beta1=BETAS[0], beta2=BETAS[1], weight_decay=self._decay, eps=EPSILON,
            amsgrad=False, maximize=False,
        )  # fmt: skip
        self.forget()

    def forget(self) -> None:
        """Drop the gradients."""
        for weight in self.weights:
            weight.grad = None

    @property
    def moments(self) -> list[Moments]:
        """Of each weight its number of steps and its moments; nothing before the first.

        The moments are those in use, the number a copy: numbers share their memory, which a file refuses.
        """
        return [
            {"step": step.clone(), "exp_avg": mean, "exp_avg_sq": square} if step > 0 else {}
            for _, mean, square, step in self._states
        ]

    def restore(self, moments: Mapping[int, Moments]) -> None:
        """Put back what `moments` held, by place; a weight that is not there never had a gradient."""
        for place, (_, mean, square, step) in enumerate(self._states):
            found = moments.get(place, {})
            for name, state in (("step", step), ("exp_avg", mean), ("exp_avg_sq", square)):
                state.copy_(found[name]) if found else state.zero_()


# ------------------------------------------------------------------------------ moving average of the weights


class EMA:
    """The moving average of some weights.

    Args:
        weights: the parameters it follows.
        decay: d, in (0, 1).
    """

    def __init__(self, weights: Iterable[Tensor], decay: float):
        self._weights = [weight.detach() for weight in weights]
        self.values = [weight.clone() for weight in self._weights]
        self._decay = decay

    def update(self, step: int) -> None:
        """Move towards the weights as they are after `step`, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self._weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the model's weights are the average; after it they are its own again."""
        own = [weight.clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self.values)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, own)


# ---------------------------------------------------------------------------------------------- learning rate


def learning_rate(settings: TrainingSettings, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        settings: rate and schedule.
        epoch, step: counted from 1 since the start of training.
        steps: of the whole training.
    """
    warmup = settings.schedule.warmup
    rising = min(1.0, step / warmup) if warmup else 1.0
    return settings.learning_rate * rising * _decay(settings, epoch, max(step - warmup, 0), steps - warmup)


def _decay(settings: TrainingSettings, epoch: int, step: int, steps: int) -> float:
    schedule = settings.schedule
    if isinstance(schedule, CosineRate):
        progress = min(step / max(steps, 1), 1.0)
        return schedule.min_lr_ratio + (1 - schedule.min_lr_ratio) * (1 + math.cos(math.pi * progress)) / 2
    return schedule.factor ** (epoch - 1) if isinstance(schedule, ExponentialRate) else 1.0
