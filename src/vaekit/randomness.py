"""Everything random can be seeded, without disturbing anybody else's random numbers.

`torch.distributions` draw from torch's global generator and take no other. `seeded` lends them one: inside
the block the global state is the given generator's, after it the global state is what it was before, and
the generator has moved on by what was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

Seed = int | torch.Generator | None


@contextmanager
def seeded(seed: Seed) -> Iterator[None]:
    """Let everything drawn inside come from `seed`: a number, a CPU generator, or None for no change.

    A generator advances, so that two blocks in a row differ; a number starts anew each time. Draws on CUDA
    devices are seeded from the same source and restored as well.
    """
    if seed is None:
        yield
        return
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices):
        if devices:
            torch.cuda.manual_seed_all(int(torch.randint(2**62, (), generator=generator)))
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())
