"""Numbers become a distribution: the likelihoods p(x | z) and the posteriors q(z | x).

A network ends in plain numbers. A head takes `n_params` of them for each element of the event and says what they
mean. A likelihood, or a posterior, is a function here that returns a `Head`; its name is the name it has in
a recipe.

- For an image event (C, H, W) the network gives (..., n_params * C, H, W), for d latents (..., n_params * d).
- `support` says what kind of data a likelihood gives probabilities to: `binary` {0, 1}, `levels` (k / 255),
  `unit` [0, 1] or `real` (densities). Evaluation compares it with the observation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from vaekit.distributions.operations import Bounds, IndependentEvent
from vaekit.utils.device import to_float32

Support = Literal["binary", "levels", "real", "unit"]

LOG_SCALE_BOUNDS: Bounds = (-6.0, 2.0)  # of log sigma, where nothing else is said


class Head(nn.Module):
    """`n_params` numbers an element -> one distribution over the whole event.

    Args:
        function: takes `n_params` tensors of the event's shape, returns a distribution over its elements.
        n_params: how many numbers it takes for each element.
        event_dims: 1 for a latent vector, 3 for an image.
        support: what values the elements take.
        warning: why its log-density, however exact, says little about data by itself; empty if it does.
    """

    def __init__(
        self,
        function: Callable[..., Distribution],
        n_params: int,
        event_dims: int,
        support: Support = "real",
        warning: str = "",
    ):
        super().__init__()
        self.function, self.n_params, self.event_dims = function, n_params, event_dims
        self.support, self.warning = support, warning

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that the network before the head must give for an event."""
        return (self.n_params * event[0], *event[1:])

    def forward(self, numbers: Tensor) -> Independent:
        """Numbers (..., n_params * C, H, W) or (..., n_params * d) -> a distribution, in float32 or better."""
        numbers = to_float32(numbers)
        axis = numbers.dim() - self.event_dims
        parameters = (
            [numbers] if self.n_params == 1 else numbers.unflatten(axis, (self.n_params, -1)).unbind(axis)
        )
        return IndependentEvent(self.function(*parameters), self.event_dims, validate_args=False)
