"""The rate-distortion plane.

The rate is KL(q(z|x), p(z)), the distortion is -E log p(x|z), both in nats per image; -ELBO is their sum. A
model trained with weight beta is where a line of slope -beta touches the curve that the network can reach
(Alemi et al. 2018, Fixing a broken ELBO).
"""

from __future__ import annotations

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.registry import register
from vaekit.studies.elements import Element, FigureElement
from vaekit.studies.metrics import metric_values
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


@register("study_block")
def rate_distortion(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    title: str = "Rate and distortion",
    caption: str = "",
    sort_by_kl: bool = False,
) -> list[Element]:
    """The distortion of runs against their KL, one point per run; runs without a KL are left out.

    Args:
        runs: name patterns or groups.
        title, caption: of the figure.
        sort_by_kl: connect the points in the order of their KL instead of the order of the runs.

    Raises:
        InvalidError: no run has both numbers.

    >>> from vaekit.studies.example import example_results
    >>> rate_distortion(example_results(), caption="Two models.")[0].caption
    'Two models.'
    """
    points = [point for variant in study.select(runs, finished=True) if (point := _point(variant))]
    if sort_by_kl:
        points.sort(key=lambda point: point[1])
    if not points:
        raise InvalidError("runs: none of them has both a KL and a reconstruction term; choose VAEs")
    return [FigureElement(plotting.rate_distortion(points, title), caption)]


def _point(variant: VariantResult) -> tuple[str, float, float] | None:
    """Label (the values of the grid if there is one), KL and distortion, means over the seeds."""
    kl, reconstruction = metric_values("kl", variant), metric_values("reconstruction", variant)
    if not kl or not reconstruction:
        return None
    label = ", ".join(str(value) for value in variant.plan.values.values()) or variant.label
    return label, sum(kl) / len(kl), -sum(reconstruction) / len(reconstruction)
