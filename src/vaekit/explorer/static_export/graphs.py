"""What the page needs of a model, as modules: tensors in, tensors out, nothing random.

    encode   x (1, C, H, W)                           -> mean, stddev (1, d)
    decode   z (n, d)                                 -> image (n, C, H, W)
    terms    x, mask, noise (K, d)                    -> z (K, d), log_px (K,), log_pz and log_qz (L, K)
    prior    z, noise (1, d), keep (L,), component () -> z (1, d)

Each takes y as well, (1, m) or (n, m), where the model is told labels. A mask is 1 where a pixel counts; keep
is 1 where a level stays as it is in z, and elsewhere it is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import select
from vaekit.explorer.static_export.noise import placed
from vaekit.models import masking
from vaekit.models.vae import VAE

DRAWS = 32  # K
SOME = 8  # n, for the export alone


class Graph(NamedTuple):
    """A module with an example of its inputs, by name, and the names of its outputs.

    Attributes:
        many: the inputs whose first dimension may have any size, together.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    many: tuple[str, ...] = ()


def graphs(model: VAE, shape: tuple[int, int, int]) -> dict[str, Graph]:
    """All graphs of a model of images (C, H, W), by name."""
    d, levels = model.latent_dim, len(model.layer_dims)
    x, z = torch.full((1, *shape), 0.5), torch.zeros(1, d)
    y = {} if model.labels is None else {"y": model.labels.values[:1]}
    ys = {name: vectors.expand(SOME, -1) for name, vectors in y.items()}
    mask, noise = torch.ones(1, 1, *shape[1:]), torch.linspace(-1, 1, DRAWS * d).view(DRAWS, d)
    chosen = {"keep": torch.zeros(levels), "component": torch.tensor(0)}
    return {
        "encode": Graph(Encode(model), {"x": x, **y}, ("mean", "stddev")),
        "decode": Graph(Decode(model), {"z": z.repeat(SOME, 1), **ys}, ("image",), ("z", *ys)),
        "terms": Graph(
            Terms(model), {"x": x, "mask": mask, "noise": noise, **y}, ("z", "log_px", "log_pz", "log_qz")
        ),
        "prior": Graph(Prior(model), {"z": z, "noise": noise[:1], **chosen, **y}, ("drawn",)),
    }


class Encode(nn.Module):
    """q(z | x): its mean and standard deviation."""

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(x, y)
        return posterior.mean, posterior.stddev


class Decode(nn.Module):
    """E[x | z]."""

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.model.decode(z, y).mean


class Terms(nn.Module):
    """The terms of the bound at K draws from q(z | x), over the pixels of a mask."""

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(
        self, x: Tensor, mask: Tensor, noise: Tensor, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        posterior = self.model.encode(x, y)
        parts = noise.unsqueeze(1).split(self.model.layer_dims, -1)
        q = posterior.sample_with(lambda level, link: placed(link, parts[level]))
        p = self.model.conditional_prior(y).condition_on(q.z)
        log_px = masking.masked_log_prob(self.model.decode(q.z, y), x, mask > 0.5)
        return q.z[:, 0], log_px[:, 0], p.log_prob[..., 0], q.log_prob[..., 0]


class Prior(nn.Module):
    """A draw from p(z), or of the levels that are not kept."""

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(
        self, z: Tensor, noise: Tensor, keep: Tensor, component: Tensor, y: Tensor | None = None
    ) -> Tensor:
        prior = self.model.conditional_prior(y)
        prior = prior.with_top(_component(prior.top, component))
        kept, parts = z.split(self.model.layer_dims, -1), noise.split(self.model.layer_dims, -1)

        def choose(level: int, link: Distribution) -> Tensor:
            return torch.where(keep[level] > 0.5, kept[level], placed(link, parts[level]))

        return prior.sample_with(choose).z


def _component(top: Distribution, component: Tensor) -> Distribution:
    """The one of a mixture, with a batch of one; another distribution as it is."""
    return select(top.components, component.reshape(1)) if isinstance(top, Mixture) else top
