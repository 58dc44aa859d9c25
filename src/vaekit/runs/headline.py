"""Which estimate of log p(x) leads, where a run has two: by importance sampling and by annealed chains (AIS).

Both are lower bounds in expectation, so the higher one is nearer to log p(x). They are compared on the images
that both measured, image by image:

    d = mean of AIS - importance sampling,        AIS leads where its 95 % interval is above 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from vaekit.evaluation.confidence_intervals import Interval, paired_interval
from vaekit.runs.files import RunFiles
from vaekit.utils.format import format_number

SAME = ("data", "split", "observation", "missing", "labels", "conditioned_on")  # fields that must agree


class TwoEstimates(NamedTuple):
    """AIS minus importance sampling, on the images that both measured.

    Attributes:
        gain: the mean difference in nats, and its 95 % interval over images.
        images: how many images both measured.

    >>> TwoEstimates(Interval(2.0, 1.5, 2.5), 100).leader
    'ais'
    """

    gain: Interval
    images: int

    @property
    def leader(self) -> str:
        """The better bound: "ais" or "importance"; empty if the interval contains 0."""
        if self.gain.low <= 0 <= self.gain.high:
            return ""
        return "ais" if self.gain.low > 0 else "importance"

    def describe(self, noun: str = "images") -> str:
        """One sentence for a reader, without a final dot.

        >>> TwoEstimates(Interval(2.0, 1.5, 2.5), 100).describe()[:59]
        'on the same 100 images AIS is 2.00 nats above importance sa'
        """
        low, high = (format_number(end) for end in self.gain[1:])
        where = f"on the same {self.images:,} {noun}"
        if not self.leader:
            difference = f"{format_number(self.gain.mean)} nats (95 %: {low} to {high})"
            return f"{where} AIS minus importance sampling is {difference}: they agree"
        size = format_number(abs(self.gain.mean))
        direction = "above" if self.leader == "ais" else "below"
        name = {"ais": "AIS", "importance": "importance sampling"}[self.leader]
        return (
            f"{where} AIS is {size} nats {direction} importance sampling (95 %: {low} to {high}); both are "
            f"lower bounds in expectation, so {name} is nearer to log p(x)"
        )


def compare_estimates(
    evaluation: Mapping[str, Any],
    per_image: Mapping[str, np.ndarray],
    ais: Mapping[str, Any],
    per_image_ais: Mapping[str, np.ndarray],
) -> TwoEstimates | None:
    """Compare the two estimates of a run; None unless both measured some of the same images alike.

    Args:
        evaluation, per_image: fields and arrays by importance sampling.
        ais, per_image_ais: the same by annealed importance sampling.

    >>> arrays = {"index": np.arange(3), "log_likelihood": np.array([-3.0, -4.0, -5.0])}
    >>> higher = {"index": np.arange(1, 4), "log_likelihood": np.array([-3.0, -4.0, -5.0])}
    >>> fields = {"data": "0" * 64, "split": "test"}
    >>> compare_estimates(fields, arrays, fields, higher)
    TwoEstimates(gain=Interval(mean=1.0, low=1.0, high=1.0), images=2)
    """
    needed = {"index", "log_likelihood"}
    if not evaluation or not ais or not needed <= set(per_image) or not needed <= set(per_image_ais):
        return None
    if not evaluation.get("data") or any(evaluation.get(name) != ais.get(name) for name in SAME):
        return None
    _, first, second = np.intersect1d(per_image["index"], per_image_ais["index"], return_indices=True)
    if len(first) < 2:
        return None
    gain = paired_interval(per_image_ais["log_likelihood"][second], per_image["log_likelihood"][first])
    return TwoEstimates(gain, len(first))


def two_estimates(run: RunFiles) -> TwoEstimates | None:
    """Compare the two estimates of a run directory; None unless both measured some of the same images alike.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> two_estimates(RunFiles(folder)) is None
    True
    """
    return compare_estimates(run.evaluation, run.per_image, run.ais, run.per_image_ais)
