"""A posterior q(z | x) of one image as numbers, and as an ellipse on the map."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.explorer.projection import ellipse
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views.responses import rounded
from vaekit.models.conditional import HierarchicalDistribution


def placed(e: ExplorerSession, posterior: HierarchicalDistribution, kind: str | None) -> dict[str, Any]:
    """A posterior q(z | x) of one image: mean, standard deviation, point of the map, and ellipse."""
    mean = posterior.mean[0].double().cpu().numpy()
    sd = posterior.stddev[0].double().cpu().numpy()
    plane = e.plane(kind)
    [place] = plane.place(mean[None])
    spread = plane.spread(_covariance(posterior, sd)) if sd.any() else None
    return {"z": rounded(mean), "sd": rounded(sd), "xy": rounded(place), "ellipse": ellipse(place, spread)}


def _covariance(posterior: HierarchicalDistribution, sd: np.ndarray) -> np.ndarray:
    """Of the top level's own form where it is the only one; else what the standard deviations say."""
    link = posterior.condition_on(posterior.mean).layers[0] if len(posterior.layer_dims) == 1 else None
    full = getattr(link, "covariance_matrix", None)
    return np.diag(sd**2) if full is None else full[0].double().cpu().numpy()
