"""How a model computes: latents and terms of the bound of one image, as functions of the noise."""

from __future__ import annotations

import torch

from vaekit.errors import InvalidError
from vaekit.explorer import requests
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.terms import Terms
from vaekit.explorer.views.responses import Response


@torch.no_grad()
def computation(session: ExplorerSession, request: requests.Computation) -> Response:
    """Latents z (K, d) that K rows of noise give for one image, and their terms in nats: log p(x | z) (K,),
    log p(z) and log q(z | x) (L, K).

    Example:
        >>> from vaekit.explorer import requests
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> answer = computation(session, requests.Computation(index=3, noise=[[0.0, 0.0], [1.0, 0.0]]))
        >>> len(answer["z"]), len(answer["log_px"]), len(answer["log_qz"])
        (2, 2, 1)
    """
    noise = session.latent_tensor(request.noise)
    i, x = request.index, session.image(request.index)
    if x.isnan().any():
        raise InvalidError(f"image {i}: expected a complete image, got one with missing pixels")
    y = session.conditions_of(slice(i, i + 1))
    z, log_px, log_pz, log_qz = Terms(session.model)(x, torch.ones_like(x[:, :1]), noise, y)
    terms = {"z": z, "log_px": log_px, "log_pz": log_pz, "log_qz": log_qz}
    return {name: values.double().cpu().tolist() for name, values in terms.items()}
