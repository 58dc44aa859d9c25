"""What the latent space holds: of images, along one latent, and over a 2-D grid."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.label_inference import posterior_moments
from vaekit.models.vae import VAE
from vaekit.utils.io import write_whole

ACTIVE_VARIANCE = 0.01  # the variance of a latent's posterior mean over images, above which it is in use


class Latents(NamedTuple):
    """The posterior of N images: arrays (N, d), and labels (N,), attributes (N, m), or None."""

    mean: np.ndarray
    stddev: np.ndarray
    labels: np.ndarray | None


@torch.no_grad()
def encode_batches(model: VAE, batches: Iterable[tuple[Tensor, Tensor | None]]) -> Latents:
    """Mean and standard deviation of q(z | x) for batches of images and labels.

    Where labels are missing and the encoder takes them, they are averaged over p(y | x).
    """
    means, deviations, labels = [], [], []
    for x, y in batches:
        mean, stddev = posterior_moments(model, x, y)
        means.append(mean.float().cpu().numpy())
        deviations.append(stddev.float().cpu().numpy())
        labels += [] if y is None else [y.cpu().numpy()]
    return Latents(
        np.concatenate(means), np.concatenate(deviations), np.concatenate(labels) if labels else None
    )


def kl_per_latent(codes: Latents) -> np.ndarray:
    """(d,): the mean KL(q, N(0, 1)) of each latent in nats, by the closed form; near 0 means unused.

    For a diagonal Gaussian posterior against the standard normal; for other priors it orders the latents by
    how much they tell of an image. A point posterior has none, and is ordered by the variance of its codes.
    """
    if not codes.stddev.any():
        return codes.mean.var(0)
    variance = np.square(codes.stddev)
    return (0.5 * (np.square(codes.mean) + variance - 1 - np.log(variance))).mean(0)


def active_units(codes: np.ndarray, levels: Sequence[int]) -> list[int]:
    """How many latents of each level the images move: those with Var_x(E[z_u | x]) > 0.01.

    Args:
        codes: (N, d), the posterior means of N images, the levels side by side.
        levels: how many latents each level has; d in all.

    Returns:
        A number for each level, in their order; 0 for a single image, over which nothing varies.

    Source: Burda et al. 2016, section 5.2.
    """
    active = codes.var(0) > ACTIVE_VARIANCE
    return [int(level.sum()) for level in np.split(active, np.cumsum(levels)[:-1])]


@torch.no_grad()
def latent_traversal(
    model: VAE, z: Tensor, latents: Sequence[int], values: Sequence[float], y: Tensor | None = None
) -> Tensor:
    """Images on walks from z (d,) along single latents: (len(latents), len(values), C, H, W).

    Raises:
        IndexError: for a latent that the model has not.
    """
    grid = z.repeat(len(latents), len(values), 1)
    for row, latent in enumerate(latents):
        grid[row, :, latent] = torch.tensor(values, dtype=z.dtype, device=z.device)
    return model.decode(grid, y).mean


def normal_quantiles(n: int) -> np.ndarray:
    """n quantiles of N(0, 1), at the middles of n equal parts of its probability."""
    points = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    return points.numpy()


@torch.no_grad()
def decode_grid(model: VAE, n: int = 20, y: Tensor | None = None) -> tuple[Tensor, np.ndarray]:
    """The images over a 2-D latent at Gaussian quantiles: (n, n, C, H, W) as [z1][z0], and the n values.

    Raises:
        ValueError: for a model whose latent is not 2-D.
    """
    if model.latent_dim != 2:
        raise ValueError(f"the decoded grid needs a latent of 2 numbers; this model has {model.latent_dim}")
    values = normal_quantiles(n)
    device = next(model.parameters()).device
    axis = torch.tensor(values, dtype=torch.float32, device=device)
    z1, z0 = torch.meshgrid(axis, axis, indexing="ij")
    return model.decode(torch.stack([z0, z1], -1), y).mean, values


Table = Mapping[str, np.ndarray]
BATCH_SIZE = 500
FORMATS = (".npy", ".npz", ".csv")


def latent_table(
    model: VAE,
    seen: ObservedImages,
    stddev: bool = False,
    label: bool = False,
    label_names: Sequence[str] = (),
) -> Table:
    """The codes of all images of a split.

    Args:
        stddev, label: whether these columns are wanted too.
        label_names: what the classes are called; labels stay numbers without it.

    Raises:
        InvalidError: labels are wanted, and the data has none.
    """
    if label and seen.classes is None:
        raise InvalidError("label: the data has no labels; leave them out")
    codes = encode_batches(model, seen.batches(BATCH_SIZE))
    table = {"z": codes.mean}
    if stddev:
        table["stddev"] = codes.stddev
    if label and seen.classes is not None:
        numbers = seen.classes.cpu().numpy()
        table["label"] = np.array(label_names)[numbers] if label_names else numbers
    return table


def write_table(path: str | Path, table: Table) -> Path:
    """Write a table as .npy (`z` alone), .npz, or .csv with a line of names: z0, z1, ..., label.

    Raises:
        InvalidError: another ending, or more columns than `z` in a .npy.
        VaekitError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise InvalidError(f"{path}: expected a name that ends in {', '.join(FORMATS)}")
    if path.suffix == ".npy" and len(table) > 1:
        raise InvalidError(f"{path}: a .npy holds the means alone; write .npz or .csv for {', '.join(table)}")
    pack = {".npy": _to_npy, ".npz": _to_npz, ".csv": _to_csv}[path.suffix]
    return write_whole(path, pack(table))


def _to_npy(table: Table) -> bytes:
    content = io.BytesIO()
    np.save(content, table["z"], allow_pickle=False)
    return content.getvalue()


def _to_npz(table: Table) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **table)
    return content.getvalue()


def _to_csv(table: Table) -> bytes:
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(name for key, column in table.items() for name in _column_names(key, column))
    columns = [column.reshape(len(column), -1).astype(str).tolist() for column in table.values()]
    writer.writerows(chain.from_iterable(row) for row in zip(*columns, strict=True))
    return content.getvalue().encode()


def _column_names(key: str, column: np.ndarray) -> Iterator[str]:
    yield from [key] if column.ndim == 1 else (f"{key}{i}" for i in range(column.shape[1]))
