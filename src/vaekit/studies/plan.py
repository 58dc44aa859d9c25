"""Plan a study under a preset: its variants, and one task per variant and seed.

runs x grid -> variants, each a resolved recipe;    variants x seeds -> tasks, each a run directory
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vaekit.config.loading import load_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError, did_you_mean
from vaekit.studies.schema import EvaluationProtocol, Preset, RunEntry, Study

MAX_RUNS = 100_000  # of one entry of a study
_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class Variant:
    """One row of the tables: a recipe that is trained from one or several seeds.

    Attributes:
        name: name of its directory.
        label: shown in tables and legends.
        group: a second name that blocks can select by; may be empty.
        values: the values of the variables of the grid.
        recipe: the resolved recipe, with the first seed.
        seeds: one per run.

    >>> from vaekit.studies.example import example_results
    >>> example_results().variants[0].plan.values
    {'d': 2}
    """

    name: str
    label: str
    group: str
    values: Mapping[str, Any]
    recipe: Recipe
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Task:
    """One run of a variant: its training and its evaluation.

    Attributes:
        variant, seed: what is trained.
        directory: the run directory.
        evaluate: how it is measured.

    >>> from vaekit.studies.example import example_results
    >>> Task(example_results().variants[0].plan, 3, Path("runs/x"), EvaluationProtocol()).name
    'vae-2 seed 3'
    """

    variant: Variant
    seed: int
    directory: Path
    evaluate: EvaluationProtocol

    @property
    def name(self) -> str:
        """Variant and seed, for messages."""
        return f"{self.variant.name} seed {self.seed}"

    @property
    def recipe(self) -> Recipe:
        """The recipe of the variant with this seed."""
        training = self.variant.recipe.training.model_copy(update={"seed": self.seed})
        return self.variant.recipe.model_copy(update={"training": training})


def choose_preset(study: Study, name: str | None) -> tuple[str, Preset]:
    """Choose a preset by name; by default `quick` if there is one, else the first.

    Raises:
        InvalidError: the study has no preset of that name.

    >>> from vaekit.studies.library import load_study
    >>> choose_preset(load_study("beta"), None)[0]
    'quick'
    """
    known = list(study.presets)
    name = name or ("quick" if "quick" in known else known[0])
    if name not in known:
        raise InvalidError(
            f"preset: expected one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    return name, study.presets[name]


def plan_variants(study: Study, preset: Preset) -> list[Variant]:
    """All variants of a study under a preset, in order.

    Raises:
        InvalidError: two variants have the same name, a name is invalid, or a pattern matches no variant.
        RecipeError, NotFoundError: a recipe or an override is wrong.

    >>> study = Study(runs=[{"name": "vae-{d}", "recipe": "digits", "grid": {"d": [2, 3]}}])
    >>> [variant.name for variant in plan_variants(study, Preset())]
    ['vae-2', 'vae-3']
    """
    entries = [
        entry.model_copy(update={"overrides": [*study.overrides, *entry.overrides]}) for entry in study.runs
    ]
    every = [variant for entry in entries for variant in _variants(entry, preset)]
    names = [variant.name for variant in every]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidError(
            f"runs: two variants are called {twice[0]!r}; put the variables of the grid into the name, "
            f"such as {twice[0]}-{{d}}"
        )
    for pattern in [*preset.runs, *preset.only]:
        if not any(matches(variant, [pattern]) for variant in every):
            raise InvalidError(f"presets: no run is called {pattern!r}; expected one of {', '.join(names)}")
    return [variant for variant in every if not preset.only or matches(variant, preset.only)]


def plan_tasks(chosen: Sequence[Variant], evaluate: EvaluationProtocol, folder: Path) -> list[Task]:
    """The tasks of all variants: every variant with its first seed, then every variant with its second.

    >>> from vaekit.studies.example import example_results
    >>> plans = [variant.plan for variant in example_results().variants]
    >>> [str(task.directory) for task in plan_tasks(plans, EvaluationProtocol(), Path("x"))]
    ['x/vae-2/seed-0', 'x/vae-3/seed-0']
    """
    rounds = itertools.zip_longest(*(variant.seeds for variant in chosen))
    return [
        Task(variant, seed, folder / variant.name / f"seed-{seed}", evaluate)
        for seeds in rounds
        for variant, seed in zip(chosen, seeds, strict=True)
        if seed is not None
    ]


def matches(variant: Variant, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the variant's name or equals its group.

    >>> from vaekit.studies.example import example_results
    >>> plan = example_results().variants[0].plan
    >>> matches(plan, ["vae-*"]), matches(plan, ["VAE"]), matches(plan, ["ae"])
    (True, True, False)
    """
    return any(_fits(variant.name, variant.group, pattern) for pattern in patterns)


def _fits(name: str, group: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or (bool(group) and group == pattern)


def _variants(entry: RunEntry, preset: Preset) -> Iterator[Variant]:
    count = math.prod(map(len, entry.grid.values()))
    if count * preset.seeds > MAX_RUNS:
        raise InvalidError(
            f"runs: {entry.name}: expected at most {MAX_RUNS:,} runs, but its grid and the seeds give "
            f"{count * preset.seeds:,}; use shorter lists"
        )
    for combination in itertools.product(*entry.grid.values()):
        values = dict(zip(entry.grid, combination, strict=True))
        name = fill_template(entry.name, {key: _slug(value) for key, value in values.items()})
        if not _NAME.fullmatch(name):
            raise InvalidError(f"runs: name: expected letters, digits, '.', '_' and '-', got {name!r}")
        yield Variant(
            name,
            fill_template(entry.label, {key: to_text(value) for key, value in values.items()}) or name,
            entry.group,
            values,
            recipe := _recipe(entry, preset, name, values),
            tuple(recipe.training.seed + i for i in range(preset.seeds)),
        )


def _recipe(entry: RunEntry, preset: Preset, name: str, values: Mapping[str, Any]) -> Recipe:
    """The recipe of an entry with its overrides, then those of the preset, and no samples during training."""
    patterns = [pattern for pattern in preset.runs if _fits(name, entry.group, pattern)]
    further = [text for pattern in patterns for text in preset.runs[pattern]]
    words = {key: to_text(value) for key, value in values.items()}
    changes = [fill_template(text, words) for text in (*entry.overrides, *preset.overrides, *further)]
    return load_recipe(fill_template(entry.recipe, words), ["training.sample_every=0", *changes])


def fill_template(text: str, values: Mapping[str, str]) -> str:
    """Replace each {variable} in a text; other braces belong to YAML and are unchanged.

    >>> fill_template("{kind: linear, warmup: {w}}", {"w": "3"})
    '{kind: linear, warmup: 3}'
    """
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def to_text(value: Any) -> str:
    """A value as it is written in labels and overrides.

    >>> to_text([4, 3]), to_text("relu")
    ('[4, 3]', 'relu')
    """
    return value if isinstance(value, str) else json.dumps(value)


def _slug(value: Any) -> str:
    """A value as part of a directory name."""
    return re.sub(r"[^\w.]+", "-", to_text(value)).strip("-")
