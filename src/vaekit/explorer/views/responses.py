"""What a view gives: a dictionary for JSON, or a picture with notes; arrays go as bytes in base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor


class ImageResponse(NamedTuple):
    """An image file, and what else is to be known of it, by name."""

    content: bytes
    media: str = "image/png"
    notes: dict[str, Any] = {}  # noqa: RUF012  (never changed)


Response = dict[str, Any] | ImageResponse


def packed(array: np.ndarray, form: str = "<f4") -> str:
    """An array as base64 of its numbers, float32 with the lowest byte first unless said otherwise."""
    return encoded(np.ascontiguousarray(array, form).tobytes())


def encoded(content: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(content).decode()


def rounded(numbers: Sequence[float] | np.ndarray | Tensor) -> list[float]:
    """Numbers to six digits: enough for any picture, and short on the way."""
    return [float(f"{number:.6g}") for number in numbers]
