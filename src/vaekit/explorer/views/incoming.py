"""An image from outside through the model: its posterior, its bound, and what may lie under a mask."""

from __future__ import annotations

from typing import Any

import torch

from vaekit import imputation
from vaekit.explorer import asks, incoming, painting
from vaekit.explorer.explored import SAMPLES, Explored
from vaekit.explorer.views.answers import Answer, Picture, encoded, rounded
from vaekit.explorer.views.posterior import placed
from vaekit.vae import Evidence

DRAWS = 500  # posterior samples that imputations are drawn from


@torch.no_grad()
def encode(e: Explored, ask: asks.Encode) -> Answer:
    """The posterior of an image, its reconstruction, and the terms of its bound.

    Where some pixels are masked out, the terms are those of the others, and the encoder sees 0 for them.
    """
    x = incoming.from_file(e, ask.file or "") if ask.pixels is None else incoming.from_pixels(e, ask.pixels)
    y, mask = e.label(ask.label), incoming.mask(e, ask.mask)
    x = x if mask is None else torch.where(mask, x, 0.0)
    posterior = e.model.encode(x, y)
    evidence = e.model.evidence(x, y, SAMPLES, mask, posterior, seed=0)
    return {
        **placed(e, posterior, ask.kind),
        "terms": _terms(e, evidence),
        "label": None,
        "image": encoded(painting.png(x)),
        "reconstruction": encoded(painting.png(e.model.decode(posterior.mean, y).mean)),
    }


def _terms(e: Explored, evidence: Evidence) -> dict[str, Any]:
    """Reconstruction, rates and bounds in nats; those that an autoencoder has not are None."""
    rate = rounded(evidence.rate[:, 0])
    return {
        "reconstruction": float(evidence.log_px.mean()),
        "rate": rate if e.is_bound else None,
        "elbo": float(evidence.elbo) if e.is_bound else None,
        "log_likelihood": float(evidence.importance_weighted) if e.is_bound else None,
    }


def impute(e: Explored, ask: asks.Impute) -> Answer:
    """Several ways to fill what is masked out of an image, side by side."""
    x, y, mask = incoming.from_pixels(e, ask.pixels), e.label(ask.label), incoming.mask(e, ask.mask)
    filled = imputation.impute(e.model, x, y, mask, ask.n, DRAWS, draw=False, seed=ask.seed)
    size = round(float(filled.effective_sample_size), 1)
    return Picture(painting.png(filled.images[:, 0]), notes={"Ess": size, "Draws": DRAWS})
