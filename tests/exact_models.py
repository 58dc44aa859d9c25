"""Models with known log p(x), for tests."""

from __future__ import annotations

import math

import torch
from scipy import stats
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from cases import images, make_vae
from vaekit.models import likelihoods
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.networks import Dense

SHAPE, PIXELS, LATENT, NOISE = (1, 2, 3), 6, 2, 0.6


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def eye(n: int) -> Tensor:
    return torch.eye(n, dtype=torch.float64)


class LinearGaussian(nn.Module):
    """N(A v + c, S), where v is the concatenation of all context vectors and flattened images."""

    def __init__(self, matrix: Tensor, offset: Tensor, covariance: Tensor):
        super().__init__()
        self.matrix, self.offset, self.covariance = matrix, offset, covariance

    def forward(self, *context: Tensor) -> MultivariateNormal:
        flat = [v.flatten(-3) if v.shape[-3:] == SHAPE else v for v in context]
        leading = torch.broadcast_shapes(*(v.shape[:-1] for v in flat))
        v = torch.cat([v.expand(*leading, v.shape[-1]) for v in flat], -1)
        return MultivariateNormal(v @ self.matrix.T + self.offset, self.covariance)


def given(joint_mean: Tensor, joint: Tensor, wanted: range, known: list[int]) -> LinearGaussian:
    """The conditional distribution of some components of a Gaussian given others."""
    w, k = list(wanted), known
    gain = joint[w][:, k] @ torch.linalg.inv(joint[k][:, k])
    covariance = joint[w][:, w] - gain @ joint[k][:, w]
    return LinearGaussian(gain, joint_mean[w] - gain @ joint_mean[k], (covariance + covariance.T) / 2)


def linear_decoder(weight: Tensor, bias: Tensor) -> Conditional:
    """N(weight z + bias, NOISE^2 I) over images, with the package's linear network and head."""
    network = Dense([(weight.shape[1],)], SHAPE, hidden_sizes=()).double()
    with torch.no_grad():
        network.join.linears[0].weight.copy_(weight)
        network.join.linears[0].bias.copy_(bias)
    return Conditional(network, likelihoods.gaussian(NOISE))


def log_evidence(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    normal = stats.multivariate_normal(mean.numpy(), covariance.numpy())
    return torch.from_numpy(normal.logpdf(x.flatten(1).numpy()))


def normal_vae(posterior: nn.Module, weight: Tensor, bias: Tensor) -> VAE:
    prior = Hierarchy([StandardNormal(LATENT)], (LATENT,)).double()
    return VAE(prior, Hierarchy([posterior], (LATENT,)), linear_decoder(weight, bias))


def factor_analysis(displaced: float = 0.0, widened: float = 1.0) -> tuple[VAE, Tensor, Tensor]:
    """A linear-Gaussian model with its exact or a perturbed posterior; images; their log p(x)."""
    weight, bias = random(PIXELS, LATENT), random(PIXELS, seed=1)
    precision = eye(LATENT) + weight.T @ weight / NOISE**2
    covariance = torch.linalg.inv(precision)
    gain = covariance @ weight.T / NOISE**2
    posterior = LinearGaussian(gain, -gain @ bias + displaced, covariance * widened)
    x = random(5, *SHAPE, seed=2)
    exact = log_evidence(x, bias, weight @ weight.T + NOISE**2 * eye(PIXELS))
    return normal_vae(posterior, weight, bias), x, exact


def two_layers(displaced: float = 0.0) -> tuple[VAE, Tensor, Tensor]:
    """z_1 ~ N(0, I), z_2 ~ N(A z_1 + a, 0.5^2 I), x ~ N(W z_2 + b, s^2 I), with the exact posteriors."""
    a_matrix, a_offset = random(3, 2, seed=3), random(3, seed=4)
    weight, bias = random(PIXELS, 3, seed=5), random(PIXELS, seed=6)
    second = a_matrix @ a_matrix.T + 0.25 * eye(3)
    to_x = weight @ second
    top_x = weight @ a_matrix
    joint = torch.cat(
        [
            torch.cat([eye(2), a_matrix.T, top_x.T], 1),
            torch.cat([a_matrix, second, to_x.T], 1),
            torch.cat([top_x, to_x, weight @ second @ weight.T + NOISE**2 * eye(PIXELS)], 1),
        ]
    )
    mean = torch.cat([torch.zeros(2, dtype=torch.float64), a_offset, weight @ a_offset + bias])
    pixels = list(range(5, 11))
    top, below = given(mean, joint, range(2), pixels), given(mean, joint, range(2, 5), [*pixels, 0, 1])
    below.offset = below.offset + displaced
    prior = [StandardNormal(2).double(), LinearGaussian(a_matrix, a_offset, 0.25 * eye(3))]
    unseen = torch.cat([torch.zeros(PIXELS, 2, dtype=torch.float64), weight], 1)  # x depends on z_2 alone
    model = VAE(Hierarchy(prior, (2, 3)), Hierarchy([top, below], (2, 3)), linear_decoder(unseen, bias))
    x = random(4, *SHAPE, seed=7)
    return model, x, log_evidence(x, mean[5:], joint[5:, 5:])


GRID = torch.linspace(-9, 9, 6001, dtype=torch.float64).reshape(-1, 1, 1)  # (G, 1, 1)


STEP = 18 / 6000


def on_a_line(likelihood: str) -> tuple[VAE, Tensor]:
    """A model with one latent and a nonlinear decoder; 3 images."""
    model = make_vae(likelihood, "dense-gated", layer_dims=(1,), shape=SHAPE).double().eval()
    with torch.no_grad():
        model.decoder.network.join.linears[0].weight.mul_(2)
    return model, images(model.decoder.head.support, SHAPE, 3).double()


@torch.no_grad()
def integrals(model: VAE, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log p(x), the ELBO, and KL(q, p(z | x)), (3,), by integration on the grid."""
    z = GRID.squeeze(-1)
    log_joint = model.decode(z).log_prob(x[:, None]) + model.prior().log_prob(z)
    log_p = torch.logsumexp(log_joint, -1) + math.log(STEP)
    log_q = model.encode(x).log_prob(GRID).T
    mass = log_q.exp() * STEP
    elbo = (mass * (log_joint - log_q)).sum(1)
    return log_p, elbo, (mass * (log_q - (log_joint - log_p[:, None]))).sum(1)
