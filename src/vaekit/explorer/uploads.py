"""Images from outside, drawn on the page or dropped onto it, brought to what the model sees."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.data.readers.image import FORMATS, image_to_array
from vaekit.errors import InvalidError
from vaekit.explorer.session import ExplorerSession

MOST_PIXELS = 4096 * 4096


def from_pixels(e: ExplorerSession, text: str) -> Tensor:
    """(1, C, H, W) from base64 of C * H * W levels of 8 bits, as the model sees it.

    Raises:
        InvalidError: another number of bytes.
    """
    return _observed(e, _levels(text, e.trained.shape, "pixels"))


def from_file(e: ExplorerSession, text: str) -> Tensor:
    """(1, C, H, W) from base64 of an image file of any size, cut to the middle, as the model sees it.

    Raises:
        InvalidError: it is no image, or one too large.
    """
    channels, height, width = e.trained.shape
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=FORMATS) as opened:
            _check_size(opened)
            levels = image_to_array(opened, (height, width), cut=True, gray=channels == 1)
    except InvalidError:
        raise
    except Image.DecompressionBombError:
        raise _too_large("far more pixels") from None
    except (OSError, ValueError, SyntaxError):
        raise InvalidError("file: not an image that can be read; expected PNG, JPEG or the like") from None
    return _observed(e, levels.reshape(height, width, -1).transpose(2, 0, 1))


def mask(e: ExplorerSession, text: str | None) -> Tensor | None:
    """(1, 1, H, W), True where a pixel is seen, from base64 of H * W bytes that are not 0 there."""
    if text is None:
        return None
    seen = _levels(text, (1, *e.trained.shape[1:]), "mask") > 0
    return torch.from_numpy(seen[None]).to(e.trained.device)


def _levels(text: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    content = base64.b64decode(text)
    if len(content) != math.prod(shape):
        raise InvalidError(f"{name}: expected {math.prod(shape)} bytes, got {len(content)}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _observed(e: ExplorerSession, levels: np.ndarray) -> Tensor:
    spec = e.trained.recipe.data
    one = Dataset("one", "One image", levels[None], None, ())
    return observe(
        one, np.arange(1), spec.observation, seed=spec.seed, device=e.trained.device, resident=False
    ).all()


def _check_size(opened: Image.Image) -> None:
    if opened.width * opened.height > MOST_PIXELS:
        raise _too_large(f"{opened.width} x {opened.height} pixels")


def _too_large(amount: str) -> InvalidError:
    return InvalidError(f"file: has {amount}; expected at most 4096 x 4096")
