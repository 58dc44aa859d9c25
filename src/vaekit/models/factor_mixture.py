"""A mixture of Gaussians as the prior, and a posterior that is this prior times a Gaussian factor,

    p(z) = sum_c w_c N(z; m_c, S_c),        q(z | x) = p(z) N(t(x); z, R(x)) / Z(x).

With a linear decoder this is a mixture of common factor analyzers (Baek, McLachlan and Flack 2010). Its
posterior has exactly this form, so the bound can equal log p(x). The encoder gives t and the diagonal of R,
and the posterior follows the prior by itself as that is trained.
"""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.distributions.message import PriorTimesMessage, WhitenedNormal
from vaekit.distributions.mixture import Mixture
from vaekit.models.build_context import BuildContext
from vaekit.registry import register
from vaekit.utils.device import to_float32

MAX_LOG_SCALE = 12.0  # of a message to each side: rows far from the training data must not end in infinities


class FactorMixture(nn.Module):
    """A mixture of C Gaussians with full covariances, which starts as N(0, I).

    Args:
        latent_dim: d.
        components: C. The means start at random, near 0, unless there is only one.

    Attributes:
        mean: m, (C, d).
        log_diagonal, below: the matrices A_c with S_c = (A_c^T A_c)^-1: the logarithm of the diagonal (C, d),
            and the entries below it (C, d, d).
        logits: of the weights, (C,).

    >>> FactorMixture(2, components=3)()
    Mixture(3 x WhitenedNormal, dim=2, batch=())
    """

    def __init__(self, latent_dim: int, components: int):
        super().__init__()
        spread = 0.3 if components > 1 else 0.0
        self.mean = nn.Parameter(spread * torch.randn(components, latent_dim))
        self.log_diagonal = nn.Parameter(torch.zeros(components, latent_dim))
        self.below = nn.Parameter(torch.zeros(components, latent_dim, latent_dim))
        self.logits = nn.Parameter(torch.zeros(components))

    def forward(self, *context: Tensor) -> Mixture:
        whitening = torch.tril(self.below, -1) + torch.diag_embed(self.log_diagonal.exp())
        return Mixture(self.logits, WhitenedNormal(self.mean, whitening))

    @torch.no_grad()
    def set_(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        """Set weights (C,), means (C, d) and covariances (C, d, d)."""
        eye = torch.eye(means.shape[-1], dtype=torch.float64)
        factor = torch.linalg.cholesky(covariances.double())
        whitening = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
        self.logits.copy_(weights.log())
        self.mean.copy_(means)
        self.log_diagonal.copy_(whitening.diagonal(dim1=-1, dim2=-2).log())
        self.below.copy_(torch.tril(whitening, -1))

    def extra_repr(self) -> str:
        components, latent_dim = self.mean.shape
        return f"latent_dim={latent_dim}, components={components}"


class MessageHead(nn.Module):
    """Network output -> the prior times a Gaussian factor, `PriorTimesMessage`.

    The output has two values per latent: t, and the logarithm of the square root of R's diagonal.

    >>> head, prior = MessageHead(), FactorMixture(2, components=3)
    >>> head.borrow(prior)
    >>> head(torch.zeros(5, *head.network_output((2,))))
    PriorTimesMessage(3 components, dim=2, batch=5)
    """

    event_dims = 1

    def __init__(self) -> None:
        super().__init__()
        self._borrowed: tuple[nn.Module, ...] = ()  # the model owns the prior

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have: 2 d values for d latents."""
        return (2 * event[0],)

    def borrow(self, prior: nn.Module) -> None:
        """Use a prior, which must be called without a condition and return a mixture.

        Raises:
            ValueError: it is another prior than a `FactorMixture`.
        """
        if not isinstance(prior, FactorMixture):
            raise ValueError(
                f"posterior message: expected the prior factor_mixture, got {type(prior).__name__}; use that "
                "prior, or the posterior gaussian"
            )
        self._borrowed = (prior,)

    def forward(self, output: Tensor) -> Distribution:
        if not self._borrowed:
            raise ValueError("posterior message: expected a prior; call borrow(prior) first")
        [prior] = self._borrowed
        target, log_scale = to_float32(output).chunk(2, -1)
        return PriorTimesMessage(prior(), target, log_scale.clamp(-MAX_LOG_SCALE, MAX_LOG_SCALE))


def _check(options: Any, context: BuildContext) -> None:
    if context.condition_dim:
        raise ValueError("factor_mixture has no label or covariates; use standard_normal or mixture")


@register("prior", "factor_mixture", validate=_check)
def factor_mixture(
    context: BuildContext, components: Annotated[int, Field(ge=1, le=1000)] = 1
) -> FactorMixture:
    """A mixture of Gaussians with full covariances, for tables; with one component it starts as N(0, I).

    Args:
        context: what the prior is built from.
        components: number of Gaussians, C.

    >>> factor_mixture(BuildContext(2), components=3)
    FactorMixture(latent_dim=2, components=3)
    """
    return FactorMixture(context.latent_dim, components)


@register("posterior", "message")
def message() -> MessageHead:
    """The prior `factor_mixture` times a Gaussian factor from the encoder; exact for a linear decoder.

    >>> message().network_output((2,))
    (4,)
    """
    return MessageHead()
