"""What holds for every objective: the terms of the bound -> the loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from vaekit.models.elbo import ALL_TERMS, ELBOTerms
from vaekit.testing.properties import Checked
from vaekit.utils.random import seeded

K, B, L = 3, 4, 2  # posterior samples, data points, latent layers
Parts = dict[str, Tensor]


def check_objective(
    objective: Callable[..., Tensor], /, *, beta_matters: bool = True, **options: Any
) -> None:
    """Check an objective.

    The loss is a finite scalar, for terms with a KL in closed form and without. Its gradients are finite
    differences, and the log-likelihood has one. It does not depend on the order of the batch or of the
    posterior samples, reads only the terms that its trait `need` declares, and changes none of them.

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
    with seeded(0):
        for analytic in (True, False):
            parts = _random_parts(analytic)
            _check_loss(checked, parts, beta_matters)
            _check_order(checked, parts)
            _check_need(checked, parts)
            with checked.claim("gradients are finite differences"):
                _check_gradients(parts, partial(_loss, checked))


def _check_gradients(parts: Parts, loss: Callable[[Parts], Tensor]) -> None:
    names = list(parts)
    inputs = [part.clone().requires_grad_() for part in parts.values()]
    torch.autograd.gradcheck(lambda *each: loss(dict(zip(names, each, strict=True))), inputs)


def _random_parts(analytic: bool) -> Parts:
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    parts = {"log_px": draw(K, B) - 20, "log_pz": draw(L, K, B), "log_qz": draw(L, K, B) + 1}
    return parts | ({"analytic_kl": draw(L, B).square() + 0.5} if analytic else {})


def _loss(checked: Checked, parts: Parts, beta: float = 0.7) -> Tensor:
    return checked.build(ELBOTerms(**parts), beta)


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
    with checked.claim("the log-likelihood has a finite gradient"):
        log_px = parts["log_px"].clone().requires_grad_()
        [gradient] = torch.autograd.grad(_loss(checked, parts | {"log_px": log_px}), log_px)
        checked.require(torch.isfinite(gradient).all(), "it is not finite")
        checked.require((gradient != 0).any(0).all(), "a data point has none")
        checked.require(gradient.sum() < 0, "a higher log-likelihood must lower the loss")
    with checked.claim("it changes no term"):
        before = {name: part.clone() for name, part in parts.items()}
        _loss(checked, parts)
        for name, part in parts.items():
            checked.require(torch.equal(part, before[name]), f"{name} changed")


def _check_order(checked: Checked, parts: Parts) -> None:
    loss = _loss(checked, parts)
    for what, axis, order in (("batch", -1, [2, 0, 3, 1]), ("posterior samples", -2, [2, 0, 1])):
        with checked.claim(f"the order of the {what} does not matter"):
            moved = {
                name: part
                if axis == -2 and name == "analytic_kl"
                else part.index_select(axis, torch.tensor(order))
                for name, part in parts.items()
            }
            checked.require_close(_loss(checked, moved), loss, 1e-9)


def _check_need(checked: Checked, parts: Parts) -> None:
    """Terms are computed when they are read; what an objective reads, it must declare."""
    need = set(checked.component.traits.get("need", ALL_TERMS))
    read: set[str] = set()

    def lazy(name: str, term: str) -> Callable[[ELBOTerms], Tensor | None]:
        def compute(terms: ELBOTerms) -> Tensor | None:
            read.add(term)
            return parts.get(name)

        return compute

    with checked.claim("it reads only the terms that it declares"):
        unknown = need - ALL_TERMS
        checked.require(not unknown, f"need: expected some of {sorted(ALL_TERMS)}, got {sorted(unknown)}")
        ratio = {name: lazy(name, "log_ratio") for name in ("log_pz", "log_qz")}
        terms: Any = ELBOTerms(parts["log_px"], analytic_kl=lazy("analytic_kl", "kl"), **ratio)
        checked.build(terms, 0.7)
        allowed = need | ({"log_ratio"} if "kl" in need and "analytic_kl" not in parts else set())
        undeclared = sorted(read - allowed)
        checked.require(
            not undeclared, f"expected need={sorted(need | set(undeclared))!r}, got need={sorted(need)!r}"
        )
