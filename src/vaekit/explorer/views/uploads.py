"""An image from outside through the model: its posterior, its bound, and what may lie under a mask."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vaekit.evaluation.label_inference import label_posterior
from vaekit.explorer import requests, uploads
from vaekit.explorer.images import png
from vaekit.explorer.session import SAMPLES, ExplorerSession
from vaekit.explorer.views.posterior import placed
from vaekit.explorer.views.responses import ImageResponse, Response, encoded, rounded
from vaekit.models import imputation, masking
from vaekit.models.elbo import ELBOTerms

DRAWS = 500  # posterior samples that imputations are drawn from


@torch.no_grad()
def encode(e: ExplorerSession, ask: requests.Encode) -> Response:
    """The posterior of an image, its reconstruction, the terms of its bound, and what class it seems.

    Where some pixels are masked out, the terms are those of the others, and the encoder sees 0 for them.
    """
    x = _asked(e, ask)
    probabilities = _probabilities(e, x)
    mode_ = None if probabilities is None else probabilities.argmax()[None]
    y = mode_ if ask.label is None and mode_ is not None else e.label(ask.label)
    posterior = e.model.encode(x, y)
    bound = e.model.elbo_terms(x, y, SAMPLES, masking.observed_mask(x), posterior, seed=0)
    return {
        **placed(e, posterior, ask.kind),
        "terms": _terms(e, bound),
        "label": None if probabilities is None else rounded(probabilities),
        "image": encoded(png(masking.fill_missing(x))),
        "reconstruction": encoded(png(e.model.decode(posterior.mean, y).mean)),
    }


def _asked(e: ExplorerSession, ask: requests.Encode) -> Tensor:
    """(1, C, H, W), the image from outside, NaN where it is masked out."""
    x = uploads.from_file(e, ask.file or "") if ask.pixels is None else uploads.from_pixels(e, ask.pixels)
    mask = uploads.mask(e, ask.mask)
    return x if mask is None else x.masked_fill(~mask, torch.nan)


def _probabilities(e: ExplorerSession, x: Tensor) -> Tensor | None:
    """p(y | x) of each class, (M,); None where the model is told none."""
    labels = e.model.labels
    return label_posterior(e.model, x)[0] if labels is not None and labels.one_hot else None


def _terms(e: ExplorerSession, bound: ELBOTerms) -> dict[str, Any]:
    """Reconstruction, rates and bounds in nats; those that an autoencoder has not are None."""
    rate = rounded(bound.kl[:, 0])
    return {
        "reconstruction": float(bound.log_px.mean()),
        "rate": rate if e.is_bound else None,
        "elbo": float(bound.elbo) if e.is_bound else None,
        "log_likelihood": float(bound.iwae_bound) if e.is_bound else None,
    }


def impute(e: ExplorerSession, ask: requests.Impute) -> Response:
    """Several ways to fill what is masked out of an image, side by side."""
    x, mask = uploads.from_pixels(e, ask.pixels), uploads.mask(e, ask.mask)
    y = None if ask.label is None else e.label(ask.label)
    filled = imputation.impute(e.model, x, y, mask, ask.n, DRAWS, sample_pixels=False, seed=ask.seed)
    size = round(float(filled.effective_sample_size), 1)
    return ImageResponse(png(filled.images[:, 0]), notes={"Ess": size, "Draws": DRAWS})
