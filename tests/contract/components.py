"""Toy components that use all of the contract: a codebook, counts with an offset, unlike columns, the MMD."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Normal, Poisson

import vaekit
from vaekit.distributions.operations import IndependentEvent
from vaekit.distributions.product import Product

# ----- a codebook (van den Oord et al. 2017): discrete latents


class Codes(Distribution):
    """Places with one of C codes each: the nearest one to `near` for q(z | x), any of them for p(z)."""

    arg_constraints, latent_kind, has_rsample = {}, "discrete", True

    def __init__(self, book: Tensor, places: int, near: Tensor | None = None):
        self.book, self.near, width = book, near, book.shape[1]
        super().__init__(() if near is None else near.shape[:-1], (places * width,), validate_args=False)
        self.value = book.mean(0).repeat(places)
        if near is not None:
            near = near.unflatten(-1, (places, width))
            codes = book[torch.cdist(near.detach(), book.detach()).argmin(-1)]
            self.value = (near + (codes - near).detach()).flatten(-2)  # the gradient passes straight through
            distance = lambda a, b: F.mse_loss(a, b.detach(), reduction="none").sum((-1, -2))
            self.auxiliary = {"codebook": distance(codes, near), "commitment": 0.25 * distance(near, codes)}

    mean = property(lambda self: self.value)
    variance = property(lambda self: torch.zeros_like(self.value))

    def rsample(self, sample_shape=()):
        if self.near is not None:
            return self.value.expand(*sample_shape, *self.value.shape)
        places = self.event_shape[0] // self.book.shape[1]
        return self.book[torch.randint(len(self.book), (*sample_shape, places))].flatten(-2)

    def log_prob(self, z):
        certain = self.near is not None  # a code has probability 1 given x, and 1 / C without
        nats = 0.0 if certain else -math.log(len(self.book)) * z.shape[-1] / self.book.shape[1]
        return torch.full(z.shape[:-1], nats, dtype=z.dtype)


@vaekit.register("posterior", latent_kind="discrete")
class CodeBook(nn.Module):
    def __init__(self, latent_dim: int, codes: int = 8, width: int = 2):
        super().__init__()
        self.places, self.book = latent_dim // width, nn.Parameter(torch.randn(codes, width))

    network_output = staticmethod(lambda event: event)

    def forward(self, output):
        return Codes(self.book, self.places, output.float())


@vaekit.register("prior")
class UniformCodes(nn.Module):
    def __init__(self, context: vaekit.BuildContext):
        super().__init__()
        self.borrowed = (context.posterior.head,)  # in a tuple, so that its weights are stored once

    def forward(self, *context):
        [head] = self.borrowed
        return Codes(head.book, head.places)


# ----- counts with an exposure (offset)


class ScaledPoisson(Poisson):
    """Counts k with x = k / scale."""

    def __init__(self, rate, scale):
        super().__init__(rate, validate_args=False)
        self.scale = scale

    mean = property(lambda self: self.rate / self.scale)
    sample = lambda self, shape=(): super().sample(shape) / self.scale
    log_prob = lambda self, x: super().log_prob((x * self.scale).round())


@vaekit.register("likelihood", support="discrete")
class Counts(nn.Module):
    takes_offset, event_dims, support, warning = True, 3, "discrete", ""

    def __init__(self, context: vaekit.BuildContext, scale: Annotated[float, Field(gt=0)] = 16.0):
        super().__init__()
        self.scale = scale
        self.register_buffer("offsets", self.offset_of(context.examples(64)[0]))

    network_output = staticmethod(lambda event: event)

    def offset_of(self, x):
        """The log of the total count of each image."""
        return (x * self.scale).sum((-1, -2, -3)).clamp_min(1).log()

    def sample_offset(self, n):
        return self.offsets[torch.randint(len(self.offsets), (n,))]

    def typical_offset(self):
        return self.offsets.median()

    def forward(self, output, offset):
        share = output.float().flatten(-3).log_softmax(-1).unflatten(-1, output.shape[-3:])
        return IndependentEvent(ScaledPoisson((share + offset[..., None, None, None]).exp(), self.scale), 3)


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
