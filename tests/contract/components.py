"""Toy components that use all of the contract: a codebook, counts with an offset, unlike columns, the MMD."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Normal, Poisson

import vaekit
from vaekit.distributions.operations import IndependentEvent
from vaekit.distributions.product import Product

# ----- a codebook (van den Oord et al. 2017): sure codes for q(z | x), each with probability 1 / C for p(z)


class Codes(Distribution):
    arg_constraints, latent_kind, has_rsample = {}, "discrete", True
    mean = property(lambda self: self.value)
    variance = property(lambda self: torch.zeros_like(self.value))

    def __init__(self, book, value, **auxiliary):
        self.book, self.value, self.auxiliary = book, value, auxiliary
        super().__init__(value.shape[:-1], value.shape[-1:], validate_args=False)

    def rsample(self, shape=()):
        shape = (*shape, *self.value.shape)
        return self.value.expand(shape) if self.auxiliary else self.book[torch.randint(len(self.book), shape)]

    log_prob = lambda self, z: torch.full_like(z, -math.log(1 if self.auxiliary else len(self.book))).sum(-1)


@vaekit.register("posterior", latent_kind="discrete")
class CodeBook(nn.Module):
    network_output = staticmethod(lambda event: event)

    def __init__(self, codes: int = 8):
        super().__init__()
        self.book = nn.Parameter(torch.linspace(-2, 2, codes))

    def forward(self, output):
        codes = self.book[(output.detach()[..., None] - self.book).abs().argmin(-1)]
        pull = lambda a, b: (a - b.detach()).square().sum(-1)
        passed = output + (codes - output).detach()  # the gradient passes straight through
        return Codes(self.book, passed, codebook=pull(codes, output), commitment=pull(output, codes) / 4)


@vaekit.register("prior")
class UniformCodes(nn.Module):
    def __init__(self, context: vaekit.BuildContext):
        super().__init__()
        self.borrowed, self.dim = (context.posterior.head,), context.latent_dim  # its weights are stored once

    def forward(self, *context):
        return Codes(self.borrowed[0].book, self.borrowed[0].book.mean().expand(self.dim))


# ----- counts with an exposure (offset)


class ScaledPoisson(Poisson):
    """Counts k with x = k / 16."""

    mean = property(lambda self: self.rate / 16)
    sample = lambda self, shape=(): super().sample(shape) / 16
    log_prob = lambda self, x: super().log_prob((x * 16).round())


@vaekit.register("likelihood", support="discrete")
class Counts(nn.Module):
    takes_offset, event_dims, support, warning = True, 3, "discrete", ""
    network_output = staticmethod(lambda event: event)

    def __init__(self, context: vaekit.BuildContext):
        super().__init__()
        self.register_buffer("offsets", self.offset_of(context.examples(64)[0]))

    def offset_of(self, x):  # the log of the total count
        return (x * 16).sum((-1, -2, -3)).clamp_min(1).log()

    def sample_offset(self, n):
        return self.offsets[torch.randint(len(self.offsets), (n,))]

    def typical_offset(self):
        return self.offsets.median()

    def forward(self, output, offset):
        share = output.float().flatten(-3).log_softmax(-1).unflatten(-1, output.shape[-3:])
        return IndependentEvent(ScaledPoisson((share + offset[..., None, None, None]).exp(), False), 3)


# ----- two unlike columns


@vaekit.register("likelihood")
class RealAndBinary(nn.Module):
    """The first column is a real number, the second is 0 or 1: three outputs along the last dimension."""

    event_dims, support, warning = 3, "real", ""
    network_output = staticmethod(lambda event: (*event[:-1], 3))

    def forward(self, output):
        mean, log_std, logit = output.float().split(1, -1)
        return Product([Normal(mean, log_std.exp(), False), Bernoulli(logits=logit, validate_args=False)], 3)


# ----- maximum mean discrepancy (Gretton 2012, InfoVAE: Zhao 2019)


@vaekit.register("objective", need={"latents"})
def mmd(terms, beta=1.0, weight: Annotated[float, Field(ge=0)] = 10.0) -> Tensor:
    """The reconstruction and the MMD between samples of q(z) and p(z).

    Args:
        weight: of the MMD.
    """
    latent = terms.latents[0]
    z = latent.sample[0]
    prior = latent.p.sample(() if latent.p.batch_shape else (len(z),))
    kernel = lambda a, b: (-torch.cdist(a, b).square() / a.shape[-1]).exp().mean()
    discrepancy = kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)
    return -terms.log_px.mean() + beta * weight * discrepancy
