"""What the numbers of an evaluation were measured on: the fields in which two of them must agree.

    data             the fingerprint of all data and labels
    pixels           the images, and the seed of random pixels
    shape            of a data point
    measure          whether log p(x) is of a probability or a density, and of which values
    conditioned_on   what is given in log p(x | ...)
    scale            of model values, for errors of reconstructions

A density is in units of the data: the scaling of a table is undone by its Jacobian, so models of one table
with other scalings are comparable. Size, color, levels and columns are not undone; they are in the
fingerprint, since they belong to the dataset as it was read.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from vaekit.data import Dataset
from vaekit.data.fingerprint import fingerprint
from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import LoadedModel
from vaekit.models.vae import VAE, takes_offset

_PROBABILITIES = {
    "binary": "probability of binary values",
    "discrete": "probability of gray levels",
    "count": "probability of counts",
    "integers": "probability of integers and categories",
    "mixed": "density of real columns, probability of others",
}


def protocol_fields(
    trained: LoadedModel, dataset: Dataset, images: ObservedImages, labels: str
) -> dict[str, Any]:
    """The fields of an `Evaluation` that say what it was measured on.

    Args:
        trained: the model.
        dataset: the data.
        images: those that were measured.
        labels: "condition" or "marginalize".

    Example:
        >>> import vaekit
        >>> demo = vaekit.demo()
        >>> fields = protocol_fields(
        ...     demo, demo.load_data()[0], demo.load_split(images=5), "condition"
        ... )  # doctest: +SKIP
        >>> fields["shape"], fields["measure"], fields["conditioned_on"]  # doctest: +SKIP
        ([1, 28, 28], 'probability of binary values', ['label'])
    """
    return {
        "data": fingerprint(dataset),
        "pixels": _image_digest(trained, images),
        "shape": list(trained.shape),
        "measure": describe_measure(trained, dataset),
        "conditioned_on": conditioned_on(trained.model, trained.recipe.model.condition_on, labels),
        "scale": _scale_digest(trained),
    }


def conditioned_on(model: VAE, variable: str, labels: str = "condition") -> list[str]:
    """What is given in log p(x | ...); empty for log p(x).

    Args:
        model: any VAE.
        variable: what it is conditioned on: "label", "attributes", or nothing.
        labels: "marginalize" if labels are averaged over.

    Example:
        >>> import vaekit
        >>> model = vaekit.demo().model
        >>> conditioned_on(model, "label"), conditioned_on(model, "label", "marginalize")
        (['label'], [])
    """
    generative = bool(model.conditioned_parts - {"encoder"})
    given = [variable or "label"] if generative and model.labels is not None else []
    return [
        *(given if labels != "marginalize" else []),
        *(["covariates"] if generative and model.covariates is not None else []),
        *(["total"] if takes_offset(model.decoder) else []),
    ]


def describe_measure(trained: LoadedModel, dataset: Dataset) -> str:
    """Whether log p(x) is of a probability or a density, and of which values.

    Example:
        >>> import vaekit
        >>> demo = vaekit.demo()
        >>> describe_measure(demo, demo.load_data()[0])
        'probability of binary values'
    """
    head = getattr(trained.model.decoder, "head", None)
    support = getattr(head, "support", "real")
    if support in _PROBABILITIES:
        return _PROBABILITIES[support]
    known = trained.preprocessing
    if known is not None and known.levels:
        return "density of values in [0, 1]"
    in_units = getattr(head, "units", None) is not None or bool(dataset.columns) or dataset.scale == 1.0
    return "density in units of the data" if in_units else "density of values rescaled to [0, 1]"


def _image_digest(trained: LoadedModel, images: ObservedImages) -> str:
    """A short digest of which images were measured and, if their pixels are random, of the seed of those."""
    data = trained.recipe.data
    seed = data.seed if data.observation in ("static", "dynamic") or data.hidden else None
    return hashlib.sha256(f"{seed} {images.indices.tolist()}".encode()).hexdigest()[:8]


def _scale_digest(trained: LoadedModel) -> str:
    """A short digest of the map between data and model values, which errors of model values depend on."""
    known = trained.preprocessing
    if known is None:
        return ""
    columns = [(c.kind, c.scaling, c.offset, c.scale, c.knots) for c in known.columns]
    content = json.dumps([columns, known.offset, known.scale, known.levels])
    return hashlib.sha256(content.encode()).hexdigest()[:8]
