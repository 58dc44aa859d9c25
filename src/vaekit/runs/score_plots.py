"""Plots of anomaly scores: their histogram, and the data points with the highest ones."""

from __future__ import annotations

from vaekit import plotting
from vaekit.engine.plot import Plot
from vaekit.engine.score import Scores
from vaekit.engine.trained_model import TrainedModel
from vaekit.utils.format import count_of

HIGHEST = 40
METHODS_IN_WORDS = {"views": "neighbors, likelihood and ellipsoid"}


def score_histogram(trained: TrainedModel, scores: Scores) -> Plot:
    """The histogram of scores, beside that of held-out data.

    >>> import vaekit
    >>> from vaekit.engine.score import score
    >>> scores = score(vaekit.demo(), method="kl", samples=1)  # doctest: +SKIP
    """
    against = f" against {len(scores.held_out)} held out" if len(scores.held_out) else ""
    method = METHODS_IN_WORDS.get(scores.method, scores.method)
    subtitle = f"{count_of(len(scores), scores.dataset.noun)} of {scores.dataset.name}{against}, by {method}"
    figure = plotting.anomaly_scores(
        scores.score, f"Anomaly scores: {trained.title}", scores.held_out, scores.is_anomaly, subtitle
    )
    return Plot({"scores": scores.score, "held_out": scores.held_out}, figure)


def highest_scores(trained: TrainedModel, scores: Scores, n: int = HIGHEST) -> Plot:
    """The n data points with the highest scores, highest first.

    >>> HIGHEST
    40
    """
    top = scores.highest(n)
    images = scores.terms.x[top]
    title, subtitle = (
        f"Highest anomaly scores: {trained.title}",
        f"{len(top)} of {len(scores)}, highest first",
    )
    figure = plotting.samples(images, title, subtitle=subtitle)
    return Plot({"images": images, "positions": top}, figure)
