"""From data points of any shape to pictures: what is drawn of a signal, a volume or many channels.

    images (C, H, W)       C = 1 (gray) and C = 3 (color) as they are; 2 or 4 to 8 channels as gray tiles, the
                           first at the upper left; from 9 on, the first three as red, green and blue
    signals (C, L)         curves, one color per channel; from 9 channels on, a gray image of channels by time
    volumes (C, D, H, W)   nine, six or four slices along D, or all if there are fewer, the first at the upper
                           left; with 2 or 4 and more channels, a row of slices for each of the first four
    vectors (D,)           bars from zero, one per value; from 91 values on, a curve

An image (1, 1, D) is drawn as a signal. NaN marks a value that was not observed: a pixel stays NaN, a curve
has a gap, a bar is left out. No picture is larger than `MAX_SIDE` pixels a side: larger ones are averaged.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from PIL import Image, ImageDraw

from vaekit.errors import InvalidError
from vaekit.plotting.look import current_look

MAX_SIDE = 256  # pixels: the largest side of a picture
MAX_TILED, MAX_ROWS = 8, 4  # channels of an image as tiles, channels of a volume as rows
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328", "#8c6d31")
BACKGROUND, ZERO = "#f1f3f5", "#c3cad2"
_CURVE_SIZE = (180, 90)  # width and height in pixels
_MAX_BARS = _CURVE_SIZE[0] // 2
_PARTS = 168  # pixels: up to which the longer side of a picture of several parts is enlarged
_SLICES = {9: 3, 6: 3, 4: 2}  # slices of a volume that fill a rectangle -> slices per row
_GAP, _RIM = 2, 3  # pixels between the parts of a picture, and around them: parts belong together
_OVERSAMPLE = 3  # a curve is drawn this much larger and then reduced, for smooth lines
_TOP, _SIDES = 0.08, 0.04  # margins of a curve, as shares of its height and width

Limits = tuple[float, float]


def pictures(points: np.ndarray, limits: Limits | None = None, leading: int = 1) -> np.ndarray:
    """Draw data points of any shape as images with one or three channels.

    Args:
        points: (..., *event), model values; the event is (D,), (C, L), (C, H, W) or (C, D, H, W).
        limits: the values that are drawn as 0 and 1: black and white, the bottom and the top of a curve.
            Values beyond them are clipped. By default those of `value_limits`.
        leading: the number of dimensions before the event.

    Returns:
        (..., 1, h, w) or (..., 3, h, w) in [0, 1], NaN for pixels that were not observed.

    Raises:
        InvalidError: there are no data points, their shape is none of these, or a value is infinite.

    Example:
        >>> pictures(np.zeros((5, 1, 28, 28))).shape, pictures(np.zeros((5, 2, 3, 8, 8)), leading=2).shape
        ((5, 1, 28, 28), (5, 2, 3, 8, 8))
        >>> pictures(np.zeros((5, 2, 128))).shape  # signals of two channels: curves
        (5, 3, 90, 180)
        >>> pictures(np.zeros((5, 1, 16, 16, 16))).shape  # volumes: three rows of three slices
        (5, 1, 154, 154)
    """
    points = np.asarray(points)
    batch, event = points.shape[:leading], points.shape[leading:]
    if not 1 <= len(event) <= 4 or points.size == 0:
        raise InvalidError(
            f"images: expected at least one data point, of shape (D,), (C, L), (C, H, W) or (C, D, H, W), "
            f"after {leading} dimension{'s' * (leading > 1)}, got an array of shape {points.shape}"
        )
    if np.isinf(points).any():
        raise InvalidError(f"images: expected finite values, got {np.sum(np.isinf(points))} infinite ones")
    low, high = limits or value_limits(points, event_dims=len(event))
    flat = points.reshape(-1, *event)
    if (low, high) != (0.0, 1.0):
        flat = (flat - low) / ((high - low) or 1.0)
    flat = np.clip(flat, 0, 1)
    if current_look().invert:
        if len(event) < 3:
            raise InvalidError(f"invert: is for images, but data points {event} are drawn as curves or bars")
        flat = 1 - flat
    drawn = _draw(flat, zero=-low / ((high - low) or 1.0))
    return drawn.reshape(*batch, *drawn.shape[1:])


def value_limits(*arrays: np.ndarray, event_dims: int) -> Limits:
    """The values that are drawn as 0 and 1, common to all arrays of a figure.

    These are 0 and 1 for images and volumes, and wherever all values are in between. For other signals and
    vectors they are the range of all but one percent of the values, with a margin of a tenth.

    Args:
        arrays: (..., *event); NaN is left out.
        event_dims: the number of dimensions of the event.

    Example:
        >>> value_limits(np.array([[-1.0, 1.0, np.nan]]), event_dims=1)
        (-1.188, 1.188)
        >>> value_limits(np.array([[0.2, 0.9]]), event_dims=1)
        (0.0, 1.0)
    """
    if event_dims > 2:
        return 0.0, 1.0
    values = np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or (values.min() >= 0 and values.max() <= 1):
        return 0.0, 1.0
    low, high = (float(quantile) for quantile in np.quantile(values, (0.005, 0.995)))
    margin = 0.1 * (high - low) or 0.5
    return round(low - margin, 12), round(high + margin, 12)


def _draw(points: np.ndarray, zero: float) -> np.ndarray:
    """Pictures of data points (N, *event) in [0, 1], in which `zero` is the place of the value 0."""
    event = points.shape[1:]
    if len(event) == 1:
        if event[0] > _MAX_BARS:
            return np.stack([_draw_curves(vector[None]) for vector in points])
        return np.stack([_draw_bars(vector, zero) for vector in points])
    if len(event) == 3 and event[:2] == (1, 1):
        return np.stack([_draw_curves(vector[0]) for vector in points])
    if len(event) == 3:
        return _draw_channels(points)
    if len(event) == 4:
        return _draw_slices(points)
    if event[0] > MAX_TILED:
        return _stretch(_reduce(points[:, None]))
    return np.stack([_draw_curves(signal) for signal in points])


def _draw_channels(images: np.ndarray) -> np.ndarray:
    channels = images.shape[1]
    if channels in (1, 3):
        return _reduce(images)
    if channels > MAX_TILED:
        return _reduce(images[:, :3])
    columns = channels if channels <= 2 else math.ceil(channels / 2)
    return _arrange(images[:, :, None], columns)


def _draw_slices(volumes: np.ndarray) -> np.ndarray:
    channels, depth = volumes.shape[1:3]
    if channels in (1, 3):
        count = next((count for count in _SLICES if count <= depth), depth)
        slices = np.moveaxis(volumes[:, :, _spread(depth, count)], 2, 1)
        return _arrange(slices, _SLICES.get(count, count))
    slices = volumes[:, :MAX_ROWS, _spread(depth, MAX_ROWS)]
    return _arrange(slices.reshape(len(volumes), -1, 1, *volumes.shape[3:]), slices.shape[2])


def _spread(count: int, most: int) -> np.ndarray:
    """Indices at even steps: the middles of `most` equal parts, or all of them."""
    if count <= most:
        return np.arange(count)
    return ((np.arange(most) + 0.5) * count / most).astype(int)


def _arrange(parts: np.ndarray, columns: int) -> np.ndarray:
    """Lay parts (N, P, C, h, w) in rows with white gaps, enlarged or averaged to a readable size."""
    count = parts.shape[1]
    rows = -(-count // columns)
    parts = _reduce(parts, (MAX_SIDE - 2 * _RIM) // max(rows, columns) - _GAP)
    scale = max(1, _PARTS // max(rows * parts.shape[-2], columns * parts.shape[-1]))
    parts = parts.repeat(scale, axis=-2).repeat(scale, axis=-1)
    height, width = parts.shape[-2:]
    size = [2 * _RIM - _GAP + count * (side + _GAP) for count, side in ((rows, height), (columns, width))]
    whole = np.ones((len(parts), parts.shape[2], *size), parts.dtype)
    for place in range(count):
        top = _RIM + (place // columns) * (height + _GAP)
        left = _RIM + (place % columns) * (width + _GAP)
        whole[..., top : top + height, left : left + width] = parts[:, place]
    return whole


def _reduce(images: np.ndarray, side: int = MAX_SIDE) -> np.ndarray:
    """Average blocks of pixels (..., h, w) until no side is longer than `side`.

    A block is NaN if most of it is.
    """
    height, width = images.shape[-2:]
    factor = -(-max(height, width) // max(side, 1))
    if factor == 1:
        return images
    edges = [(0, 0)] * (images.ndim - 2) + [(0, -height % factor), (0, -width % factor)]
    padded = np.pad(images, edges, mode="edge")
    shape = (padded.shape[-2] // factor, factor, padded.shape[-1] // factor, factor)
    blocks = padded.reshape(*images.shape[:-2], *shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a block without any value
        means = np.nanmean(blocks, axis=(-3, -1))
    return np.where(np.isnan(blocks).mean((-3, -1)) > 0.5, np.nan, means)


def _stretch(images: np.ndarray) -> np.ndarray:
    """Repeat the rows and columns of flat or small images (..., h, w) up to about the size of a curve."""
    width, height = _CURVE_SIZE
    down, across = max(1, height // images.shape[-2]), max(1, width // images.shape[-1])
    return images.repeat(down, axis=-2).repeat(across, axis=-1)


def _draw_curves(signal: np.ndarray) -> np.ndarray:
    """A signal (C, L) in [0, 1] -> its curves, (3, h, w) in [0, 1]; the first channel lies on top."""
    picture, draw = _canvas()
    for channel in reversed(range(len(signal))):
        values = _envelope(signal[channel])
        x = _SIDES + (1 - 2 * _SIDES) * np.linspace(0, 1, max(len(values), 2))
        y = np.resize(values, x.shape)
        for piece in np.ma.clump_unmasked(np.ma.masked_invalid(y)):
            points = _pixels(x[piece], y[piece])
            if len(points) == 1:  # a single value between two gaps is a dash
                dash = 2 * _OVERSAMPLE
                points = [(points[0][0] - dash, points[0][1]), (points[0][0] + dash, points[0][1])]
            draw.line(points, fill=COLORS[channel], width=_line_width(len(signal)), joint="curve")
    return _finished(picture)


def _draw_bars(values: np.ndarray, zero: float) -> np.ndarray:
    """A vector (D,) in [0, 1] -> bars from zero, or from the bottom if zero is not in between."""
    picture, draw = _canvas()
    base = min(max(zero, 0.0), 1.0)
    if 0 < base < 1:
        draw.line(_pixels(np.array([0.0, 1.0]), np.array([base, base])), fill=ZERO, width=_OVERSAMPLE)
    step = (1 - 2 * _SIDES) / len(values)
    half = 0.5 * min(0.72 * step, 0.12)
    for place, value in enumerate(values):
        if not np.isnan(value):
            middle = _SIDES + (place + 0.5) * step
            (left, first), (right, last) = _pixels(
                np.array([middle - half, middle + half]), np.array([value, base])
            )
            top, bottom = min(first, last), max(first, last)
            thin = _OVERSAMPLE * 0.75  # a value at zero is a dash
            draw.rectangle((left, min(top, bottom - thin), right, bottom), fill=COLORS[0])
    return _finished(picture)


def _envelope(values: np.ndarray) -> np.ndarray:
    """A long row of values as the smallest and the largest one of each pixel."""
    bins = _CURVE_SIZE[0]
    if len(values) <= 2 * bins:
        return values
    edges = np.linspace(0, len(values), bins + 1).astype(int)[:-1]
    both = np.stack([np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)], 1)
    both[1::2] = both[1::2, ::-1]  # so that neighbors join at the same end
    return both.ravel()


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (_CURVE_SIZE[0] * _OVERSAMPLE, _CURVE_SIZE[1] * _OVERSAMPLE), BACKGROUND)
    return picture, ImageDraw.Draw(picture)


def _pixels(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Places in [0, 1], y upwards -> pixels of the canvas."""
    width, height = (side * _OVERSAMPLE for side in _CURVE_SIZE)
    down = (1 - _TOP - (1 - 2 * _TOP) * y) * height
    return list(zip((x * width).tolist(), down.tolist(), strict=True))


def _line_width(channels: int) -> int:
    return (3 if channels == 1 else 2) * _OVERSAMPLE


def _finished(picture: Image.Image) -> np.ndarray:
    small = picture.resize(_CURVE_SIZE, Image.Resampling.BOX)
    return np.asarray(small).transpose(2, 0, 1) / 255
