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
        weights: leaves that require a gradient; one that has none in a step stays as it is.
        decay: of the weights, times the rate.
    """

    def __init__(self, weights: Sequence[Tensor], decay: float = 0.0):
        self.weights, self._decay = list(weights), decay
        self.moments: list[Moments] = [{} for _ in self.weights]

    def step(self, rate: float) -> None:
        """Change the weights by their gradients, and forget these."""
        pairs = zip(self.weights, self.moments, strict=True)
        moved = [(weight, _begun(moments, weight)) for weight, moments in pairs if weight.grad is not None]
        if not moved:
            return
        weights, moments = zip(*moved, strict=True)
        steps, means, squares = ([each[key] for each in moments] for key in ("step", "exp_avg", "exp_avg_sq"))
        torch._foreach_add_(steps, 1)
        kernel = torch._fused_adamw_ if self._decay else torch._fused_adam_
        with torch.no_grad():
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

    def restore(self, moments: Mapping[int, Moments]) -> None:
        """Put back what `moments` held, by place; a weight that is not there never had a gradient."""
        for place, weight in enumerate(self.weights):
            found = moments.get(place, {})
            self.moments[place] = {name: value.to(weight.device, copy=True) for name, value in found.items()}


def _begun(moments: Moments, weight: Tensor) -> Moments:
    """The moments of a weight, which are 0 at first."""
    if not moments:
        moments["step"] = torch.zeros((), device=weight.device)
        moments |= {"exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
    return moments
