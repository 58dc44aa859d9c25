"""What a model is conditioned on, beside the data point itself.

    p(x, z | label, covariates, offset)        and a mask of the values that were observed

One `Context` goes through all methods of a model. Each of its fields is optional. Sampling draws those that
are not given from what the model knows of them: labels from p(y), covariates from those of training, offsets
from the likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Context:
    """Label, covariates, offset and mask of a batch of B data points.

    Attributes:
        label: (B,) indices of `VAE.labels`, or (B, m) vectors.
        covariates: (B, c) numbers, such as a batch effect or age.
        offset: (B,) log-scale of the mean, such as the log of a count's exposure (McCullagh and Nelder 1989).
        mask: boolean, broadcastable to the data, True where a value was observed.

    >>> import torch
    >>> context = Context(label=torch.tensor([3, 7]))
    >>> context.with_label(None).label is None
    True
    """

    label: Tensor | None = None
    covariates: Tensor | None = None
    offset: Tensor | None = None
    mask: Tensor | None = None

    def with_label(self, label: Tensor | None) -> Context:
        """The same context with another label."""
        return replace(self, label=label)


def as_context(value: Context | Tensor | None) -> Context:
    """A `Context` from one, or from labels alone.

    >>> import torch
    >>> as_context(torch.tensor([3])).label
    tensor([3])
    """
    return value if isinstance(value, Context) else Context(label=value)
