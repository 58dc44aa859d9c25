"""The card of a trained model in a notebook: what it is, and a few of its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.dataset import NOUNS
from vaekit.engine.loaded_model import LoadedModel
from vaekit.utils.card import card, line_chart, pictures

if TYPE_CHECKING:
    from markupsafe import Markup

_ACROSS, _DOWN = 4, 3  # samples of a picture
_COLUMNS = 6  # names of a table
_ROWS, _BINS = 400, 24  # of the histogram of a table's first number


def model_card(trained: LoadedModel) -> str:
    """The card of a model as HTML.

    >>> import vaekit
    >>> html = model_card(vaekit.demo())
    >>> html.count("<img"), "StandardNormal" in html
    (12, False)
    """
    recipe, model = trained.recipe, trained.model
    parameters = sum(parameter.numel() for parameter in model.parameters())
    rows = [
        ("data", _describe_data(trained)),
        ("latents", " + ".join(map(str, recipe.model.layer_dims))),
        ("prior", recipe.model.prior.kind),
        ("posterior", recipe.model.encoder.posterior.kind),
        ("likelihood", recipe.model.decoder.likelihood.kind),
        ("conditioned on", recipe.model.condition_on),
        ("parameters", f"{parameters:,}"),
    ]
    picture, caption = _samples(trained)
    given = [row for row in rows if row[1]]
    return card(trained.title, f"TrainedModel of the recipe {recipe.name}", given, picture, caption)


def _describe_data(trained: LoadedModel) -> str:
    if trained.columns:
        names = [column.name for column in trained.columns]
        more = f" and {len(names) - _COLUMNS} more" if len(names) > _COLUMNS else ""
        return f"{len(names)} columns: {', '.join(names[:_COLUMNS])}{more}"
    return f"{' × '.join(map(str, trained.shape))} {NOUNS[len(trained.shape)]}"


def _samples(trained: LoadedModel) -> tuple[Markup | str, str]:
    """Samples as pictures, or the histogram of a column; nothing where none can be drawn."""
    from vaekit import plotting
    from vaekit.engine.sample import sample

    try:
        if trained.columns:
            numbers = [j for j, column in enumerate(trained.columns) if column.is_numeric]
            values = sample(trained, _ROWS, seed=0)[:, numbers[0]]
            counts, edges = np.histogram(values[np.isfinite(values)], _BINS)
            name = trained.columns[numbers[0]].name
            chart = line_chart([list(zip(edges[:-1].tolist(), counts.tolist(), strict=True))], ends=False)
            return chart, f"{name} in {_ROWS} samples"
        x = trained.model.sample(_ACROSS * _DOWN, seed=0).float().cpu().numpy()
        limits = plotting.value_limits(x, event_dims=x.ndim - 1)
        tiles = [plotting.grid_png(one[None], limits=limits) for one in x]
        width = 44 if len(trained.shape) == 3 else 90
        return pictures(tiles, _ACROSS, width), "samples"
    except Exception:  # the card is complete without a picture
        return "", ""
