"""The forward pass of a step compiled to one function of the machine (torch.compile), where that works.

Between two matrix products, what is computed number by number then takes one pass over memory in place of
many. To compile takes half a minute, and the random numbers stay those of torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from vaekit.errors import first_line
from vaekit.utils.random import random_states, set_random_states

OPTIONS: dict[str, Any] = {
    "fallback_random": True
}  # numbers are drawn as they would be without, so that the seed decides


class CompiledStep:
    """A function of tensors, compiled for each of their shapes; as it is where that fails.

    What fails may have drawn random numbers first: they are put back, so that the seed decides all the same.

    Args:
        function: given tensors or None.
        device: of the tensors.
        note: is told, in one line, why it is not compiled.
    """

    def __init__(self, function: Callable[..., Any], device: torch.device, note: Callable[[str], None]):
        self._function, self._device, self._note = function, device, note
        self._compiled: Callable[..., Any] | None = torch.compile(function, dynamic=False, options=OPTIONS)

    def __call__(self, *arguments: Any) -> Any:
        if self._compiled is not None:
            before = random_states(self._device)
            try:
                return self._compiled(*arguments)
            except Exception as error:  # of whichever part of the compiler; what is wrong with us comes again
                self._compiled = None
                set_random_states(before, self._device)
                self._note(f"training.compile does not work here, going on without: {first_line(error)}")
        return self._function(*arguments)
