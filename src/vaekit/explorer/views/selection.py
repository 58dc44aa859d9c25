"""Selected data: their images, the mean and spread of their latents, and files of them."""

from __future__ import annotations

import base64
import csv
import io
import math

import numpy as np
import torch

from vaekit.errors import InvalidError
from vaekit.explorer import requests
from vaekit.explorer.images import png
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import ImageResponse, Response, encoded, rounded

_BATCH = 1000  # images read at once


def thumbnails(session: ExplorerSession, request: requests.Thumbnails) -> Response:
    """Images of the data, as the model sees them, in rows of `Columns`.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> thumbnails(session, requests.Thumbnails(indices=[3, 1, 2])).headers
        {'Columns': 2}
    """
    chosen = np.array(request.indices)
    if chosen.max() >= len(session.images):
        raise InvalidError(f"indices: expected 0 to {len(session.images) - 1}, got {chosen.max()}")
    columns = math.ceil(math.sqrt(len(chosen)))
    x = session.images.batch(torch.from_numpy(chosen))
    return ImageResponse(png(x, columns, session.limits), headers={"Columns": columns})


def summary(session: ExplorerSession, request: requests.Selection) -> Response:
    """How many are selected, mean and spread of their latents, and the mean of their images.

    Returns:
        `n`; `mean` and `std` of the posterior means, and `within`, the mean posterior standard deviation, d
        numbers each; `image`, a PNG in base64.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> found = summary(session, requests.Selection(mask="BQAA"))
        >>> found["n"], np.allclose(found["mean"], session.latents.mean[[0, 2]].mean(0), atol=1e-5)
        (2, True)
    """
    chosen = selected(session, request.mask)
    mean, stddev = session.latents.mean[chosen], session.latents.stddev[chosen]
    return {
        "n": len(chosen),
        "mean": rounded(mean.mean(0)),
        "std": rounded(mean.std(0)),
        "within": rounded(stddev.mean(0)),
        "image": encoded(png(_mean_image(session, chosen)[None], limits=session.limits)),
    }


def export(session: ExplorerSession, request: requests.Export) -> Response:
    """A file of what is selected: their numbers and latents, and in NPZ their images.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> answer = export(session, requests.Export(mask="BQAA"))
        >>> answer.content.decode().splitlines()[0]
        'index,row,label,class,log_px_z,kl,log_px,error,z0,z1,std0,std1'
    """
    chosen = selected(session, request.mask)
    table = _table(session, chosen)
    if request.format == "csv":
        return ImageResponse(_csv(table), "text/csv")
    images = torch.cat([session.images.batch(part) for part in torch.from_numpy(chosen).split(_BATCH)])
    arrays = {name: column for name, column in table.items() if name not in _latent_names(session)}
    arrays |= {"z": session.latents.mean[chosen], "std": session.latents.stddev[chosen]}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, images=images.cpu().numpy(), **arrays)
    return ImageResponse(buffer.getvalue(), "application/octet-stream")


def selected(session: ExplorerSession, mask: str) -> np.ndarray:
    """The positions that a mask selects.

    Args:
        session: N data points.
        mask: N bits in base64; see `requests.Selection`.

    Returns:
        (n,) int64, in order.

    Raises:
        InvalidError: the mask has another length, or selects nothing.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> selected(open_session(demo(), images=20), "BQAA")
        array([0, 2])
    """
    content = np.frombuffer(base64.b64decode(mask), np.uint8)
    n = len(session.images)
    if len(content) != -(-n // 8):
        raise InvalidError(f"mask: expected {-(-n // 8)} bytes, got {len(content)}")
    chosen = np.flatnonzero(np.unpackbits(content, bitorder="little")[:n])
    if not len(chosen):
        raise InvalidError("mask: expected at least one selected data point, got none")
    return chosen


def _mean_image(session: ExplorerSession, chosen: np.ndarray) -> torch.Tensor:
    total, count = torch.zeros(1), torch.zeros(1)
    for part in torch.from_numpy(chosen).split(_BATCH):
        x = session.images.batch(part).double().cpu()
        total, count = total + x.nansum(0), count + (~x.isnan()).sum(0)
    return (total / count).float()


def _latent_names(session: ExplorerSession) -> list[str]:
    d = session.model.latent_dim
    return [f"z{j}" for j in range(d)] + [f"std{j}" for j in range(d)]


def _table(session: ExplorerSession, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of a file, (n,) each; what is not measured is left out."""
    labels, names = session.latents.labels, session.source.label_names
    table = {"index": chosen, "row": session.images.indices[chosen]}
    if labels is not None and labels.ndim == 1:
        table["label"] = labels[chosen]
        if names:
            table["class"] = np.array([names[k] if k >= 0 else "" for k in labels[chosen]])
    table["log_px_z"] = session.reconstruction[chosen]
    if session.is_bound:
        table["kl"] = session.kl_per_layer.sum(0)[chosen]
        table["log_px"] = session.log_likelihood[chosen]
    table["error"] = session.error[chosen]
    for name, column in session.attributes.items():
        table[f"attribute {name}" if name in table else name] = column[chosen]
    values = np.hstack([session.latents.mean[chosen], session.latents.stddev[chosen]])
    table.update(zip(_latent_names(session), values.T, strict=True))
    return table


def _csv(table: dict[str, np.ndarray]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    columns = [[_cell(value) for value in column.tolist()] for column in table.values()]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A number with six digits; nothing for one that is not measured."""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return value
