"""Sessions of tiny models with images of noise."""

from __future__ import annotations

import asyncio
import base64
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image

import cases
from vaekit.config.schema.data import observation_keys
from vaekit.config.schema.recipe import Recipe
from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.engine.trained_model import TrainedModel
from vaekit.explorer.session import ExplorerSession, Source, create_session
from vaekit.models.vae import VAE

N = 30
OBSERVATIONS = {
    "binary": "threshold",
    "discrete": "discrete",
    "unit_interval": "continuous",
    "real": "continuous",
    "count": "discrete",
}


def tiny_session(
    model: VAE | None = None, labels: bool = True, shape: tuple[int, ...] = cases.SHAPE
) -> ExplorerSession:
    """A model, by default of two latents, with 30 images of noise."""
    model = (model or cases.make_vae(layer_dims=(2,), shape=shape)).eval()
    observation = OBSERVATIONS[model.decoder.head.support]
    levels = np.random.default_rng(0).integers(0, 256, (N, *shape), dtype=np.uint8)
    names = ("a", "b", "c") if labels else ()
    data = Dataset("toy", "Toy", levels, np.arange(N) % 3 if labels else None, names)
    recipe = Recipe.model_validate({"data": observation_keys(observation)})
    trained = TrainedModel(model, recipe, shape, names, Path("toy"))
    images = observe(data, np.arange(N), observation)
    return create_session(trained, images, Source("toy", "test", "vaekit.load('runs/toy')", names))


def opened(content: bytes) -> Image.Image:
    """An image from the bytes of its file."""
    return Image.open(io.BytesIO(content))


def pixels(content: bytes) -> np.ndarray:
    """The gray levels of an image, in [0, 1]."""
    return np.asarray(opened(content), dtype=np.float32) / 255


def base64_of(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def numbers(text: str, dtype: str = "<f4") -> np.ndarray:
    """The numbers of a packed array."""
    return np.frombuffer(base64.b64decode(text), dtype)


def decoded(session: ExplorerSession, z: Any, y: torch.Tensor | None = None) -> np.ndarray:
    """The decoder means of latents (n, d): (n, H, W)."""
    with torch.no_grad():
        return session.model.decode(torch.tensor(z, dtype=torch.float32), y).mean[:, 0].numpy()


class Client:
    """Sends requests to an application without a port, and keeps cookies, as a browser does."""

    def __init__(self, app: Any, host: str = "127.0.0.1:8000", headers: dict[str, str] | None = None):
        self._app, self._host, self._headers = app, host, headers or {}
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        shared = {"base_url": f"http://{self._host}", "headers": self._headers, "cookies": self._cookies}
        async with httpx.AsyncClient(transport=transport, **shared) as client:
            response = await client.request(method, path, **options)
            self._cookies = client.cookies
            return response
