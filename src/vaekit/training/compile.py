"""The forward pass of a training step, compiled by `torch.compile`.

A compiled step fuses the elementwise operations between two matrix products, so they take one pass over
memory instead of many. Compilation takes about half a minute. Random numbers are those of eager mode
(`fallback_random`), so the seed still determines them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from vaekit.errors import first_line
from vaekit.utils.random import random_states, set_random_states

OPTIONS: dict[str, Any] = {"fallback_random": True}  # the random numbers of eager mode
CUDA_OPTIONS = {**OPTIONS, "triton.cudagraphs": True}  # one launch for all kernels of a step


class CompiledStep:
    """A function of tensors that is compiled for each combination of shapes, with eager mode as a fallback.

    If compilation fails, the random states are restored and the function runs uncompiled from then on.

    Args:
        function: a function of tensors or None.
        device: the device of the tensors.
        note: called with a message, in one line, if compilation fails.

    >>> step = CompiledStep(lambda x: 2 * x, torch.device("cpu"), print)
    >>> step  # compiled at the first call
    CompiledStep(compiled=True)
    """

    def __init__(self, function: Callable[..., Any], device: torch.device, note: Callable[[str], None]):
        self._function, self._device, self._note = function, device, note
        options = CUDA_OPTIONS if device.type == "cuda" else OPTIONS
        self._compiled: Callable[..., Any] | None = torch.compile(function, dynamic=False, options=options)

    def __repr__(self) -> str:
        return f"CompiledStep(compiled={self._compiled is not None})"

    def __call__(self, *arguments: Any) -> Any:
        if self._compiled is not None:
            before = random_states(self._device)
            try:
                return self._compiled(*arguments)
            except Exception as error:  # of any type; an error of the function itself is raised again below
                self._compiled = None
                set_random_states(before, self._device)
                self._note(f"training.compile failed, continuing without it: {first_line(error)}")
        return self._function(*arguments)
