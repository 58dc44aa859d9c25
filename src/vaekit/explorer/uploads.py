"""Uploaded images, drawn on the page or read from a file, as the model sees them."""

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

MAX_SIDE = 4096  # pixels; the area is limited to its square


def from_pixels(session: ExplorerSession, text: str) -> Tensor:
    """An image from its pixels.

    Args:
        session: the model.
        text: base64 of C * H * W gray levels of 8 bits.

    Returns:
        (1, C, H, W), as the model sees it.

    Raises:
        InvalidError: the number of bytes is wrong, or the model does not see gray or color images.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> from_pixels(session, base64.b64encode(bytes(28 * 28)).decode()).shape
        torch.Size([1, 1, 28, 28])
    """
    _check_drawable(session)
    return _observe(session, _bytes_array(text, session.trained.shape, "pixels"))


def from_file(session: ExplorerSession, text: str) -> Tensor:
    """An image from a file, resized and cropped to its center.

    Args:
        session: the model.
        text: base64 of an image file of any size.

    Returns:
        (1, C, H, W), as the model sees it.

    Raises:
        InvalidError: the file is not an image, or too large, or the model does not see such images.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> buffer = io.BytesIO()
        >>> Image.new("L", (300, 200)).save(buffer, "PNG")
        >>> from_file(session, base64.b64encode(buffer.getvalue()).decode()).shape
        torch.Size([1, 1, 28, 28])
    """
    _check_drawable(session)
    channels, height, width = session.trained.shape
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_SIDE**2:
                raise _too_large(f"{opened.width} x {opened.height}")
            levels = image_to_array(opened, (height, width), crop=True, gray=channels == 1)
    except InvalidError:
        raise
    except Image.DecompressionBombError:
        raise _too_large("far more") from None
    except (OSError, ValueError, SyntaxError):
        raise InvalidError("file: not a readable image; expected PNG, JPEG, GIF, BMP, WebP or TIFF") from None
    return _observe(session, levels.reshape(height, width, -1).transpose(2, 0, 1))


def parse_mask(session: ExplorerSession, text: str | None) -> Tensor | None:
    """A mask from its bytes.

    Args:
        session: the model.
        text: base64 of H * W bytes, not 0 where a pixel is observed; None if all are.

    Returns:
        (1, 1, H, W), True where a pixel is observed; or None.

    Raises:
        InvalidError: the number of bytes is wrong.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> session = open_session(demo(), images=20)
        >>> parse_mask(session, base64.b64encode(bytes([1] * 784)).decode()).all()
        tensor(True)
    """
    if text is None:
        return None
    _check_drawable(session)
    observed = _bytes_array(text, (1, *session.trained.shape[1:]), "mask") > 0
    return torch.from_numpy(observed[None]).to(session.trained.device)


def _check_drawable(session: ExplorerSession) -> None:
    if not session.drawable:
        raise InvalidError(
            f"image: expected a model of gray or color images, got one of data points of shape "
            f"{session.trained.shape}; choose a data point on the map"
        )


def _bytes_array(text: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    content = base64.b64decode(text)
    if len(content) != math.prod(shape):
        raise InvalidError(f"{name}: expected {math.prod(shape)} bytes, got {len(content)}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _observe(session: ExplorerSession, levels: np.ndarray) -> Tensor:
    spec = session.trained.recipe.data
    data = Dataset("upload", "Uploaded image", levels[None], None, ())
    observed = observe(
        data, np.arange(1), spec.observation, seed=spec.seed, device=session.trained.device, resident=False
    )
    return observed.all()


def _too_large(amount: str) -> InvalidError:
    return InvalidError(f"file: expected at most {MAX_SIDE} x {MAX_SIDE} pixels, got {amount}")
