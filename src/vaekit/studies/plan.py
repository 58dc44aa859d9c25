"""A study and a preset become tasks: which recipe is trained where, from which seed, and how it is measured.

runs x grid -> variants, each a resolved recipe;    variants x seeds -> tasks, each a run directory
"""

from __future__ import annotations

import itertools
import json
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

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Variant:
    """One line of the tables: a recipe, to be trained from one or several seeds.

    Attributes:
        name: of its directory.
        label: for people.
        group: what it belongs to; may be empty.
        values: of the grid's variables, that led to it.
        recipe: resolved, with the first seed.
        seeds: of the trainings.
    """

    name: str
    label: str
    group: str
    values: Mapping[str, Any]
    recipe: Recipe
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Task:
    """A training and its evaluation.

    Attributes:
        variant, seed: what is trained.
        directory: of the run.
        evaluate: how it is measured.
    """

    variant: Variant
    seed: int
    directory: Path
    evaluate: EvaluationProtocol

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.variant.name} seed {self.seed}"

    @property
    def recipe(self) -> Recipe:
        """The variant's with this seed."""
        training = self.variant.recipe.training.model_copy(update={"seed": self.seed})
        return self.variant.recipe.model_copy(update={"training": training})


def choose_preset(study: Study, name: str | None) -> tuple[str, Preset]:
    """A preset by its name; without one, the only one, or `quick`, or the first.

    Raises:
        InvalidError: the study has none of that name.
    """
    known = list(study.presets)
    name = name or ("quick" if "quick" in known else known[0])
    if name not in known:
        raise InvalidError(
            f"preset: expected one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    return name, study.presets[name]


def plan_variants(study: Study, preset: Preset) -> list[Variant]:
    """Every combination of the study's grids under a preset, in order.

    Raises:
        InvalidError: for two of one name, a name that is no directory's, or a pattern that fits none.
        RecipeError, NotFoundError: for a recipe or an override that is wrong.
    """
    entries = [
        entry.model_copy(update={"overrides": [*study.overrides, *entry.overrides]}) for entry in study.runs
    ]
    every = [variant for entry in entries for variant in _variants(entry, preset)]
    names = [variant.name for variant in every]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidError(
            f"runs: two are called {twice[0]!r}; put the variables of the grid into the name, such as "
            f"{twice[0]}-{{d}}"
        )
    for pattern in [*preset.runs, *preset.only]:
        if not any(matches(variant, [pattern]) for variant in every):
            raise InvalidError(f"presets: no run is called {pattern!r}; they are {', '.join(names)}")
    return [variant for variant in every if not preset.only or matches(variant, preset.only)]


def plan_tasks(chosen: Sequence[Variant], evaluate: EvaluationProtocol, folder: Path) -> list[Task]:
    """The trainings of all variants: first every variant once, then again from the next seed."""
    rounds = itertools.zip_longest(*(variant.seeds for variant in chosen))
    return [
        Task(variant, seed, folder / variant.name / f"seed-{seed}", evaluate)
        for seeds in rounds
        for variant, seed in zip(chosen, seeds, strict=True)
        if seed is not None
    ]


def matches(variant: Variant, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits the variant's name, or is its group."""
    return any(_fits(variant.name, variant.group, pattern) for pattern in patterns)


def _fits(name: str, group: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or (bool(group) and group == pattern)


def _variants(entry: RunEntry, preset: Preset) -> Iterator[Variant]:
    for combination in itertools.product(*entry.grid.values()):
        values = dict(zip(entry.grid, combination, strict=True))
        name = fill(entry.name, {key: _slug(value) for key, value in values.items()})
        if not _NAME.fullmatch(name):
            raise InvalidError(f"runs: name: expected letters, digits, '.', '_' and '-', got {name!r}")
        yield Variant(
            name,
            fill(entry.label, {key: written(value) for key, value in values.items()}) or name,
            entry.group,
            values,
            recipe := _recipe(entry, preset, name, values),
            tuple(recipe.training.seed + i for i in range(preset.seeds)),
        )


def _recipe(entry: RunEntry, preset: Preset, name: str, values: Mapping[str, Any]) -> Recipe:
    """The entry's recipe, without pictures, under its overrides, then the preset's."""
    patterns = [pattern for pattern in preset.runs if _fits(name, entry.group, pattern)]
    further = [text for pattern in patterns for text in preset.runs[pattern]]
    words = {key: written(value) for key, value in values.items()}
    changes = [fill(text, words) for text in (*entry.overrides, *preset.overrides, *further)]
    return load_recipe(fill(entry.recipe, words), ["training.sample_every=0", *changes])


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each {variable} replaced; other braces stay, for they are YAML's."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def written(value: Any) -> str:
    """A value as people, and overrides, write it."""
    return value if isinstance(value, str) else json.dumps(value)


def _slug(value: Any) -> str:
    """A value as a part of a directory's name."""
    return re.sub(r"[^\w.]+", "-", written(value)).strip("-")
