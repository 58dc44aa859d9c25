"""Codes latent by latent: what each tells, and whether all of them together follow the prior."""

from __future__ import annotations

import numpy as np

from vaekit import figures
from vaekit.evaluation.latent import Latents, kl_per_latent
from vaekit.evaluation.normality import normality
from vaekit.studies.blocks.latent import codes_of
from vaekit.studies.parts import Cell, Column, Figure, Part, Table
from vaekit.studies.results import Outcome, Results
from vaekit.studies.schema import Names

USED = 0.01  # nats of KL, above which a latent tells something
_COLUMNS = (
    Column("latents", "latents", digits=0),
    Column("mean", "farthest mean", digits=2),
    Column("least", "least sd", digits=2),
    Column("most", "greatest sd", digits=2),
    Column("within", "within ±2", digits=3),
    Column("distance", "distance from N(0, 1)", digits=3),
)


def code_histograms(
    study: Results,
    runs: Names = ["*"],  # noqa: B006
    n: int = 5000,
    most: int = 16,
    split: str = "test",
    seed: int = 0,
    title: str = "Codes against N(0, 1)",
    caption: str = "",
) -> list[Part]:
    """A histogram of each latent over the density of N(0, 1), those that tell the most, a figure a run.

    The codes are draws from q(z|x), one an image; those of an autoencoder are what they are.

    Args:
        most: so many latents.
    """
    parts: list[Part] = []
    for outcome in study.select(runs, finished=True):
        codes = codes_of(outcome, n, split)
        chosen = sorted(np.argsort(-kl_per_latent(codes), kind="stable")[:most])
        drawn = {outcome.label: draws(codes, seed)}
        parts.append(Figure(figures.code_histograms(drawn, title, chosen), caption))
    return parts


def kl_by_latent(
    study: Results,
    runs: Names = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    title: str = "What each latent tells",
    caption: str = "",
) -> list[Part]:
    """The KL of each latent, a figure a run; of those whose codes are points there is none."""
    parts: list[Part] = []
    for outcome in study.select(runs, finished=True):
        codes = codes_of(outcome, n, split)
        if codes.stddev.any():
            figure = figures.kl_by_latent(kl_per_latent(codes), f"{title}: {outcome.label}", dead=USED)
            parts.append(Figure(figure, caption))
    return parts


def code_normality(
    study: Results,
    runs: Names = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    seed: int = 0,
    note: str = "",
) -> list[Part]:
    """How near codes are to N(0, 1): apart for latents that tell something, and for those that do not."""
    rows = [row for outcome in study.select(runs, finished=True) for row in _rows(outcome, n, split, seed)]
    notes = [
        *filter(None, [note]),
        f"Draws from q(z|x), one for each of {n:,} {split} images at most. N(0, 1) itself has sd 1, 0.954 "
        f"within ±2, and with so many draws a distance of about {0.87 / np.sqrt(n):.3f} (Kolmogorov's).",
        f"A latent is used where its KL is above {USED:g} nats.",
    ]
    return [Table(_COLUMNS, rows, notes)]


def draws(codes: Latents, seed: int = 0) -> np.ndarray:
    """A draw from each posterior, latent by latent; codes that are points stay what they are."""
    noise = np.random.default_rng(seed).standard_normal(codes.mean.shape)
    return codes.mean + codes.stddev * noise


def _rows(outcome: Outcome, n: int, split: str, seed: int) -> list[tuple[str, list[Cell]]]:
    codes = codes_of(outcome, n, split)
    drawn, used = draws(codes, seed), kl_per_latent(codes) > USED
    if not codes.stddev.any():
        return [(outcome.label, _cells(drawn))]
    groups = {"used": drawn[:, used], "unused": drawn[:, ~used]}
    return [(f"{outcome.label}, {name}", _cells(some)) for name, some in groups.items() if some.size]


def _cells(codes: np.ndarray) -> list[Cell]:
    return [Cell(codes.shape[1]), *map(Cell, normality(codes))]
