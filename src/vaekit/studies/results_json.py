"""Write results.json: all results of a study, for other programs.

    vaekit       version                     study, title, question, reference, preset, command    text
    date         when it was written         environment    of the first run
    evaluate     the evaluation protocol
    variants     one per variant: name, label, group, values (of the grid), recipe (resolved),
                 metrics      name -> {mean, std, count}, over the seeds
                 runs         one per seed: seed, path, failure, place (which executor and host; empty if
                              this machine), stopped_early (by halving), metrics (name -> number),
                              errors (name -> standard error, Monte Carlo error included),
                              protocols (name -> what it was measured on and how, in words, with a digest),
                              epochs (name -> one number per epoch)
    tables       of the page: columns, rows (name, cells with value, std, count, marks, best, error), notes

Numbers with different digests of their protocol are not comparable. Unknown numbers are null. The names of
metrics are those of `vaekit.studies.metrics`.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import vaekit
from vaekit.studies.elements import Table
from vaekit.studies.metrics import METRICS, metric_value
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.utils.io import to_json, write_whole


def write_results(results: StudyResults, tables: Sequence[Table]) -> Path:
    """Write results.json into the study's folder and return its path.

    >>> import tempfile
    >>> from dataclasses import replace
    >>> from vaekit.studies.example import example_results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_results(replace(example_results(), folder=Path(folder)), []).name
    'results.json'
    """
    return write_whole(results.folder / "results.json", to_json(to_dict(results, tables)).encode())


def to_dict(results: StudyResults, tables: Sequence[Table]) -> dict[str, Any]:
    """The content of results.json as plain values.

    >>> from vaekit.studies.example import example_results
    >>> to_dict(example_results(), [])["variants"][0]["metrics"]["elbo"]
    {'mean': -31.0, 'std': None, 'count': 1}
    """
    study, runs = results.study, [run for variant in results.variants for run in variant.finished]
    return {
        "vaekit": vaekit.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "reference": study.reference,
        "preset": results.preset_name,
        "command": results.command,
        "evaluate": results.preset.evaluate.model_dump(mode="json"),
        "environment": runs[0].environment if runs else {},
        "variants": [_variant_dict(variant) for variant in results.variants],
        "tables": [table_to_dict(table) for table in tables],
    }


def table_to_dict(table: Table) -> dict[str, Any]:
    """A table as plain values.

    >>> from vaekit.studies.elements import Cell, Column
    >>> table = Table([Column("elbo", "ELBO")], [("vae", [Cell(-31.0)])])
    >>> table_to_dict(table)["rows"][0]["cells"][0]["value"]
    -31.0
    """
    return {
        "columns": [asdict(column) for column in table.columns],
        "rows": [{"name": name, "cells": [asdict(cell) for cell in cells]} for name, cells in table.rows],
        "notes": list(table.notes),
    }


def _variant_dict(variant: VariantResult) -> dict[str, Any]:
    runs = [_run_dict(run) for run in variant.runs]
    values = {name: [run["metrics"][name] for run in runs if not run["failure"]] for name in METRICS}
    return {
        "name": variant.name,
        "label": variant.label,
        "group": variant.plan.group,
        "values": dict(variant.plan.values),
        "recipe": variant.plan.recipe.model_dump(mode="json"),
        "metrics": {name: _summary([v for v in found if v is not None]) for name, found in values.items()},
        "runs": runs,
    }


def _summary(values: list[float]) -> dict[str, Any]:
    return {
        "mean": statistics.fmean(values) if values else None,
        "std": statistics.stdev(values) if len(values) > 1 else None,
        "count": len(values),
    }


def _run_dict(run: RunResult) -> dict[str, Any]:
    identity = {
        "seed": run.seed,
        "path": str(run.path),
        "failure": run.failure,
        "place": run.place,
        "stopped_early": run.fell_behind,
    }
    if run.failure:
        return {**identity, "metrics": {}, "errors": {}, "protocols": {}, "epochs": {}}
    keys = dict.fromkeys(key for record in run.metrics for key in record)
    return {
        **identity,
        "metrics": {name: metric_value(found, run) for name, found in METRICS.items()},
        "errors": {name: error for name, found in METRICS.items() if (error := found.error(run)) is not None},
        "protocols": {
            name: {"words": str(protocol), "digest": protocol.digest}
            for name, found in METRICS.items()
            if (protocol := found.protocol(run))
        },
        "epochs": {key: [record.get(key) for record in run.metrics] for key in keys},
    }
