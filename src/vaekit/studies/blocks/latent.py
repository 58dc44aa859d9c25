"""Latent spaces of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from vaekit import figures
from vaekit.evaluation.latent import Latents, encode_batches
from vaekit.studies.blocks.images import by_data, headed
from vaekit.studies.parts import Figure, Part
from vaekit.studies.results import Outcome, Results
from vaekit.studies.schema import Names

AT_ONCE = 500


def scatter(
    study: Results,
    runs: Names = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    dimensions: Literal[2, 3] = 2,
    kernel: bool = False,
    title: str = "Latent space",
    caption: str = "",
) -> list[Part]:
    """The codes of n images of a split, a panel a run, coloured by label.

    Args:
        dimensions: of the panels; codes of more are shown by their principal components.
        kernel: show them by principal components of a Gaussian kernel instead.
    """
    draw = figures.scatters if dimensions == 2 else figures.scatters_3d
    parts: list[Part] = []
    for data, outcomes in by_data(study.select(runs, finished=True)):
        codes = {outcome.label: codes_of(outcome, n, split) for outcome in outcomes}
        panels = {
            label: (_points(each.mean, dimensions, kernel), each.labels) for label, each in codes.items()
        }
        names = outcomes[0].first.trained.label_names
        parts.append(
            Figure(draw(panels, headed(title, data), names), caption or _caption(codes, dimensions, kernel))
        )
    return parts


def codes_of(outcome: Outcome, n: int, split: str) -> Latents:
    """The codes of a random n images of a split, by the first training of a run."""
    trained = outcome.first.trained
    return encode_batches(trained.model, trained.observed(split, images=n).batches(AT_ONCE))


def _points(codes: np.ndarray, dimensions: int, kernel: bool) -> np.ndarray:
    """Codes (N, d) as points (N, dimensions)."""
    if kernel:
        return figures.kernel_components(codes, dimensions)
    return (
        figures.project(codes)[0] if dimensions == 2 else figures.principal_components(codes, dimensions)[0]
    )


def _caption(codes: Mapping[str, Latents], dimensions: int, kernel: bool) -> str:
    count, most = (max(each.mean.shape[axis] for each in codes.values()) for axis in (0, 1))
    projected = f", of more than {dimensions} latents their principal components" if most > dimensions else ""
    shown = ", by principal components of a Gaussian kernel" if kernel else projected
    return f"The means of q(z|x) of {count:,} held-out images{shown}."
