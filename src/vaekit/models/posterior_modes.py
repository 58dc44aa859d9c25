"""Gaussians at the modes of p(z | x): the Laplace approximation, by Newton's method.

At a mode z* of log p(x, z), with H the negative Hessian there, p(z | x) is close to N(z*, H^-1). This is
exact where x is linear in z with Gaussian noise and the prior is Gaussian, for any observed part of x.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

STEPS = 10
LEAST_PRECISION = 1e-4  # of a direction in latent space; priors of tables may have broad components
STEP_SIZES = (1.0, 0.5, 0.2, 0.05)


def gaussians_at_modes(
    log_joint: Callable[[Tensor], Tensor], z: Tensor, steps: int = STEPS
) -> MultivariateNormal:
    """Climb to modes of a log-density, and return Gaussians with its curvature there.

    Args:
        log_joint: z (..., d) -> log p(x, z), (...); each depends on its own z only.
        z: where to start, (..., d).
        steps: of Newton's method; each goes uphill or stays.

    Returns:
        Gaussians with batch shape (...), in the dtype of z.

    >>> mean, precision = torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.25])
    >>> log_joint = lambda z: -0.5 * (precision * (z - mean).square()).sum(-1)
    >>> found = gaussians_at_modes(log_joint, torch.zeros(3, 2))
    >>> found.mean[0], found.variance[0]
    (tensor([ 1., -2.]), tensor([0.2500, 4.0000]))
    """
    z = z.detach()
    for _ in range(steps):
        value, gradient, (scales, axes) = _derivatives(log_joint, z)
        uphill = axes @ ((axes.mT @ gradient[..., None]) / scales[..., None])
        best, chosen = value, z
        for size in STEP_SIZES:
            moved = z + size * uphill[..., 0].to(z)
            reached = log_joint(moved).detach()
            better = (reached > best) & reached.isfinite()
            chosen = torch.where(better[..., None], moved, chosen)
            best = torch.where(better, reached, best)
        z = chosen
    _, _, (scales, axes) = _derivatives(log_joint, z)
    root = torch.linalg.qr((axes * scales.rsqrt()[..., None, :]).mT).R.mT  # H^-1 = root root^T
    root = root * root.diagonal(dim1=-2, dim2=-1).sign()[..., None, :]
    return MultivariateNormal(z, scale_tril=root.to(z), validate_args=False)


def _derivatives(
    log_joint: Callable[[Tensor], Tensor], z: Tensor
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """log p(x, z), its gradient, and eigenvalues and eigenvectors of H, made positive; float64."""
    with torch.enable_grad():
        z = z.clone().requires_grad_()
        value = log_joint(z) + 0.0 * z.square().sum(-1)  # so that it has a Hessian even if it is linear
        [gradient] = torch.autograd.grad(value.sum(), z, create_graph=True)
        rows = [
            torch.autograd.grad(gradient[..., i].sum(), z, retain_graph=True)[0] for i in range(z.shape[-1])
        ]
    curvature = -torch.stack(rows, -2).double().nan_to_num(0.0, 0.0, 0.0)
    scales, axes = torch.linalg.eigh(0.5 * (curvature + curvature.mT))
    gradient = gradient.detach().double().nan_to_num(0.0, 0.0, 0.0)
    return value.detach(), gradient, (scales.abs().clamp_min(LEAST_PRECISION), axes)
