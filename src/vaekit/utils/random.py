"""Seeds and random streams that do not disturb each other.

`torch.distributions` draws from torch's global generator only. `seeded` replaces the state of that generator
inside a block and restores it afterwards, so a block can be seeded without changing the random numbers around
it.

Every use of randomness has a stream of its own: `derive_seed` computes its seed from the seed of the run and
the purpose, by a hash. The order of the images in epoch 7 is thus the same whether or not the epochs before
it ran in the same process, and the noise of a validation never changes the noise of training.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

Seed = int | torch.Generator | None


@contextmanager
def seeded(seed: Seed) -> Iterator[None]:
    """Inside the block, draw all random numbers of torch from `seed`; restore the global state afterwards.

    CUDA devices are seeded from the same source, and restored as well.

    Args:
        seed: a number, which gives the same draws each time; a CPU generator, which advances by what is
            drawn; or None, which changes nothing.

    >>> with seeded(0):
    ...     a = torch.randn(2)
    >>> with seeded(0):
    ...     b = torch.randn(2)
    >>> torch.equal(a, b)
    True
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


@contextmanager
def all_seeded(seed: int) -> Iterator[None]:
    """As `seeded`, and the same for the global generators of NumPy and of Python, for code of the user.

    Whether gradients are recorded is restored too.

    >>> with all_seeded(0):
    ...     a = random.random(), torch.rand(()).item()
    >>> with all_seeded(0):
    ...     b = random.random(), torch.rand(()).item()
    >>> a == b
    True
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    gradients = torch.is_grad_enabled()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        with seeded(seed):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_grad_enabled(gradients)


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed of 63 bits for one purpose: the first bits of SHA-256 of (seed, *purpose).

    Args:
        seed: the seed of the run.
        purpose: words and numbers, such as `"order", 7`.

    >>> derive_seed(0, "order", 7) == derive_seed(0, "order", 7)
    True
    >>> derive_seed(0, "order", 7) == derive_seed(0, "order", 8)
    False
    """
    words = repr((seed, *purpose)).encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") >> 1


def epoch_order(seed: int, epoch: int, images: int) -> Tensor:
    """The order in which an epoch visits the images.

    Args:
        seed: the seed of the run.
        epoch: counted from 1.
        images: the number of images.

    Returns:
        A permutation (images,), int64 on the CPU.

    >>> epoch_order(seed=0, epoch=1, images=5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    return torch.randperm(images, generator=generator)


def block_order(seed: int, epoch: int, starts: Sequence[int], group: int) -> tuple[Tensor, list[list[int]]]:
    """The order in which an epoch visits images that are too many to be read in any order.

    The blocks are shuffled, and then the images of each `group` blocks that follow each other. So reading
    stays within some blocks for a while.

    Args:
        seed: the seed of the run.
        epoch: counted from 1.
        starts: the first image of each block, and the number of images.
        group: the number of blocks whose images are mixed.

    Returns:
        A permutation, int64 on the CPU, and the numbers of the blocks of each group.

    >>> order, groups = block_order(0, 1, [0, 2, 4, 5], group=2)
    >>> order.sort().values, [len(blocks) for blocks in groups]
    (tensor([0, 1, 2, 3, 4]), [2, 1])
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", epoch))
    blocks = torch.randperm(len(starts) - 1, generator=generator).tolist()
    groups = [blocks[first : first + group] for first in range(0, len(blocks), group)]
    parts = []
    for members in groups:
        images = torch.cat([torch.arange(starts[block], starts[block + 1]) for block in members])
        parts.append(images[torch.randperm(len(images), generator=generator)])
    return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64), groups


def weighted_order(order: Tensor, weights: Tensor, seed: int) -> Tensor:
    """The visits of an epoch in which a data point counts by its weight.

    Data point i occurs n w_i / sum(w) times on average, rounded down or up (systematic sampling). The mean
    over the visits is therefore an unbiased estimate of the weighted mean, for any loss.

    Args:
        order: (n,), a permutation.
        weights: (n,), from 0 on.
        seed: of the rounding, and of the order of the visits.

    Returns:
        (n,) indices, int64 on the CPU; those of `order` in another order if all weights are the same.

    >>> weighted_order(torch.arange(4), torch.tensor([2.0, 0.0, 1.0, 1.0]), seed=0).sort().values
    tensor([0, 0, 2, 3])
    """
    generator = torch.Generator().manual_seed(seed)
    n, share = len(order), weights.double().cpu()[order]
    ends = (share.cumsum(0) * (n / share.sum())).clamp_max(n)
    start = torch.rand(1, generator=generator, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)
    visits = torch.searchsorted(ends, torch.arange(n, dtype=torch.float64) + start, right=True)
    last = int(share.nonzero().max())
    return order[visits.clamp_max(last)][torch.randperm(n, generator=generator)]


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's global generators: of the CPU, and of `device` if it is another.

    >>> states = random_states(torch.device("cpu"))
    >>> list(states), states["cpu"].dtype
    (['cpu'], torch.uint8)
    """
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Restore the states that `random_states` returned.

    A device that was not part of them keeps its state.

    Raises:
        RuntimeError: the tensors are not states of a generator.

    >>> before = random_states(torch.device("cpu"))
    >>> a = torch.rand(1)
    >>> set_random_states(before, torch.device("cpu"))
    >>> torch.equal(a, torch.rand(1))
    True
    """
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
