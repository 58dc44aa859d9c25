"""The workloads: each is an architecture, a batch and a task, as plain data.

    W1    gated VAE 784-300-300-40, batch 100         W1v  with a VampPrior of 500   W1h  two layers
    W2    convolutional VAE 32-64-16, batch 128       W5   for color images of 64 x 64
    W3    log-likelihood by 5000 importance samples   W3v  with the VampPrior
    W4    from the start of the process to the end of the first step

Every contender builds the same from the same row: layers, batch size, optimizer (Adam, 1e-3), images.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Workload:
    """One workload.

    Attributes:
        name, title: short and long.
        task: "train" for steps, "evaluate" for the log-likelihood of images, "start" for the first step.
        data: "mnist", "digits", or "noise": random images, `images` of them, of `shape`.
        latent: the number of latents of each layer.
        width, channels: of the hidden layers; gated dense layers if there are no channels.
        batch: images per step.
        components: pseudo-inputs of a VampPrior; 0 for N(0, I).
        samples: importance samples per image.
        against: the other contenders.
    """

    name: str
    title: str
    task: str = "train"
    data: str = "mnist"
    shape: Shape = (1, 28, 28)
    images: int = 60_000
    latent: tuple[int, ...] = (40,)
    width: tuple[int, ...] = (300, 300)
    channels: tuple[int, ...] = ()
    batch: int = 100
    components: int = 0
    samples: int = 5000
    against: tuple[str, ...] = ("limit",)

    @property
    def unit(self) -> str:
        """The unit that is counted: step, image or start."""
        return {"train": "step", "evaluate": "image", "start": "start"}[self.task]

    def plain(self) -> dict[str, Any]:
        """The workload as plain values, to be sent to a contender as JSON."""
        return asdict(self)


def _named(*workloads: Workload) -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads}


_W1 = Workload(
    "W1", "gated VAE 784-300-300-40, batch 100",
    against=("ours-bf16", "ours-compiled", "jax", "pythae", "plain", "lightning", "keras", "limit"),
)  # fmt: skip
_W2 = Workload(
    "W2", "convolutional VAE 32-64-16, batch 128", latent=(6,), channels=(32, 64), width=(16,), batch=128,
    against=("ours-bf16", "pythae", "plain", "lightning", "keras", "limit"),
)  # fmt: skip

_W3 = replace(_W1, task="evaluate", against=("jax", "pythae", "limit"))

WORKLOADS = _named(
    _W1,
    replace(
        _W1, name="W1v", title="W1 with a VampPrior of 500", components=500,
        against=("ours-bf16", "ours-compiled", "jax", "pythae", "plain", "limit"),
    ),
    _W2,
    replace(_W3, name="W3", title="5000 importance samples, W1"),
    replace(_W3, name="W3v", title="5000 importance samples, W1v", components=500),
    replace(
        _W1, name="W1h", title="W1 with two layers of 40", latent=(40, 40),
        against=("ours-bf16", "jax", "limit"),
    ),
    replace(
        _W1, name="W4", title="`vaekit train digits`, from start to first step", task="start",
        data="digits", shape=(1, 8, 8), images=1797, latent=(8,), width=(128,), batch=50,
        against=("pythae", "torch"),
    ),
    replace(
        _W2, name="W5", title="convolutional VAE on color images of 64 x 64, batch 64", data="noise",
        shape=(3, 64, 64), images=4000, latent=(64,), channels=(32, 64, 128, 256), width=(256,), batch=64,
        against=("ours-bf16", "pythae", "keras", "limit"),
    ),
)  # fmt: skip

ON_GPU = _named(replace(_W1, against=("ours-bf16", "ours-compiled")), replace(
    _W2, title="convolutional VAE 32-64-16, batch 1024", batch=1024, against=("ours-bf16", "ours-compiled"),
))  # fmt: skip
"""The workloads of `make bench-gpu`, where `vaekit train` finds the GPU by itself."""

AXES: dict[str, tuple[Workload, ...]] = {
    "batch size": tuple(replace(_W1, batch=n) for n in (25, 100, 400, 1600)),
    "width": tuple(replace(_W1, width=(n, n)) for n in (100, 300, 900)),
    "latents": tuple(replace(_W1, latent=(n,)) for n in (2, 40, 200)),
    "pseudo-inputs": tuple(replace(_W1, components=n) for n in (50, 200, 500, 1000)),
    "levels": tuple(replace(_W1, latent=(40,) * n) for n in (1, 2, 4)),
    "training images": tuple(replace(_W1, data="noise", images=n) for n in (1000, 10_000, 100_000)),
}


def position(axis: str, workload: Workload) -> int:
    """The value of a workload on an axis."""
    return {
        "batch size": workload.batch,
        "width": workload.width[0],
        "latents": workload.latent[0],
        "pseudo-inputs": workload.components,
        "levels": len(workload.latent),
        "training images": workload.images,
    }[axis]
