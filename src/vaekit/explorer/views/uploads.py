"""Uploaded images: their posterior, the terms of their bound, and imputations of masked pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.evaluation.label_inference import label_posterior
from vaekit.explorer import requests, uploads
from vaekit.explorer.images import png
from vaekit.explorer.session import N_SAMPLES, ExplorerSession
from vaekit.explorer.views.responses import (
    ImageResponse,
    Response,
    describe_moments,
    describe_posterior,
    encoded,
    rounded,
)
from vaekit.models import imputation, masking
from vaekit.models.context import Context

IMPUTATION_SAMPLES = 500  # posterior samples from which imputations are resampled
OBSERVED_SAMPLES = 128  # of log p(observed), which is estimated again at every stroke


@torch.no_grad()
def encode(session: ExplorerSession, request: requests.Encode) -> Response:
    """The posterior of an uploaded image, its reconstruction, the terms of its bound, and p(y | x).

    If pixels are masked, all this is about the observed pixels: the encoder alone knows little of an image
    with a hole, so p(z | observed) is sampled as imputations are, see `vaekit.models.imputation`. Then
    log p(observed) = reconstruction - KL, and there is no other bound.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> pixels = encoded(bytes(28 * 28))
        >>> sorted(encode(session, requests.Encode(pixels=pixels))["terms"])
        ['elbo', 'kl', 'log_likelihood', 'reconstruction']
    """
    x = _uploaded(session, request)
    return _encode_observed(session, x, request) if x.isnan().any() else _encode_whole(session, x, request)


def _encode_whole(session: ExplorerSession, x: Tensor, request: requests.Encode) -> Response:
    model, probabilities = session.model, None
    if model.labels is not None and model.labels.one_hot:
        probabilities = label_posterior(model, x)[0]
    y = _label(session, request, probabilities)
    posterior = model.encode(x, y)
    context = Context(label=y)
    terms = model.elbo_terms(x, context, N_SAMPLES, posterior=posterior, seed=0)
    return {
        **describe_posterior(session, posterior, request.kind, request.dims),
        "masked": False,
        "terms": {
            "reconstruction": float(terms.log_px.mean()),
            "kl": rounded(terms.kl[:, 0]) if session.is_bound else None,
            "elbo": float(terms.elbo) if session.is_bound else None,
            "log_likelihood": float(terms.iwae_bound) if session.is_bound else None,
        },
        "label_probabilities": None if probabilities is None else rounded(probabilities),
        "image": encoded(png(x)),
        "reconstruction": encoded(png(model.decode(posterior.mean, model.with_offset(context, x)).mean)),
    }


def _encode_observed(session: ExplorerSession, x: Tensor, request: requests.Encode) -> Response:
    model, probabilities = session.model, None
    if model.labels is not None and model.labels.one_hot:
        every = imputation.impute(model, x, None, 1, OBSERVED_SAMPLES, sample_pixels=False, seed=0)
        probabilities = None if every.label_probabilities is None else every.label_probabilities[0]
    y = _label(session, request, probabilities)
    found = imputation.impute(model, x, y, 1, OBSERVED_SAMPLES, sample_pixels=False, seed=0)
    assert found.latent_mean is not None
    assert found.latent_stddev is not None
    reconstruction, log_observed = map(float, (found.reconstruction, found.log_observed))  # type: ignore[arg-type]
    return {
        **describe_moments(
            session, found.latent_mean[0], found.latent_stddev[0], None, request.kind, request.dims
        ),
        "masked": True,
        "terms": {
            "reconstruction": reconstruction,
            "kl": [reconstruction - log_observed] if session.is_bound else None,
            "elbo": None,
            "log_likelihood": log_observed if session.is_bound else None,
        },
        "label_probabilities": None if probabilities is None else rounded(probabilities),
        "image": encoded(png(masking.fill_missing(x))),
        "reconstruction": encoded(png(found.mean)),
    }


def _label(session: ExplorerSession, request: requests.Encode, probabilities: Tensor | None) -> Tensor | None:
    """The label of a request, or else the most probable one."""
    if request.label is None and probabilities is not None:
        return probabilities.argmax()[None]
    return session.label_tensor(request.label)


def _uploaded(session: ExplorerSession, request: requests.Encode) -> Tensor:
    """(1, C, H, W), the uploaded image, NaN where it is masked."""
    if request.pixels is None:
        x = uploads.from_file(session, request.file or "")
    else:
        x = uploads.from_pixels(session, request.pixels)
    mask = uploads.parse_mask(session, request.mask)
    return x if mask is None else x.masked_fill(~mask, torch.nan)


def impute(session: ExplorerSession, request: requests.Impute) -> Response:
    """Several imputations of the masked pixels of an uploaded image, side by side.

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> pixels, mask = encoded(bytes(28 * 28)), encoded(bytes([1] * 392 + [0] * 392))
        >>> impute(session, requests.Impute(pixels=pixels, mask=mask, n=2)).headers["Samples"]
        500
    """
    x, mask = uploads.from_pixels(session, request.pixels), uploads.parse_mask(session, request.mask)
    y = None if request.label is None else session.label_tensor(request.label)
    found = imputation.impute(
        session.model,
        x,
        Context(y, mask=mask),
        request.n,
        IMPUTATION_SAMPLES,
        sample_pixels=False,
        seed=request.seed,
    )
    size = round(float(found.effective_sample_size), 1)
    return ImageResponse(png(found.images[:, 0]), headers={"Ess": size, "Samples": IMPUTATION_SAMPLES})
