"""Plain PyTorch, as a tutorial writes it: DataLoader, cross-entropy of probabilities, Adam, `.item()`."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from gate import Gate, ordered
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch_networks import Encoder, decoder


class PlainVAE(nn.Module):
    """The negative bound of a batch."""

    def __init__(self, workload: SimpleNamespace):
        super().__init__()
        self.encoder, self.decoder = Encoder(workload), decoder(workload)
        pseudo = torch.rand(workload.components, *workload.shape)
        self.pseudo_inputs = nn.Parameter(pseudo) if workload.components else None

    def forward(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encoder(x)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        reconstruction = F.binary_cross_entropy(self.decoder(z), x, reduction="sum") / len(x)
        return reconstruction + self.kl(z, mean, log_variance)

    def kl(self, z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        if self.pseudo_inputs is None:
            return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        components = gaussian(z[:, None], *self.encoder(self.pseudo_inputs.clamp(0, 1)))
        log_p = components.logsumexp(1) - math.log(len(self.pseudo_inputs))
        return (gaussian(z, mean, log_variance) - log_p).mean()


def gaussian(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mean, exp(log_variance)), up to a constant."""
    return -0.5 * (log_variance + (z - mean).square() / log_variance.exp()).sum(-1)


def loader(workload: SimpleNamespace) -> DataLoader:
    images = torch.from_numpy(np.load(workload.path)).float() / 255
    return DataLoader(TensorDataset(images), batch_size=workload.batch, shuffle=True)


def main() -> None:
    gate, workload = Gate(), ordered()
    batches, model = loader(workload), PlainVAE(workload)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    while True:
        for (x,) in batches:
            optimizer.zero_grad()
            loss = model(torch.bernoulli(x))
            loss.backward()
            optimizer.step()
            total += loss.item()
            gate()


if __name__ == "__main__":
    main()
