"""What is measured of each image, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Columns(NamedTuple):
    """The terms of N images: (N,), (L, N) for the rates, (d, N) for the codes, (M, N) for the labels.

    A code is the posterior mean of each level given the means above, `dimensions` how many values of the
    image were observed. Where labels are given, or there are none, the label's rate is 0, and M is 0.
    `pareto_k` is the shape of the weights' tail, `growth` (G, N) the bound of the first 1, 2, 5, ... K draws.
    """

    reconstruction: Tensor
    rate: Tensor
    log_likelihood: Tensor
    effective_sample_size: Tensor
    dimensions: Tensor
    codes: Tensor
    label_rate: Tensor
    label_posterior: Tensor
    pareto_k: Tensor
    growth: Tensor


def joined(parts: Sequence[Columns]) -> Columns:
    """The numbers of several batches one after the other, in float64 on the CPU."""
    return Columns(*(torch.cat(column, -1).double().cpu() for column in zip(*parts, strict=True)))
