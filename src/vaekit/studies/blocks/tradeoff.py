"""What an image costs in the code, the rate, against what is lost of it, the distortion."""

from __future__ import annotations

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.studies.elements import Element, FigureElement
from vaekit.studies.metrics import metric_values
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


def rate_distortion(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    title: str = "Rate and distortion",
    caption: str = "",
    sort_by_kl: bool = False,
) -> list[Element]:
    """The runs on the plane of rate and distortion; those without a rate are left out.

    Args:
        runs: whose.
        title, caption: of the figure.
        sort_by_kl: whether the curve goes through them from small to large rate, or else in their order.
    """
    points = [point for variant in study.select(runs, finished=True) if (point := _point(variant))]
    if sort_by_kl:
        points.sort(key=lambda point: point[1])
    if not points:
        raise InvalidError("runs: none of them has both a rate and a distortion")
    return [FigureElement(plotting.rate_distortion(points, title), caption)]


def _point(variant: VariantResult) -> tuple[str, float, float] | None:
    """Short label, rate and distortion, means over the seeds."""
    rates, terms = metric_values("kl", variant), metric_values("reconstruction", variant)
    if not rates or not terms:
        return None
    return _short(variant), sum(rates) / len(rates), -sum(terms) / len(terms)


def _short(variant: VariantResult) -> str:
    """The values of the grid alone, where there are some: their names stand in the title."""
    return ", ".join(str(value) for value in variant.plan.values.values()) or variant.label
