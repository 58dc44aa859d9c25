"""Latent spaces of several runs side by side."""

from __future__ import annotations

import numpy as np

from vaekit import figures
from vaekit.evaluation import latent
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
    title: str = "Latent space",
    caption: str = "The codes of held-out images; of more than two latents their principal components.",
) -> list[Part]:
    """The codes of n images of a split, a panel a run, coloured by label."""
    parts: list[Part] = []
    for data, outcomes in by_data(study.select(runs, finished=True)):
        panels = {outcome.label: _plane(outcome, n, split) for outcome in outcomes}
        names = outcomes[0].first.trained.label_names
        parts.append(Figure(figures.scatters(panels, headed(title, data), names), caption))
    return parts


def codes_of(outcome: Outcome, n: int, split: str) -> latent.Codes:
    """The codes of a random n images of a split, by the first training of a run."""
    trained = outcome.first.trained
    return latent.encode(trained.model, trained.observed(split, images=n).batches(AT_ONCE))


def _plane(outcome: Outcome, n: int, split: str) -> tuple[np.ndarray, np.ndarray | None]:
    codes = codes_of(outcome, n, split)
    return figures.project(codes.mean)[0], codes.labels
