"""Five components that are not part of vaekit; see docs/extend.md."""

import json
import math
from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import nn
from torch.distributions import Independent, Laplace, StudentT

import vaekit
from vaekit.distributions.operations import soft_clamp
from vaekit.models.head import Head
from vaekit.nn.networks import MultiInputLinear


@vaekit.register("prior")
class HeavyTailed(nn.Module):
    """Independent Student-t latents of variance 1, so that unusual images may lie far from the others.

    Args:
        df: degrees of freedom; the fewer, the heavier the tails.
    """

    def __init__(self, context: vaekit.BuildContext, df: Annotated[float, Field(gt=2)] = 5.0):
        super().__init__()
        self.df, self.scale = df, math.sqrt((df - 2) / df)
        self.register_buffer("loc", torch.zeros(context.latent_dim), persistent=False)
        self.center = nn.Linear(context.label_dim, context.latent_dim) if context.label_dim else None

    def forward(self, *label):  # without a label, or with one if the recipe conditions the prior on it
        loc = self.center(*label).to(self.loc) if self.center else self.loc
        return Independent(StudentT(self.df, loc, self.scale), 1)


@vaekit.register("likelihood")
def laplace(event_dims: int = 3):
    """A density with a center and a scale per pixel, which a few outliers change little."""
    return Head(lambda loc, log_scale: Laplace(loc, soft_clamp(log_scale, (-4, 2)).exp()), 2, event_dims)


@vaekit.register("network")
class Normalized(nn.Module):
    """Dense layers, each followed by layer normalization and SiLU (Ba et al. 2016).

    Args:
        width: units of each hidden layer.
        depth: number of hidden layers.
    """

    def __init__(self, inputs, output, width: PositiveInt = 128, depth: PositiveInt = 2):
        super().__init__()
        self.join, self.output = MultiInputLinear(inputs, width), output
        sizes = [width] * (depth - 1) + [math.prod(output)]
        layers = [layer for n in sizes for layer in (nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, n))]
        self.layers = nn.Sequential(*layers)

    def forward(self, *inputs):
        return self.layers(self.join(*inputs)).unflatten(-1, self.output)


@vaekit.register("objective", need={"log_ratio"})
def renyi(terms, beta=1.0, alpha: Annotated[float, Field(ge=0, lt=1)] = 0.5):
    """The negative Renyi bound (Li and Turner 2016), between the IWAE bound (alpha = 0) and the ELBO (1).

    Args:
        alpha: order of the divergence from p(z | x) to q(z | x).
    """
    log_powers = (1 - alpha) * (terms.log_px - beta * terms.log_ratio.sum(0))
    bound = (log_powers.logsumexp(0) - math.log(len(log_powers))).mean() / (1 - alpha)
    return sum(term.mean() for term in terms.auxiliary.values()) - bound


@vaekit.register("callback")
def weight_norms(epoch):
    """Append the norm of each weight to weight-norms.jsonl: a layer that does not learn keeps its norm."""
    norms = {name: weight.norm().item() for name, weight in epoch.model.named_parameters()}
    with (epoch.directory / "weight-norms.jsonl").open("a") as file:
        print(json.dumps({"epoch": epoch.number, **norms}), file=file)
