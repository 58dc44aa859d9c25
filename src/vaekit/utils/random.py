"""Everything random can be seeded, without disturbing anybody else's random numbers.

`torch.distributions` draw from torch's global generator and take no other. `seeded` lends them one: inside
the block the global state is the given generator's, after it the global state is what it was before, and
the generator has moved on by what was drawn.

Every use of randomness has a stream of its own, a pure function of the run's seed and of what it is for.

So the order of epoch 7 is the same whether or not the epochs before it ran in the same process, and nothing
that is drawn for a validation or a picture moves the noise of training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

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


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed of 63 bits for one purpose, independent of those for all others.

    Args:
        seed: of the run.
        purpose: words and numbers, such as `"order", 7`.
    """
    words = repr((seed, *purpose)).encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") >> 1


def epoch_order(seed: int, epoch: int, images: int) -> Tensor:
    """The order in which an epoch visits the images: a permutation (images,), int64 on the CPU."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    return torch.randperm(images, generator=generator)


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's global generators, uint8: of the CPU, and of the device where it is another."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Put back what `random_states` gave; a device of another kind than then keeps the state it has.

    Raises:
        RuntimeError: they are none.
    """
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
