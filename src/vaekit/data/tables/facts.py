"""What is known of the columns of a dataset: kinds, scales, gaps and words."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset

_APART = 100  # scales that differ by this factor are said


def column_facts(dataset: Dataset) -> list[dict[str, Any]]:
    """One row per column of a table.

    Returns:
        name, kind and missing (the share of missing values) of each column; of numbers mean, sd, low, high
        and resolution (the smallest step between values); of others `shares`, word -> its share.

    >>> from vaekit.spec import Column
    >>> data = Dataset("two", "Two", np.array([[0.0], [4.0]]), None, (), columns=(Column("a"),))
    >>> column_facts(data)[0]["mean"]
    2.0
    """
    return [_facts(dataset, j) for j in range(len(dataset.columns))]


def _facts(dataset: Dataset, j: int) -> dict[str, Any]:
    column, values = dataset.columns[j], dataset.images[:, j].astype(np.float64)
    known = values[~np.isnan(values)]
    facts: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "missing": 1 - len(known) / len(values),
    }
    if not column.is_numeric:
        counts = np.bincount(known.astype(np.int64), minlength=len(column.categories))
        shares = (counts / max(1, len(known))).tolist()
        return facts | {"shares": dict(zip(column.categories, shares, strict=True))}
    if not len(known):
        return facts
    return facts | {
        "mean": float(known.mean()),
        "sd": float(known.std()),
        "low": float(known.min()),
        "high": float(known.max()),
        "resolution": column.resolution,
    }


def scale_note(facts: list[dict[str, Any]]) -> str:
    """A sentence about columns whose scales differ by powers of ten; empty if they do not.

    >>> scale_note([{"name": "a", "sd": 0.01}, {"name": "b", "sd": 2000.0}])
    'deviations from 0.01 (a) to 2e+03 (b): each column is scaled on its own, on the training rows'
    """
    known = [(row["sd"], row["name"]) for row in facts if row.get("sd", 0) > 0]
    if len(known) < 2 or max(known)[0] < _APART * min(known)[0]:
        return ""
    (small, first), (large, last) = min(known), max(known)
    return (
        f"deviations from {small:.3g} ({first}) to {large:.3g} ({last}): each column is scaled on its own, "
        "on the training rows"
    )


def describe_column(facts: dict[str, Any]) -> str:
    """The facts about a column in one line.

    >>> describe_column({"name": "a", "kind": "category", "missing": 0.5, "shares": {"x": 0.75, "y": 0.25}})
    'category, x 75%, y 25%, 50.0% missing'
    """
    parts = [facts["kind"]]
    if "mean" in facts:
        parts.append(f"{facts['mean']:.4g} ± {facts['sd']:.3g}, from {facts['low']:g} to {facts['high']:g}")
        step = facts["resolution"]
        if facts["kind"] == "real" and step > 0 and step == round(step, 9):
            parts.append(f"step {step:g}")
    shares = sorted(facts.get("shares", {}).items(), key=lambda item: -item[1])
    parts += [f"{word} {share:.0%}" for word, share in shares[:4]]
    if len(shares) > 4:
        parts.append(f"{len(shares) - 4} more words")
    if facts["missing"]:
        parts.append(f"{facts['missing']:.1%} missing")
    return ", ".join(parts)
