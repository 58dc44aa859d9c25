"""Trainings whose result must not depend on the number of processes, small enough to run many of them.

Each is one that averaging gradients over processes gets wrong, or that draws random numbers in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Gamma

from toy_runs import LATENT, SHAPE, images, settings
from vaekit.models import likelihoods, posteriors
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.head import Head
from vaekit.models.objectives import Objective, elbo, iwae
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn import networks
from vaekit.training.loop import fit
from vaekit.utils.io import read_records


def mmd(terms, beta):
    """Reconstruction, and the maximum mean discrepancy of all latents of the batch from the prior."""
    z = terms.latents[0].sample[0]
    noise = torch.randn(z.shape, dtype=z.dtype)
    kernel = lambda a, b: torch.exp(-torch.cdist(a, b).square() / 2).mean()
    return kernel(z, z) - 2 * kernel(z, noise) + kernel(noise, noise) - terms.log_px.mean()


def total_correlation(terms, beta):
    """The ELBO, and the total correlation of the latents, which compares each with all posteriors q."""
    latent = terms.latents[0]
    z, q = latent.sample[0], latent.q
    n = len(z)
    log_q = q.base_dist.log_prob(z[:, None])  # (B, B, d)
    joint = log_q.sum(-1).logsumexp(1)
    apart = log_q.logsumexp(1).sum(-1)
    return elbo(terms, beta) + (joint - apart).mean() + (LATENT - 1) * torch.log(torch.tensor(float(n)))


class Normalized(nn.Module):
    """A network with batch normalization and dropout."""

    def __init__(self, inputs: int, outputs: tuple[int, ...]):
        super().__init__()
        self.outputs = outputs
        self.layers = nn.Sequential(
            nn.Linear(inputs, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(8, int(torch.Size(outputs).numel())),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(-3) if x.shape[-3:] == SHAPE else x
        return self.layers(flat.reshape(-1, flat.shape[-1])).reshape(*flat.shape[:-1], *self.outputs)


def _normalized(posterior, likelihood) -> tuple[nn.Module, nn.Module]:
    return Normalized(16, posterior.network_output((LATENT,))), Normalized(
        LATENT, likelihood.network_output(SHAPE)
    )


def _model(posterior=None, likelihood=None, networks_of: Callable[..., Any] | None = None) -> VAE:
    torch.manual_seed(0)
    posterior, likelihood = posterior or posteriors.gaussian(), likelihood or likelihoods.bernoulli()
    dense = (
        networks.Dense([SHAPE], posterior.network_output((LATENT,)), (8,)),
        networks.Dense([(LATENT,)], likelihood.network_output(SHAPE), (8,)),
    )
    encoder, decoder = networks_of(posterior, likelihood) if networks_of else dense
    prior, encoder = Hierarchy([StandardNormal(LATENT)], [LATENT]), Conditional(encoder, posterior)
    return VAE(prior, Hierarchy([encoder], [LATENT]), Conditional(decoder, likelihood))


def _gamma(shape: Tensor, rate: Tensor) -> Gamma:
    """A posterior whose random numbers depend on its parameters, those of the whole batch."""
    return Gamma(0.1 + shape.exp(), rate.exp(), validate_args=False)


def _elbo_with_free_bits(terms, beta):
    return elbo(terms, beta, free_bits=0.5)


CASES: dict[str, Callable[[], tuple[VAE, Objective]]] = {
    "elbo": lambda: (_model(), Objective()),
    "iwae": lambda: (_model(), Objective(iwae, samples=3)),
    "free bits": lambda: (_model(), Objective(_elbo_with_free_bits, samples=2)),
    "optimal sigma": lambda: (_model(likelihood=likelihoods.gaussian("optimal")), Objective()),
    "mmd": lambda: (_model(), Objective(mmd)),
    "total correlation": lambda: (_model(), Objective(total_correlation)),
    "gamma posterior": lambda: (_model(Head(_gamma, 2, 1)), Objective(samples=2)),
    "batch norm and dropout": lambda: (_model(networks_of=_normalized), Objective(samples=2)),
}


class Double:
    """Images in double precision, drawn anew for each batch."""

    has_missing = False

    def __init__(self, n: int, training: bool):
        self._images = images(n, training)
        self.device, self.labels = self._images.device, None

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: Tensor, rows: slice | None = None) -> Tensor:
        return self._images.batch(indices, rows).double()


def train_case(
    name: str, folder: Path, sharding: str = "none"
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """Three epochs in double precision: the metrics and the last weights. Batches are of 5 5 5 5 3 images."""
    model, objective = CASES[name]()
    chosen = settings(epochs=3, batch_size=5, schedule="constant", sharding=sharding)
    model.double()
    fit(model, objective, Double(23, True), Double(7, False), chosen, folder)
    records = read_records(folder / "metrics.jsonl") if (folder / "metrics.jsonl").exists() else []
    return records, {name: value.detach() for name, value in model.state_dict().items()}


def train_cases(names: list[str], folder: Path, sharding: str = "none") -> dict[str, Any]:
    """The results of several cases."""
    results = {}
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        results[name] = train_case(name, place, sharding)
    return results
