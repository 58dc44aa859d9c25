"""A head turns the output of a network into a distribution.

A distribution over one element (a pixel or a latent) has n_params parameters. For an image (C, H, W) the
network returns (..., n_params * C, H, W), for d latents (..., n_params * d). The head splits this output and
joins the elements to one event. `vaekit.models.likelihoods` and `vaekit.models.posteriors` have functions
that return a `Head`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from vaekit.distributions.normal import LogScaleNormal
from vaekit.distributions.operations import Bounds, IndependentEvent, soft_clamp
from vaekit.distributions.units import DataUnits
from vaekit.utils.device import to_float32

Support = Literal["binary", "discrete", "unit_interval", "real", "count"]
DENSITIES = ("unit_interval", "real")  # supports of likelihoods that are densities

LOG_SCALE_BOUNDS: Bounds = (-6.0, 2.0)  # default bounds of log sigma


class Head(nn.Module):
    """The output of a network, n_params values per element -> a distribution over the whole event.

    Args:
        function: takes n_params tensors of the event's shape and returns a distribution over its elements.
        n_params: number of parameters per element.
        event_dims: 1 for a latent vector, 3 for an image.
        support: the values of the elements: `binary` {0, 1}, `discrete` (the gray levels k / 255),
            `unit_interval` [0, 1], `real`, or `count` (0, 1, 2, ...). Evaluation compares it with the
            observation.
        warning: the reason why the log-density is not comparable with that of other models; empty if it is.

    >>> import torch
    >>> head = Head(torch.distributions.Normal, n_params=2, event_dims=1)
    >>> head.network_output((16,))
    (32,)
    >>> head(torch.ones(5, 32)).event_shape
    torch.Size([16])
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
        self.units: DataUnits | None = None  # set where the data have other units than x

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have, for an event of this shape."""
        return (self.n_params * event[0], *event[1:])

    def extra_repr(self) -> str:
        return f"n_params={self.n_params}, event_dims={self.event_dims}, support={self.support!r}"

    def forward(self, output: Tensor) -> Independent:
        """Output (..., n_params * C, H, W) or (..., n_params * d) -> a distribution in >= float32."""
        output = to_float32(output)
        axis = output.dim() - self.event_dims
        parameters = (
            [output] if self.n_params == 1 else output.unflatten(axis, (self.n_params, -1)).unbind(axis)
        )
        distribution = self.function(*parameters)
        if self.units is not None:
            distribution = self.units(distribution)
        return IndependentEvent(distribution, self.event_dims, validate_args=False)


def log_scale_normal(loc: Tensor, log_sigma: Tensor, bounds: Bounds | None) -> LogScaleNormal:
    """A Gaussian from its mean and its log sigma, which stays within smooth bounds.

    >>> import torch
    >>> log_scale_normal(torch.zeros(2), torch.zeros(2), bounds=None).stddev
    tensor([1., 1.])
    """
    return LogScaleNormal(loc, soft_clamp(log_sigma, bounds))
