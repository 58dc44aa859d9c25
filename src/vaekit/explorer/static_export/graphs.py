"""The computations that the page needs of a model, as modules: tensors in, tensors out, nothing random.

    encode   x (1, C, H, W)                           -> mean, stddev (1, d)
    decode   z (n, d)                                 -> image (n, C, H, W)
    terms    x, mask, noise (K, d)                    -> z (K, d), log_px (K,), log_pz and log_qz (L, K)
    prior    z, noise (1, d), keep (L,), component () -> sample (1, d)

Each also takes y, (1, m) or (n, m), if the model is conditional. A mask is 1 where a pixel is observed;
keep is 1 for a layer that stays as in z, and 0 for a layer that is sampled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import select
from vaekit.engine.export.graphs import Decoder, Encoder, Graph
from vaekit.explorer.terms import Terms
from vaekit.models.from_noise import sample_from_noise
from vaekit.models.vae import VAE

N_SAMPLES = 32  # K
_EXPORT_BATCH = 8  # n, in the example inputs


def graphs(model: VAE, shape: tuple[int, ...]) -> dict[str, Graph]:
    """All graphs of a model.

    Args:
        model: the model.
        shape: (C, H, W) of its images.

    Returns:
        The graphs by name.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> sorted(graphs(demo().model, (1, 28, 28)))
        ['decode', 'encode', 'prior', 'terms']
    """
    d, layers = model.latent_dim, len(model.layer_dims)
    x, z = torch.full((1, *shape), 0.5), torch.zeros(1, d)
    y = {} if model.labels is None else {"y": model.labels.values[:1]}
    ys = {name: vectors.expand(_EXPORT_BATCH, -1) for name, vectors in y.items()}
    mask, noise = torch.ones(1, 1, *shape[1:]), torch.linspace(-1, 1, N_SAMPLES * d).view(N_SAMPLES, d)
    choices = {"keep": torch.zeros(layers), "component": torch.tensor(0)}
    return {
        "encode": Graph(Encoder(model), {"x": x, **y}, ("mean", "stddev")),
        "decode": Graph(
            Decoder(model),
            {"z": z.repeat(_EXPORT_BATCH, 1), **ys},
            ("image",),
            {name: {0: "n"} for name in ("z", *ys)},
        ),
        "terms": Graph(
            Terms(model), {"x": x, "mask": mask, "noise": noise, **y}, ("z", "log_px", "log_pz", "log_qz")
        ),
        "prior": Graph(Prior(model), {"z": z, "noise": noise[:1], **choices, **y}, ("sample",)),
    }


class Prior(nn.Module):
    """A sample from p(z), of the layers that are not kept.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> model, y = demo().model, torch.eye(10)[[3]]
        >>> z, noise = torch.zeros(1, 2), torch.ones(1, 2)
        >>> Prior(model)(z, noise, torch.zeros(1), torch.tensor(0), y).shape
        torch.Size([1, 2])
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(
        self, z: Tensor, noise: Tensor, keep: Tensor, component: Tensor, y: Tensor | None = None
    ) -> Tensor:
        prior = self.model.conditional_prior(y)
        if isinstance(prior.top, Mixture):
            prior = prior.with_top(select(prior.top.components, component.reshape(1)))
        kept, parts = z.split(self.model.layer_dims, -1), noise.split(self.model.layer_dims, -1)

        def choose(layer: int, conditional: Distribution) -> Tensor:
            return torch.where(keep[layer] > 0.5, kept[layer], sample_from_noise(conditional, parts[layer]))

        return prior.sample_with(choose).z
