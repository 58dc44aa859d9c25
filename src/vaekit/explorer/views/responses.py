"""What a view returns: a dictionary for JSON, in which arrays are base64, or an image with headers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from vaekit.data.table_source import TableSource
from vaekit.data.tables.write import cell_texts
from vaekit.explorer.projection import ellipse
from vaekit.explorer.session import ExplorerSession
from vaekit.models.conditional import HierarchicalDistribution


class ImageResponse(NamedTuple):
    """An image file.

    Attributes:
        content: the bytes of the file.
        media_type: its MIME type.
        headers: further values by name, each sent as a header `X-Vaekit-NAME`.

    Example:
        >>> ImageResponse(b"...").media_type
        'image/png'
    """

    content: bytes
    media_type: str = "image/png"
    headers: dict[str, Any] = {}  # noqa: RUF012  (never changed)


Response = dict[str, Any] | ImageResponse

MAX_COLUMNS = 24
"""Columns of a table whose values the page shows in words."""


def packed(array: np.ndarray, dtype: str = "<f4") -> str:
    """An array as base64 of its numbers.

    Args:
        array: numbers of any shape.
        dtype: a NumPy type string; float32 in little-endian order by default.

    Returns:
        The text.

    Example:
        >>> packed(np.array([1.0]))
        'AACAPw=='
    """
    return encoded(np.ascontiguousarray(array, dtype).tobytes())


def encoded(content: bytes) -> str:
    """Bytes as base64.

    Example:
        >>> encoded(b"vaekit")
        'dmFla2l0'
    """
    return base64.b64encode(content).decode()


def rounded(numbers: Sequence[float] | np.ndarray | Tensor) -> list[float]:
    """Numbers to six significant digits: exact enough for any image, and short.

    Example:
        >>> rounded([1 / 3, 12345678.0])
        [0.333333, 12345700.0]
    """
    return [float(f"{number:.6g}") for number in numbers]


def cell_values(session: ExplorerSession, x: Tensor) -> dict[str, list[str]]:
    """The values of one row of a table in its units, as the header `Values`; nothing for other data.

    Args:
        session: the model.
        x: (n, D) model values; NaN for missing.

    Returns:
        The text of the first `MAX_COLUMNS` cells, if n is 1.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> cell_values(session, session.image(0))
        {}
    """
    columns = session.trained.columns[:MAX_COLUMNS]
    if not columns or len(x) != 1:
        return {}
    values = x[0].detach().double().cpu().numpy()
    source = TableSource(missing="missing")
    cells = [cell_texts(c, c.to_data(values[j : j + 1]), source)[0] for j, c in enumerate(columns)]
    return {"Values": [_short_number(cell) for cell in cells]}


def _short_number(cell: str) -> str:
    """A number of many digits with six of them; other cells as they are."""
    try:
        return cell if len(cell) <= 8 else f"{float(cell):.6g}"
    except ValueError:
        return cell


def describe_posterior(
    session: ExplorerSession, posterior: HierarchicalDistribution, kind: str | None, dims: int = 2
) -> dict[str, Any]:
    """The posterior q(z | x) of one image: mean, standard deviation, point of the map, and ellipse.

    Args:
        session: the model and its map.
        posterior: q(z | x), with a batch of one.
        kind, dims: of the map.

    Returns:
        `z` and `std`, d numbers each; `xy`, the point of the mean; `ellipse`, see `projection.ellipse`.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> posterior = session.model.encode(session.image(3), session.conditions_of(slice(3, 4)))
        >>> list(describe_posterior(session, posterior, None))
        ['z', 'std', 'xy', 'ellipse']
    """
    std = posterior.stddev[0].detach().double().cpu().numpy()
    covariance = _covariance(posterior, std)
    return describe_moments(session, posterior.mean[0], posterior.stddev[0], covariance, kind, dims)


def describe_moments(
    session: ExplorerSession,
    mean: Tensor,
    stddev: Tensor,
    covariance: np.ndarray | None,
    kind: str | None,
    dims: int = 2,
) -> dict[str, Any]:
    """The same of a mean and a standard deviation.

    Args:
        session: the model and its map.
        mean, stddev: (d,).
        covariance: (d, d); None for independent latents.
        kind, dims: of the map.

    Returns:
        See `describe_posterior`.

    Example:
        >>> import torch
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> describe_moments(session, torch.zeros(2), torch.ones(2), None, None)["xy"]
        [0.0, 0.0]
    """
    z, std = mean.detach().double().cpu().numpy(), stddev.detach().double().cpu().numpy()
    projection = session.projection(kind, dims)
    [xy] = projection.project(z[None])
    spread = np.diag(std**2) if covariance is None else covariance
    shown = projection.project_covariance(spread) if std.any() and dims == 2 else None
    return {"z": rounded(z), "std": rounded(std), "xy": rounded(xy), "ellipse": ellipse(xy, shown)}


def _covariance(posterior: HierarchicalDistribution, std: np.ndarray) -> np.ndarray:
    """The covariance matrix of a single layer that has one; otherwise the diagonal of the variances."""
    layer = posterior.condition_on(posterior.mean).layers[0] if len(posterior.layer_dims) == 1 else None
    full = getattr(layer, "covariance_matrix", None)
    return np.diag(std**2) if full is None else full[0].detach().double().cpu().numpy()
