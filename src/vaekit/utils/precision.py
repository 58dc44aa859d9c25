"""Floating-point precision of tensors: what autocast lowers is raised again where it matters."""

from __future__ import annotations

import torch
from torch import Tensor


def in_single_precision(numbers: Tensor) -> Tensor:
    """The same in float32 where they have less."""
    return numbers.float() if numbers.dtype in (torch.bfloat16, torch.float16) else numbers
