"""The latents of data points: the means and deviations of their posteriors, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.engine.loaded_model import LoadedModel, row_names, split_indices
from vaekit.evaluation.latent import latent_table


def encode(
    trained: LoadedModel,
    data: Any = None,
    split: str = "test",
    stddev: bool = True,
    label: bool = False,
) -> dict[str, np.ndarray]:
    """Encode data points on the scale of the training data.

    Args:
        trained: the model.
        data: other data, all of which is encoded, in order: a name, a path, an array, a data frame ...; the
            model's own if None.
        split: the part of the model's own data, or of other data with published splits.
        stddev: whether to return the standard deviations of the posteriors.
        label: whether to return the labels.

    Returns:
        Arrays with one row per data point: `file` or `row`, which says which one it is; `z` (N, d), the
        means; `stddev` (N, d); `label` (N,).

    Raises:
        InvalidError: the data have another shape, or no labels.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> table = encode(trained)  # 10,000 test images
    >>> {name: array.shape for name, array in table.items()}
    {'row': (10000,), 'z': (10000, 2), 'stddev': (10000, 2)}
    """
    dataset, splits = trained.load_data(data)
    images = trained.subset(dataset, split_indices(splits, split))
    latents = latent_table(trained.model, images, stddev, label, dataset.label_names)
    return {**row_names(dataset, images.indices), **latents}
