"""The encoder and decoder of a workload as they are usually written in PyTorch.

A gate is two linear layers, h * sigmoid(g), as in the code of the VampPrior authors. Mean and log-variance
have one layer each. The decoder ends in a sigmoid.
"""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

from torch import Tensor, nn


class GatedDense(nn.Module):
    """h * sigmoid(g)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.h, self.g = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.h(x) * self.sigmoid(self.g(x))


class Encoder(nn.Module):
    """Images -> mean and log-variance."""

    def __init__(self, workload: SimpleNamespace):
        super().__init__()
        self.trunk, features = _reader(workload)
        [latent] = workload.latent
        self.mean, self.log_variance = nn.Linear(features, latent), nn.Linear(features, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        return self.mean(features), self.log_variance(features)


def decoder(workload: SimpleNamespace) -> nn.Sequential:
    """Latents -> probabilities of the pixels."""
    return _drawer(workload) if workload.channels else _dense_drawer(workload)


def _reader(workload: SimpleNamespace) -> tuple[nn.Sequential, int]:
    if not workload.channels:
        sizes = [math.prod(workload.shape), *workload.width]
        return nn.Sequential(nn.Flatten(), *(GatedDense(a, b) for a, b in pairwise(sizes))), sizes[-1]
    layers: list[nn.Module] = []
    for a, b in pairwise([workload.shape[0], *workload.channels]):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()]
    [width] = workload.width
    layers += [nn.Flatten(), nn.Linear(math.prod(_smallest(workload)), width), nn.ReLU()]
    return nn.Sequential(*layers), width


def _dense_drawer(workload: SimpleNamespace) -> nn.Sequential:
    sizes = [*workload.latent, *workload.width]
    return nn.Sequential(
        *(GatedDense(a, b) for a, b in pairwise(sizes)),
        nn.Linear(sizes[-1], math.prod(workload.shape)),
        nn.Sigmoid(),
        nn.Unflatten(1, tuple(workload.shape)),
    )


def _drawer(workload: SimpleNamespace) -> nn.Sequential:
    smallest, channels = _smallest(workload), [*workload.channels, *workload.channels[-1:]]
    layers: list[nn.Module] = [
        nn.Linear(workload.latent[0], math.prod(smallest)), nn.Unflatten(1, smallest), nn.ReLU(),
    ]  # fmt: skip
    for a, b in pairwise(channels[::-1]):
        layers += [nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(channels[0], workload.shape[0], 3, padding=1), nn.Sigmoid())


def _smallest(workload: SimpleNamespace) -> tuple[int, int, int]:
    halved = 2 ** len(workload.channels)
    return workload.channels[-1], workload.shape[1] // halved, workload.shape[2] // halved
