"""Adam, which is the usual optimizer, the moving average of the weights, and the learning rate.

**Adam** (Kingma and Ba 2015), or AdamW if `decay` > 0 (Loshchilov and Hutter 2019). For a weight w with the
gradient g of step t,

    m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
    w <- w - rate (decay w + m' / (sqrt(v') + eps)),    m' = m / (1 - b1^t),    v' = v / (1 - b2^t),

with b1 = 0.9, b2 = 0.999 and eps = 1e-8, for all weights in one fused kernel. The result equals that of
`torch.optim.Adam(fused=True)` bit for bit; but the first step of that class imports the compiler of torch,
which takes longer than a small training.

**EMA**, the exponential moving average of the weights, often generalizes better than the weights themselves:

    a <- d a + (1 - d) w,     d = min(decay, (1 + t) / (10 + t)) after step t

The rise of d keeps the first, random weights out of the average of a short training (Polyak and Juditsky 1992
for the average; the rise of d as in TensorFlow's ExponentialMovingAverage, 2015).

**The learning rate** is a pure function of the position in the training, so there is no scheduler with a
state. With the rate r of the recipe, step s of S, epoch e (both from 1), and w warm-up steps,

    constant      r
    cosine        r (f + (1 - f) (1 + cos(pi (s - w) / (S - w))) / 2)        (Loshchilov and Hutter 2017)
    exponential   r factor^(e - 1)

each times min(1, s / w) during warm-up.
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
    """Adam with the moments of its weights.

    Args:
        weights: leaf tensors that require a gradient, on one device. A weight without a gradient in a step
            does not change in that step.
        decay: the decoupled weight decay; it is multiplied by the learning rate.
        betas, eps: b1 and b2, and the small number in the denominator.

    Raises:
        ValueError: a number is out of its range.

    >>> w = torch.ones(2, requires_grad=True)
    >>> adam = Adam([w])
    >>> w.sum().backward()
    >>> adam.step(rate=0.1)
    >>> w.detach()
    tensor([0.9000, 0.9000])
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        decay: float = 0.0,
        betas: tuple[float, float] = BETAS,
        eps: float = EPSILON,
    ):
        self.weights, self._decay = list(weights), decay
        self._betas, self._eps = _checked(betas, eps, decay)
        self._steps = torch.zeros(len(self.weights), device=self.weights[0].device)
        means, squares = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        self._states = list(zip(self.weights, means, squares, self._steps.unbind(), strict=True))

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the weights by their gradients, then clear the gradients.

        Args:
            rate: the learning rate of this step.
        """
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
            lr=rate, beta1=self._betas[0], beta2=self._betas[1], weight_decay=self._decay, eps=self._eps,
            amsgrad=False, maximize=False,
        )  # fmt: skip
        self.zero_grad()

    def zero_grad(self) -> None:
        """Set the gradients to None."""
        for weight in self.weights:
            weight.grad = None

    @property
    def moments(self) -> list[Moments]:
        """For each weight `step`, `exp_avg` and `exp_avg_sq`; an empty dictionary before its first step.

        The step counts are copies, because they share memory, which safetensors does not accept.
        """
        return [
            {"step": step.clone(), "exp_avg": mean, "exp_avg_sq": square} if step > 0 else {}
            for _, mean, square, step in self._states
        ]

    def load_moments(self, moments: Mapping[int, Moments]) -> None:
        """Restore `moments` by the index of the weight; a weight without an entry never had a gradient."""
        for place, (_, mean, square, step) in enumerate(self._states):
            found = moments.get(place, {})
            for name, state in (("step", step), ("exp_avg", mean), ("exp_avg_sq", square)):
                state.copy_(found[name]) if found else state.zero_()

    def expected_moments(self, place: int, given: Moments) -> Moments:
        """What a checkpoint has of a weight: tensors of these names, shapes and types."""
        return {"step": torch.zeros(()), "exp_avg": self.weights[place], "exp_avg_sq": self.weights[place]}


def _checked(betas: tuple[float, float], eps: float, decay: float) -> tuple[tuple[float, float], float]:
    if len(betas) != 2 or not all(isinstance(b, int | float) and 0 <= b < 1 for b in betas):
        raise ValueError(f"betas: expected two numbers from 0 up to 1, got {betas}")
    if not eps >= 0 or not decay >= 0:
        raise ValueError(f"eps and weight_decay: expected numbers from 0 up, got {eps} and {decay}")
    return betas, eps


# ------------------------------------------------------------------------------ moving average of the weights


class EMA:
    """The exponential moving average of weights.

    Args:
        weights: the parameters to average.
        decay: d, in (0, 1).

    >>> w = torch.zeros(1)
    >>> ema = EMA([w], decay=0.99)
    >>> _ = w.fill_(11.0)
    >>> ema.update(step=1)  # d = min(0.99, 2 / 11)
    >>> ema.values
    [tensor([9.])]
    """

    def __init__(self, weights: Iterable[Tensor], decay: float):
        self._weights = [weight.detach() for weight in weights]
        self.values = [weight.clone() for weight in self._weights]
        self._decay = decay

    def update(self, step: int) -> None:
        """Average in the weights after `step`, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self._weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block, the weights of the model are the average; afterwards they are restored."""
        saved = [weight.clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self.values)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, saved)


# ---------------------------------------------------------------------------------------------- learning rate


def learning_rate(settings: TrainingSettings, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        settings: the rate r and its schedule.
        epoch, step: the epoch and the step since the start of training, counted from 1.
        steps: S, the number of steps of the whole training.

    >>> settings = TrainingSettings(learning_rate=0.01, schedule={"kind": "exponential", "factor": 0.5})
    >>> [learning_rate(settings, epoch, 10 * epoch, 30) for epoch in (1, 2, 3)]
    [0.01, 0.005, 0.0025]
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
