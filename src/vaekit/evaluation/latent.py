"""Views of the latent space: latents of images, traversals of one latent, and a decoded 2-D grid."""

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
from vaekit.parallel.turns import in_turns
from vaekit.utils.io import write_whole

ACTIVE_VARIANCE = 0.01  # a latent is active if its posterior mean varies by more over images


class Latents(NamedTuple):
    """The posterior of N images.

    Attributes:
        mean, stddev: of q(z | x), (N, d).
        labels: (N,), attributes (N, m), or None.

    Example:
        >>> Latents(np.zeros((5, 2)), np.ones((5, 2)), labels=None)
        Latents(images=5, latents=2, labels=None)
    """

    mean: np.ndarray
    stddev: np.ndarray
    labels: np.ndarray | None

    def __repr__(self) -> str:
        labels = None if self.labels is None else self.labels.shape
        images, latents = self.mean.shape
        return f"Latents(images={images}, latents={latents}, labels={labels})"


@torch.no_grad()
def encode_batches(model: VAE, batches: Iterable[tuple[Tensor, Tensor | None]]) -> Latents:
    """Encode batches of images to the mean and standard deviation of q(z | x).

    If the encoder needs labels and they are missing, the posterior is averaged over p(y | x).

    Args:
        model: any VAE.
        batches: of images (B, C, H, W) and labels or None.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> encode_batches(model, [(model.sample(5, seed=0, sample_pixels=True), None)])
        Latents(images=5, latents=2, labels=None)
    """

    def encode(batch: tuple[Tensor, Tensor | None]) -> tuple[np.ndarray, ...]:
        x, y = batch
        mean, stddev = posterior_moments(model, x, y)
        arrays = (mean.float(), stddev.float(), *(() if y is None else (y,)))
        return tuple(array.cpu().numpy() for array in arrays)

    encoded = list(in_turns(batches, encode))
    means, deviations = [each[0] for each in encoded], [each[1] for each in encoded]
    labels = [each[2] for each in encoded if len(each) > 2]
    return Latents(
        np.concatenate(means), np.concatenate(deviations), np.concatenate(labels) if labels else None
    )


def kl_per_latent(latents: Latents) -> np.ndarray:
    """The mean KL(q, N(0, 1)) of each latent over images, in nats; near 0 means unused.

        1/2 mean_n (mu^2 + sigma^2 - 1 - log sigma^2)

    This is the KL of a diagonal Gaussian posterior from a standard normal prior. For other priors it still
    ranks latents by how much they say about an image. For a point posterior (sigma = 0) the result is the
    variance of the latent over images instead.

    Returns:
        (d,).

    Example:
        >>> kl_per_latent(Latents(np.array([[0.0, 2.0], [0.0, -2.0]]), np.ones((2, 2)), None)).tolist()
        [0.0, 2.0]
    """
    if not latents.stddev.any():
        return latents.mean.var(0)
    variance = np.square(latents.stddev)
    return (0.5 * (np.square(latents.mean) + variance - 1 - np.log(variance))).mean(0)


def active_units(means: np.ndarray, layer_dims: Sequence[int]) -> list[int]:
    """Count the active latents of each layer: those with Var_x(E[z_u | x]) > 0.01.

    Args:
        means: (N, d), the posterior means of N images, layers side by side.
        layer_dims: the number of latents of each layer, d in total.

    Returns:
        A count for each layer; 0 for a single image.

    Source: Burda et al. 2016, section 5.2.

    Example:
        >>> active_units(np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 3.0]]), layer_dims=[2, 1])
        [1, 1]
    """
    active = means.var(0) > ACTIVE_VARIANCE
    return [int(layer.sum()) for layer in np.split(active, np.cumsum(layer_dims)[:-1])]


@torch.no_grad()
def latent_traversal(
    model: VAE, z: Tensor, latents: Sequence[int], values: Sequence[float], y: Tensor | None = None
) -> Tensor:
    """Decode z with one latent at a time set to a series of values.

    Args:
        model: any VAE.
        z: (d,), the point where the traversals start.
        latents: indices of L latents.
        values: V values that each of them takes.
        y: label or attributes of a conditional model, else None.

    Returns:
        Means of p(x | z), (L, V, C, H, W).

    Raises:
        IndexError: the model has no such latent.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> latent_traversal(model, torch.zeros(2), [0, 1], [-1.0, 0.0, 1.0]).shape
        torch.Size([2, 3, 1, 8, 8])
    """
    grid = z.repeat(len(latents), len(values), 1)
    for row, latent in enumerate(latents):
        grid[row, :, latent] = torch.tensor(values, dtype=z.dtype, device=z.device)
    return model.decode(grid, y).mean


def normal_quantiles(n: int) -> np.ndarray:
    """n quantiles of N(0, 1), at the probabilities (i + 1/2) / n.

    Example:
        >>> normal_quantiles(3).round(2).tolist()
        [-0.97, 0.0, 0.97]
    """
    points = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)
    return points.numpy()


@torch.no_grad()
def decode_grid(model: VAE, n: int = 20, y: Tensor | None = None) -> tuple[Tensor, np.ndarray]:
    """Decode a grid of Gaussian quantiles over two latents.

    Args:
        model: with two latents.
        n: points per axis.
        y: label or attributes of a conditional model, else None.

    Returns:
        Means of p(x | z), (n, n, C, H, W), indexed [z1][z0], and the n values per axis.

    Raises:
        ValueError: the model does not have two latents.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> images, values = decode_grid(model, n=3)
        >>> images.shape, values.round(2).tolist()
        (torch.Size([3, 3, 1, 8, 8]), [-0.97, 0.0, 0.97])
    """
    if model.latent_dim != 2:
        raise ValueError(f"model: expected two latents for a decoded grid, got {model.latent_dim}")
    values = normal_quantiles(n)
    device = next(model.parameters()).device
    axis = torch.tensor(values, dtype=torch.float32, device=device)
    z1, z0 = torch.meshgrid(axis, axis, indexing="ij")
    return model.decode(torch.stack([z0, z1], -1), y).mean, values


Table = Mapping[str, np.ndarray]
BATCH_SIZE = 500
FORMATS = (".npy", ".npz", ".csv")
ROW_NAMES = ("row", "file")  # what says which image a row belongs to


def latent_table(
    model: VAE,
    images: ObservedImages,
    stddev: bool = False,
    label: bool = False,
    label_names: Sequence[str] = (),
) -> Table:
    """The latents of all images of a split as columns of a table.

    Args:
        model: any VAE.
        images: the images of the split.
        stddev: whether to add the standard deviations of q(z | x).
        label: whether to add the classes of the images.
        label_names: names of the classes; labels stay numbers if empty.

    Returns:
        Arrays by name: `z` (N, d), and where asked for `stddev` (N, d) and `label` (N,).

    Raises:
        InvalidError: labels are asked for, but the data has none.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> from vaekit.data import load_dataset
        >>> from vaekit.data.observation import observe
        >>> model = build_model(load_recipe("digits").model, (1, 8, 8)).eval()
        >>> images = observe(load_dataset("digits"), np.arange(5), "threshold")
        >>> table = latent_table(model, images, label=True)
        >>> len(table["z"]), table["label"].tolist()
        (5, [0, 1, 2, 3, 4])
    """
    if label and images.classes is None:
        raise InvalidError("label: expected labels, but the data has none; leave the option out")
    latents = encode_batches(model, images.batches(BATCH_SIZE))
    table = {"z": latents.mean}
    if stddev:
        table["stddev"] = latents.stddev
    if label and images.classes is not None:
        numbers = images.classes.cpu().numpy()
        table["label"] = np.array(label_names)[numbers] if label_names else numbers
    return table


def write_table(path: str | Path, table: Table) -> Path:
    """Write a table as .npy (only `z`), .npz, or .csv with a header z0, z1, ..., label.

    Args:
        path: whose suffix selects the format.
        table: arrays by name, with one row per image each.

    Raises:
        InvalidError: the suffix is another one, or a .npy is given columns besides `z`.
        VaekitError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = write_table(Path(folder) / "z.csv", {"z": np.array([[0.5, 1.0]])})
        ...     print(file.read_text(), end="")
        z0,z1
        0.5,1.0
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise InvalidError(f"{path}: expected a file name that ends in {', '.join(FORMATS)}")
    if path.suffix == ".npy" and (more := [name for name in table if name not in ("z", *ROW_NAMES)]):
        raise InvalidError(
            f"{path}: a .npy file holds only the means; write .npz or .csv for z, {', '.join(more)}"
        )
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
