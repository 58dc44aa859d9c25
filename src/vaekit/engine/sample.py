"""New data points from a trained model, in the units and the layout of its data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from vaekit.data.preprocessing import to_source
from vaekit.engine.conditioning import Condition
from vaekit.engine.loaded_model import LoadedModel
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.utils.random import seeded

Progress = Callable[[int, int], None]


def sample(
    trained: LoadedModel,
    n: int,
    temperature: float = 1.0,
    condition: Condition | None = None,
    seed: int = 0,
    sample_values: bool | None = None,
    progress: Progress = lambda done, total: None,
) -> np.ndarray:
    """Sample n data points: latents from the prior, then values from p(x | z).

    Args:
        trained: the model.
        n: how many.
        temperature: factor on the standard deviation of the prior.
        condition: what a conditional model is conditioned on; sampled if None.
        seed: of everything that is sampled.
        sample_values: sample the values of p(x | z) instead of taking its mean. Default: yes for tables and
            counts, whose means are no data; no for images.
        progress: called after each batch with its size and n.

    Returns:
        (n, *layout) in units of the data, unclamped. Tables, whose categories are indices into the words of
        the column, are float64, or int64 if each sampled column holds whole numbers or words. Sampled gray
        levels are the integers of the source, all other data float32.

    >>> import vaekit
    >>> sample(vaekit.demo(), n=3).shape
    (3, 1, 28, 28)
    """
    if sample_values is None:
        sample_values = bool(trained.columns)
    size = batch_size_for(outputs_per_image(trained.model.decoder, trained.shape))
    batches = []
    with seeded(seed):
        for count in chunk_sizes(n, size):
            y = None if condition is None else condition.vector.expand(count, -1)
            x = trained.model.sample(count, temperature, y, sample_pixels=sample_values)
            batches.append(_in_units(trained, _to_numpy(x), sample_values))
            progress(count, n)
    return np.concatenate(batches)


def _in_units(trained: LoadedModel, x: np.ndarray, sampled: bool) -> np.ndarray:
    """Model values in units and layout of the data; sampled gray levels as the integers of the source."""
    known = trained.preprocessing
    if sampled and known is not None and known.levels and trained.recipe.data.observation == "discrete":
        return to_source(x, known)
    values = trained.to_data(x)
    if not trained.columns:
        return values.astype(np.float32)
    are_whole = sampled and all(column.kind != "real" for column in trained.columns)
    return values.astype(np.int64) if are_whole else values


def _to_numpy(x: Tensor) -> np.ndarray:
    return x.float().cpu().numpy()
