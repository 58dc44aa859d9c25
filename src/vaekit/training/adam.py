"""Adam (Kingma and Ba 2015); with decay, AdamW (Loshchilov and Hutter 2019).

With the gradient g of step t, all else of one weight w,

    m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
    w <- w - rate (decay w + m' / (sqrt(v') + eps)),    m' = m / (1 - b1^t),    v' = v / (1 - b2^t),

with b1 = 0.9, b2 = 0.999, eps = 1e-8, for all weights in one kernel of torch. It is that of
`torch.optim.Adam(fused=True)`, bit for bit; but the first step there imports torch's compiler, which takes
longer than a small training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

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
