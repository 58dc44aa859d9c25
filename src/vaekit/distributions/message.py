"""Gaussians given by the matrix A that whitens them, and the product of their mixture with a message.

`WhitenedNormal` has the density |det A| N(A (z - m); 0, I); it needs no triangular solve.

A posterior may be the prior times a Gaussian factor, q(z | x) = p(z) N(t(x); z, R(x)) / Z(x), with R diagonal
(a recognition potential, Johnson et al. 2016). For a mixture p(z) = sum_c w_c N(m_c, S_c) it is again a
mixture. Its components have precision S_c^-1 + R^-1, and its weights are proportional to
w_c N(t; m_c, S_c + R), whose sum is Z.

If x is linear in z with Gaussian noise, t and R exist for which q is the exact posterior.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import select, with_temperature

_LOG_2PI = math.log(2 * math.pi)


class WhitenedNormal(Distribution):
    """A Gaussian with mean m and covariance (A^T A)^-1, for a lower triangular A with a positive diagonal.

    Args:
        loc: m, (..., d).
        whitening: A, (..., d, d).

    >>> p = WhitenedNormal(torch.zeros(2), torch.tensor([[0.5, 0.0], [0.0, 1.0]]))
    >>> p.variance
    tensor([4., 1.])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, whitening: Tensor):
        self.loc, self.whitening = loc, whitening
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def factor(self) -> Tensor:
        """L = A^-1, with covariance L L^T; (..., d, d)."""
        return inverse(self.whitening)

    @property
    def covariance_matrix(self) -> Tensor:
        return self.factor @ self.factor.mT

    @property
    def variance(self) -> Tensor:
        return self.factor.square().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        u = times(self.whitening, value - self.loc)
        log_det = self.whitening.diagonal(dim1=-1, dim2=-2).log().sum(-1)
        return log_det - 0.5 * (u.square().sum(-1) + u.shape[-1] * _LOG_2PI)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.loc.shape
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + times(self.factor, noise)


def times(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrices (..., d, d) times vectors (..., d), with leading dimensions that broadcast.

    C matrices for many vectors (..., C, d) are one product for each matrix. Otherwise, as for a matrix of
    its own for each vector, a batched product of small matrices is slower than multiplying and adding.

    >>> times(2 * torch.eye(2), torch.ones(3, 2)).shape
    torch.Size([3, 2])
    """
    if matrices.dim() == 3 and vectors.dim() > 2 and vectors.shape[-2] == len(matrices):
        return torch.einsum("cij,...cj->...ci", matrices, vectors)
    return (matrices * vectors[..., None, :]).sum(-1)


def inverse(triangular: Tensor) -> Tensor:
    """The inverse of lower triangular matrices (..., d, d).

    >>> inverse(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).diagonal()
    tensor([0.5000, 0.2500])
    """
    unit = torch.eye(triangular.shape[-1], dtype=triangular.dtype, device=triangular.device)
    return torch.linalg.solve_triangular(triangular, unit.expand_as(triangular), upper=False)


@with_temperature.register
def _(distribution: WhitenedNormal, temperature: float) -> Distribution:
    return WhitenedNormal(distribution.loc, distribution.whitening / temperature)


@select.register
def _(distribution: WhitenedNormal, index: Tensor) -> Distribution:
    return WhitenedNormal(distribution.loc[index], distribution.whitening[index])


class PriorTimesMessage(Distribution):
    """q(z) = p(z) N(t; z, R) / Z, for a mixture p of C Gaussians; itself a mixture of C Gaussians.

    `rsample` passes gradients to the sampled component, and none to the choice of the component.

    Args:
        prior: p(z), a `Mixture` of C `WhitenedNormal`.
        target: t, (..., B, d).
        log_scale: log of the square root of the diagonal of R, (..., B, d).

    >>> one = WhitenedNormal(torch.zeros(1, 2), torch.eye(2)[None])
    >>> q = PriorTimesMessage(Mixture(torch.zeros(1), one), torch.ones(5, 2), torch.zeros(5, 2))
    >>> q.mean[0], q.variance[0]
    (tensor([0.5000, 0.5000]), tensor([0.5000, 0.5000]))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, prior: Mixture, target: Tensor, log_scale: Tensor):
        self.prior, self.target, self.log_scale = prior, target, log_scale
        parts = prior.components
        assert isinstance(parts, WhitenedNormal)
        precision = (-2 * log_scale).exp()
        own = parts.whitening.mT @ parts.whitening  # S_c^-1, (C, d, d)
        total = torch.linalg.cholesky(own + torch.diag_embed(precision)[..., None, :, :])  # (B, C, d, d)
        self.factor = inverse(total).mT  # the components have covariance factor factor^T
        offset = target[..., None, :] - parts.loc
        shift = times(self.factor, times(self.factor.mT, precision[..., None, :] * offset))
        self.locs = parts.loc + shift  # (B, C, d)
        # (S + R)^-1 = S^-1 (S^-1 + R^-1)^-1 R^-1, and |S + R| = |S| |R| |S^-1 + R^-1|
        square = (times(own, offset) * shift).sum(-1)
        log_dets = (
            log_scale.sum(-1, keepdim=True)
            + total.diagonal(dim1=-1, dim2=-2).log().sum(-1)
            - parts.whitening.diagonal(dim1=-1, dim2=-2).log().sum(-1)
        )
        joint = prior.log_weights - 0.5 * (square + target.shape[-1] * _LOG_2PI) - log_dets
        self.log_normalizer = joint.logsumexp(-1)  # log Z, (B,)
        self.logits = joint - self.log_normalizer[..., None]
        super().__init__(target.shape[:-1], target.shape[-1:], validate_args=False)

    def __repr__(self) -> str:
        *batch, components, d = self.locs.shape
        return f"PriorTimesMessage({components} components, dim={d}, batch={'x'.join(map(str, batch))})"

    def log_prob(self, value: Tensor) -> Tensor:
        u = (value - self.target) * (-self.log_scale).exp()
        message = (-0.5 * (u.square() + _LOG_2PI) - self.log_scale).sum(-1)
        return self.prior.log_prob(value) + message - self.log_normalizer

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.batch_shape
        noise = torch.randn(*shape, *self.event_shape, dtype=self.locs.dtype, device=self.locs.device)
        if self.locs.shape[-2] == 1:
            return self.locs[..., 0, :] + times(self.factor[..., 0, :, :], noise)
        chosen = Categorical(logits=self.logits.detach(), validate_args=False).sample(
            torch.Size(sample_shape)
        )
        rows = torch.arange(self.batch_shape.numel(), device=chosen.device)
        rows = rows.view(self.batch_shape).expand_as(chosen)
        locs, factor = self.locs.flatten(0, -3), self.factor.flatten(0, -4)
        return locs[rows, chosen] + times(factor[rows, chosen], noise)

    @property
    def mean(self) -> Tensor:
        return (self.logits.exp()[..., None] * self.locs).sum(-2)

    @property
    def variance(self) -> Tensor:
        """The mean of the variances plus the variance of the means."""
        within = self.factor.square().sum(-1)
        between = (self.locs - self.mean[..., None, :]).square()
        return (self.logits.exp()[..., None] * (within + between)).sum(-2)
