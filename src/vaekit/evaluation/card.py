"""The card of an evaluation in a notebook: its numbers, and how the bound of log p(x) grows with samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from vaekit.utils.card import card, line_chart
from vaekit.utils.format import format_number

_NOTES = 2  # caveats that are shown


def evaluation_card(fields: Mapping[str, Any]) -> str:
    """The card of an evaluation as HTML.

    Args:
        fields: those of `vaekit.evaluation.results.Evaluation`.

    >>> "−89.10 ± 0.30 nats" in evaluation_card(
    ...     {"log_likelihood": -89.1, "log_likelihood_stderr": 0.3, "images": 100, "samples": 50}
    ... )
    True
    """
    kl = [value for value in fields.get("kl", ()) if value is not None]
    active, dims = fields.get("active_units") or [], fields.get("layer_dims") or []
    values = {
        "log p(x)": _number(fields.get("log_likelihood"), fields.get("log_likelihood_stderr")),
        "ELBO": _number(fields.get("elbo")),
        "reconstruction": _number(fields.get("reconstruction")),
        "KL": " + ".join(map(format_number, kl)) + " nats" if kl else "",
        "bits per dimension": _number(fields.get("bits_per_dimension"), unit=""),
        "active latents": f"{sum(active)} of {sum(dims)}" if active and dims else "",
        "effective samples": _number(fields.get("ess_mean"), unit=f"of {fields.get('samples', 0):,}"),
    }
    where = " ".join(filter(None, [f"{fields.get('images', 0):,}", fields.get("split"), fields.get("noun")]))
    draws = "chains" if fields.get("estimator") == "ais" else "importance samples"
    growth = [(math.log(bound["samples"]), bound["value"]) for bound in fields.get("growth") or ()]
    caption = (
        "bound of log p(x), 1 to {:,} samples".format(fields.get("samples", 0)) if len(growth) > 1 else ""
    )
    return card(
        "Evaluation",
        f"{where}, {fields.get('samples', 0):,} {draws} each",
        [(name, value) for name, value in values.items() if value],
        line_chart([growth]),
        caption,
        list(fields.get("caveats") or ())[:_NOTES],
    )


def _number(value: float | None, stderr: float | None = None, unit: str = "nats") -> str:
    if value is None:
        return ""
    spread = "" if stderr is None else f" ± {format_number(stderr)}"
    return f"{format_number(value)}{spread} {unit}".strip()
