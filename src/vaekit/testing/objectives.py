"""What holds for every objective: the terms of the bound -> the loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.models.elbo import ALL_TERMS, ELBOTerms, LatentTerms
from vaekit.testing.properties import Checked
from vaekit.utils.random import seeded

K, B, L, D = 3, 4, 2, 2  # posterior samples, data points, latent layers, latents of a layer
Parts = dict[str, Tensor]

AXES: dict[str, tuple[int, int | None]] = {  # of the batch and of the posterior samples
    "log_px": (-1, -2),
    "log_pz": (-1, -2),
    "log_qz": (-1, -2),
    "analytic_kl": (-1, None),
    "log_px_parts": (-1, -2),
    "auxiliary": (-1, None),
    "sample": (-2, -3),
    "mean": (-2, None),
}


def check_objective(
    objective: Callable[..., Tensor], /, *, beta_matters: bool = True, **options: Any
) -> None:
    """Check an objective.

    The loss is a finite scalar, for terms with a KL in closed form and without. Its gradients are finite
    differences. A higher log-likelihood lowers it, and auxiliary terms of the model raise it. It does not
    depend on the order of the batch or of the posterior samples, needs only the terms that its trait `need`
    declares, and changes none of them.

    Args:
        objective: a function that is registered as an objective.
        beta_matters: whether the weight beta has an effect on the loss.
        options: of the objective.

    Raises:
        AssertionError: one line with the property that does not hold.

    >>> from vaekit.models.objectives import elbo
    >>> check_objective(elbo, free_bits=0.1)
    """
    checked = Checked("objective", objective, options)
    need = set(checked.component.traits.get("need", ALL_TERMS))
    with checked.claim("its trait need is known"):
        unknown = sorted(need - ALL_TERMS)
        checked.require(not unknown, f"expected some of {sorted(ALL_TERMS)}, got {unknown}")
    with seeded(0):
        for analytic in (True, False):
            parts = _random_parts(need, analytic)
            with checked.claim("it needs only the terms that its trait need declares"):
                _loss(checked, parts)
            _check_loss(checked, parts, beta_matters)
            _check_gradients(checked, parts)
            _check_order(checked, parts)


def _random_parts(need: set[str], analytic: bool) -> Parts:
    """Random numbers for the terms that are needed."""
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    parts = {"log_px": draw(K, B) - 20, "auxiliary": draw(B)}
    if "kl" in need and analytic:
        parts["analytic_kl"] = draw(L, B).square() + 0.5
    if "log_ratio" in need or ("kl" in need and not analytic):
        parts |= {"log_pz": draw(L, K, B), "log_qz": draw(L, K, B) + 1}
    if "latents" in need:
        parts |= {"sample": draw(L, K, B, D), "mean": draw(L, B, D)}
    return parts | ({"log_px_parts": draw(3, K, B) - 7} if "parts" in need else {})


def _loss(checked: Checked, parts: Parts, beta: float = 0.7) -> Tensor:
    latents = None
    if "sample" in parts:
        p = Independent(Normal(torch.zeros_like(parts["mean"][0]), 1.0), 1)
        latents = [
            LatentTerms(sample, Independent(Normal(mean, 0.5), 1), p)
            for sample, mean in zip(parts["sample"], parts["mean"], strict=True)
        ]
    given: dict[str, Any] = {
        name: part for name, part in parts.items() if name not in ("sample", "mean", "auxiliary")
    }
    return checked.build(ELBOTerms(**given, latents=latents, auxiliary={"term": parts["auxiliary"]}), beta)


def _check_loss(checked: Checked, parts: Parts, beta_matters: bool) -> None:
    losses = []
    for beta in (0.0, 0.5, 1.0, 4.0):
        with checked.claim(f"the loss is a finite scalar for beta = {beta:g}"):
            loss = _loss(checked, parts, beta)
            checked.require(isinstance(loss, Tensor), f"got {type(loss).__name__}")
            checked.require_equal(tuple(loss.shape), (), "shape")
            checked.require(torch.isfinite(loss), f"got {loss.item()}")
            losses.append(loss.item())
    with checked.claim(f"beta has {'an' if beta_matters else 'no'} effect"):
        checked.require((len({round(loss, 9) for loss in losses}) > 1) == beta_matters, f"losses {losses}")
    with checked.claim("it changes no term"):
        before = {name: part.clone() for name, part in parts.items()}
        _loss(checked, parts)
        for name, part in parts.items():
            checked.require(torch.equal(part, before[name]), f"{name} changed")


def _check_gradients(checked: Checked, parts: Parts) -> None:
    inputs = {name: part.clone().requires_grad_() for name, part in parts.items()}
    with checked.claim("gradients are finite differences"):
        loss = partial(_loss_of_values, checked, list(parts))
        torch.autograd.gradcheck(loss, list(inputs.values()))
    with checked.claim("a higher log-likelihood lowers the loss"):
        by_parts = "log_px_parts" if "log_px_parts" in parts else "log_px"
        found = torch.autograd.grad(
            _loss(checked, inputs), [inputs["log_px"], inputs[by_parts]], allow_unused=True
        )
        [gradient, *_] = [each for each in found if each is not None] or [torch.zeros(1, 1)]
        checked.require((gradient != 0).any(0).all(), "a data point has no effect")
        checked.require(gradient.sum() < 0, "it raises the loss")
    with checked.claim("auxiliary terms of the model raise the loss"):
        [gradient] = torch.autograd.grad(_loss(checked, inputs), inputs["auxiliary"], allow_unused=True)
        checked.require(gradient is not None, "they have no effect; add the mean of each to the loss")
        checked.require((gradient > 0).all(), "they lower it")


def _loss_of_values(checked: Checked, names: list[str], *values: Tensor) -> Tensor:
    return _loss(checked, dict(zip(names, values, strict=True)))


def _check_order(checked: Checked, parts: Parts) -> None:
    loss = _loss(checked, parts)
    for n, (what, order) in enumerate((("batch", [2, 0, 3, 1]), ("posterior samples", [2, 0, 1]))):
        with checked.claim(f"the order of the {what} does not matter"):
            moved = dict(parts)
            for name, part in parts.items():
                axis = AXES[name][n]
                if axis is not None:
                    moved[name] = part.index_select(axis, torch.tensor(order))
            checked.require_close(_loss(checked, moved), loss, 1e-9)
