"""The default pages of `compare` and `sweep`, made of the same blocks as the page of any study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vaekit.config.schema.recipe import Recipe
from vaekit.studies.blocks.paired import pairs
from vaekit.studies.metrics import find_metric, metric_value
from vaekit.studies.results import VariantResult

MEASURED = [
    "log_likelihood", "ais", "gap_importance", "gap_ais", "elbo", "reconstruction", "kl",
    "bits_per_dimension", "active_units", "mse",
]  # fmt: skip
SAMPLE_QUALITY = ["frechet", "kernel", "precision", "recall"]
TRAINED = ["epochs", "seconds_per_epoch", "parameters"]
MAX_SETTINGS = 5  # number of columns for recipe keys that differ

Blocks = list[dict[str, Any]]


def comparison_blocks(variants: Sequence[VariantResult]) -> Blocks:
    """The page of `compare`: metrics, paired differences, rate and distortion, and figures.

    >>> from vaekit.studies.example import example_results
    >>> blocks = comparison_blocks(example_results().variants)
    >>> blocks[1]["table"]["columns"][:2]
    ['recipe:model.latent_dim', 'log_likelihood']
    """
    missing = unmeasured(variants)
    settings = list(differing_keys([recipe_settings(variant.first.recipe) for variant in variants]))
    columns = [*(f"recipe:{path}" for path in settings[:MAX_SETTINGS]), *MEASURED, *SAMPLE_QUALITY, *TRAINED]
    stale = [reason for variant in variants for run in variant.runs for reason in run.stale]
    notes = [f"Not measured yet; measure with: {'; '.join(missing)}"] if missing else []
    note = ". ".join([*notes, *stale])
    blocks: Blocks = [{"heading": "Numbers"}, {"table": {"columns": columns, "note": note}}]
    paired = [metric for metric in ("log_likelihood", "ais") if pairs(variants, metric)]
    if paired:
        blocks.append({"heading": "Differences"})
        blocks += [{"paired_differences": {"metric": metric}} for metric in paired]
    if _share_protocol("kl", variants) and _share_protocol("reconstruction", variants):
        blocks += [{"heading": "Rate and distortion"}, {"rate_distortion": {"sort_by_kl": True}}]
    return [*blocks, *figure_blocks("validation_elbo")]


def _share_protocol(name: str, variants: Sequence[VariantResult]) -> bool:
    """Whether two runs or more have a metric, all by one protocol that may be compared."""
    found = find_metric(name)
    runs = [run for variant in variants for run in variant.finished if metric_value(found, run) is not None]
    protocols = {found.protocol(run) for run in runs}
    return len(runs) > 1 and len(protocols) == 1 and all(protocol.comparable for protocol in protocols)


def sweep_blocks(recipe: Recipe, grid: Mapping[str, Sequence[Any]], variables: Mapping[str, str]) -> Blocks:
    """The page of `sweep`: the best run, a curve if a single numeric key varies, a table, and figures.

    Args:
        recipe: the recipe with its fixed overrides.
        grid: the values of each key that varies.
        variables: the short name of each key.

    >>> from vaekit.config.loading import load_recipe
    >>> blocks = sweep_blocks(load_recipe("digits"), {"objective.beta": [1, 4]}, {"objective.beta": "beta"})
    >>> blocks[2]
    {'metric_vs_param': {'x': 'beta', 'metric': 'log_likelihood'}}
    """
    has_bound = recipe.model.encoder.posterior.kind != "delta"
    metric = "log_likelihood" if has_bound else "mse"
    blocks: Blocks = [{"heading": "Numbers"}, {"best": {"metric": metric}}]
    numeric = [key for key, values in grid.items() if all(isinstance(value, int | float) for value in values)]
    if len(grid) == 1 and numeric:
        blocks.append({"metric_vs_param": {"x": variables[numeric[0]], "metric": metric}})
    blocks.append({"table": {"columns": [*MEASURED, *TRAINED]}})
    return [*blocks, *figure_blocks("validation_elbo" if has_bound else "validation_loss")]


def figure_blocks(curve: str) -> Blocks:
    """Training curves, samples, reconstructions and latent spaces.

    Args:
        curve: a key of metrics.jsonl.

    >>> figure_blocks("loss")[1]
    {'curves': 'loss'}
    """
    return [
        {"heading": "Training"}, {"curves": curve},
        {"heading": "Samples"}, {"samples": {}},
        {"heading": "Reconstructions"}, {"reconstructions": {}},
        {"heading": "Latent spaces"}, {"latent_scatter": {}},
    ]  # fmt: skip


def unmeasured(variants: Sequence[VariantResult]) -> list[str]:
    """The commands that measure the runs that have no evaluation.

    >>> from vaekit.studies.example import example_results
    >>> unmeasured(example_results().variants)
    []
    """
    runs = [run for variant in variants for run in variant.runs]
    return [f"vaekit evaluate {run.path}" for run in runs if not run.evaluation]


def recipe_settings(recipe: Recipe, seed: bool = True) -> dict[str, Any]:
    """The settings of a recipe as plain values, without its name and title, optionally without its seed.

    >>> from vaekit.config.loading import load_recipe
    >>> "title" in recipe_settings(load_recipe("digits"))
    False
    """
    tree = recipe.model_dump(mode="json", exclude={"name", "title", "reference"})
    training = {key: value for key, value in tree["training"].items() if seed or key != "seed"}
    return {**tree, "training": training}


def differing_keys(trees: Sequence[Mapping[str, Any]], path: str = "") -> Iterator[str]:
    """The paths of the keys in which recipes differ; parts of different kinds count as one key.

    >>> list(differing_keys([{"model": {"latent_dim": 2}}, {"model": {"latent_dim": 3}}]))
    ['model.latent_dim']
    """
    for key in dict.fromkeys(key for tree in trees for key in tree):
        values = [tree.get(key) for tree in trees]
        if all(value == values[0] for value in values):
            continue
        parts = [value for value in values if isinstance(value, Mapping)]
        if len(parts) == len(values) and len({part.get("kind") for part in parts}) == 1:
            yield from differing_keys(parts, f"{path}{key}.")
        else:
            yield f"{path}{key}"
