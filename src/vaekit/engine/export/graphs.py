"""The computations of a model as modules: tensors in, tensors out, nothing random.

    encoder  x (n, *event)                   -> mean, stddev (n, d)
    decoder  z (n, d)                        -> mean (n, *event)
    terms    x (n, *event), noise (k, n, r)  -> z (k, n, d), log_px (k, n), log_pz and log_qz (L, k, n)
    prior    noise (n, s)                    -> z (n, d)

Each also takes y (n, m) if the model is conditional. With standard normal noise, z of `terms` is a sample of
q(z | x), and z of `prior` one of p(z); see `vaekit.models.from_noise`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vaekit.errors import InvalidError
from vaekit.models.context import Context
from vaekit.models.from_noise import noise_size, sample_layers
from vaekit.models.vae import VAE

N, K = 3, 5  # the sizes of the example inputs


@dataclass(frozen=True)
class Graph:
    """A module with example inputs.

    Attributes:
        module: the computation.
        inputs: example inputs by name, in the order of its arguments.
        outputs: the names of its outputs.
        dims: the dimensions of any size: input -> {axis: name}, of the inputs that have some.
        about: what each input and output is, in words.

    Example:
        >>> Graph(nn.Identity(), {"x": torch.zeros(1)}, ("y",)).batched
        ()
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    dims: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def batched(self) -> tuple[str, ...]:
        """The inputs whose first dimension is of any size."""
        return tuple(name for name, axes in self.dims.items() if 0 in axes)


def model_graphs(model: VAE, shape: tuple[int, ...]) -> dict[str, Graph]:
    """The four graphs of a model.

    Args:
        model: in evaluation mode.
        shape: of a data point.

    Returns:
        The graphs by name.

    Raises:
        InvalidError: the model has covariates, or latents that are no function of normal noise.

    Example:
        >>> import vaekit
        >>> trained = vaekit.demo()
        >>> {name: list(graph.inputs) for name, graph in model_graphs(trained.model, trained.shape).items()}
        {'encoder': ['x', 'y'], 'decoder': ['z', 'y'], 'terms': ['x', 'noise', 'y'], 'prior': ['noise', 'y']}
    """
    if model.covariates is not None:
        raise InvalidError("export: a model that is conditioned on covariates cannot be exported yet")
    x, z = torch.full((N, *shape), 0.5), torch.zeros(N, model.latent_dim)
    label = {} if model.labels is None else {"y": model.labels.values[:1].expand(N, -1).contiguous()}
    rows = lambda *names: {name: {0: "n"} for name in (*names, *label)}
    with torch.no_grad():
        posterior = model.encode(x, label.get("y"))
        prior = model.conditional_prior(label.get("y"))
        sizes = noise_size(posterior), noise_size(prior)
        sample_layers(posterior, torch.zeros(1, N, sizes[0]))  # refuses what it cannot sample
        sample_layers(prior, torch.zeros(N, sizes[1]))
    noise = torch.linspace(-1, 1, K * N * sizes[0]).view(K, N, sizes[0])
    start = torch.linspace(-1, 1, N * sizes[1]).view(N, sizes[1])
    return {
        "encoder": Graph(Encoder(model), {"x": x, **label}, ("mean", "stddev"), rows("x"), _ABOUT),
        "decoder": Graph(
            Decoder(model),
            {"z": z, **label},
            ("mean",),
            rows("z"),
            {**_ABOUT, "mean": "mean of p(x given z), as model values"},
        ),
        "terms": Graph(
            Terms(model),
            {"x": x, "noise": noise, **label},
            ("z", "log_px", "log_pz", "log_qz"),
            {**rows("x"), "noise": {0: "k", 1: "n"}},
            {**_ABOUT, "z": "samples of q(z given x), computed from the noise"},
        ),
        "prior": Graph(Prior(model), {"noise": start, **label}, ("z",), rows("noise"), _ABOUT),
    }


_ABOUT = {
    "x": "data points as model values (see Preprocessing), NaN for a missing value",
    "y": "what each data point is conditioned on (see Labels)",
    "z": "latents",
    "noise": "independent numbers of N(0, 1)",
    "mean": "mean of q(z given x)",
    "stddev": "standard deviation of q(z given x)",
    "log_px": "log p(x given z) of the observed values, in nats: the reconstruction term",
    "log_pz": "log p(z) of each latent layer, in nats",
    "log_qz": "log q(z given x) of each latent layer, in nats; the mean of log_qz - log_pz over k is the KL",
}


class Encoder(nn.Module):
    """Mean and standard deviation of q(z | x).

    Example:
        >>> import vaekit
        >>> model, y = vaekit.demo().model, torch.eye(10)[[3, 5]]
        >>> Encoder(model)(torch.zeros(2, 1, 28, 28), y)[0].shape
        torch.Size([2, 2])
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        posterior = self.model.encode(x, y)
        return posterior.mean, posterior.stddev


class Decoder(nn.Module):
    """The decoder mean E[x | z].

    Example:
        >>> import vaekit
        >>> model, y = vaekit.demo().model, torch.eye(10)[[3]]
        >>> Decoder(model)(torch.zeros(1, 2), y).shape
        torch.Size([1, 1, 28, 28])
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.model.decode(z, y).mean


class Terms(nn.Module):
    """The terms of the bound, at samples of q(z | x) that are computed from noise.

    Example:
        >>> import vaekit
        >>> model, y = vaekit.demo().model, torch.eye(10)[[3, 5]]
        >>> x, noise = torch.zeros(2, 1, 28, 28), torch.zeros(4, 2, 2)
        >>> [tuple(term.shape) for term in Terms(model)(x, noise, y)]
        [(4, 2, 2), (4, 2), (1, 4, 2), (1, 4, 2)]
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(
        self, x: Tensor, noise: Tensor, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        context = Context(label=y, mask=~x.isnan())
        posterior, prior = self.model.encode(x, context), self.model.conditional_prior(context)
        terms = self.model.elbo_terms(
            x, context, need=("log_ratio", "latents"), posterior=posterior, prior=prior, noise=noise
        )
        z = torch.cat([layer.sample.flatten(2) for layer in terms.latents], -1)
        return z, terms.log_px, terms.log_pz, terms.log_qz


class Prior(nn.Module):
    """A sample of p(z) that is computed from noise.

    Example:
        >>> import vaekit
        >>> model, y = vaekit.demo().model, torch.eye(10)[[3, 5]]
        >>> Prior(model)(torch.zeros(2, 2), y).shape
        torch.Size([2, 2])
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def forward(self, noise: Tensor, y: Tensor | None = None) -> Tensor:
        return sample_layers(self.model.conditional_prior(y), noise).z
