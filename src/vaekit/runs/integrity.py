"""What ties the files of a run together, so that one of another run, an old or a changed one is noticed.

    recipe.yaml       its first line seals the rest; a digest of what cannot change after the start is in each
                      checkpoint
    metrics.jsonl     the digest of its lines is in each checkpoint
    model/            config.json has the SHA-256 of model.safetensors, and the recipe
    evaluation*.json  the SHA-256 of the weights, of the data and of the arrays per image
    finished.json     written last: the SHA-256 of the weights that the figures and the report show

JSON files have a seal (`vaekit.utils.seal`). A run of an earlier version has none of this, and is read as it
is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError, first_line
from vaekit.training.checkpoint import recorded_facts
from vaekit.utils.io import Record, lines_digest, read_bounded, record_epoch
from vaekit.utils.seal import check_text, digest
from vaekit.utils.yaml import parse_yaml

RESUMABLE = (
    "epochs",
    "patience",
    "device",
    "threads",
    "checkpoint_seconds",
    "checkpoint_steps",
    "sample_every",
    "callbacks",
    "logger",
)
"""The keys of `training` that may change when a run is resumed."""
PLACES = ("dataset", "attributes", "validation_file", "test_file")
"""The keys of `data` that say where data are; what the data are, their fingerprint says."""

MAX_RECIPE = 10_000_000  # bytes of recipe.yaml
Tree = dict[str, Any]


def recipe_digest(tree: Mapping[str, Any]) -> str:
    """The SHA-256 of the part of a recipe that cannot change after training started.

    Args:
        tree: the content of recipe.yaml.

    >>> one = {"training": {"epochs": 3, "seed": 0}, "data": {"dataset": "a"}}
    >>> recipe_digest(one) == recipe_digest({"training": {"epochs": 9, "seed": 0}, "data": {"dataset": "b"}})
    True
    >>> recipe_digest(one) == recipe_digest({"training": {"epochs": 3, "seed": 1}, "data": {"dataset": "a"}})
    False
    """
    return digest(_without(_without(dict(tree), "training", RESUMABLE), "data", PLACES))


def resumed_tree(before: Mapping[str, Any], now: Mapping[str, Any]) -> Tree:
    """The content of recipe.yaml with the keys of another recipe that may change, and nothing else.

    >>> resumed_tree({"training": {"epochs": 3}}, {"training": {"epochs": 9, "seed": 1}})
    {'training': {'epochs': 9}}
    """
    result = dict(before)
    for section, keys in (("training", RESUMABLE), ("data", PLACES)):
        changed = {key: value for key, value in dict(now.get(section, {})).items() if key in keys}
        if changed:
            result[section] = {**result.get(section, {}), **changed}
    return result


def read_recipe_tree(file: Path) -> Tree:
    """The content of a recipe.yaml, if it is whole and of the training whose checkpoints lie beside it.

    Raises:
        InvalidError: it was changed, cut short or replaced, or cannot be read.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "recipe.yaml"
    >>> _ = file.write_text("name: mine")
    >>> read_recipe_tree(file)
    {'name': 'mine'}
    """
    try:
        text = read_bounded(file, MAX_RECIPE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file}: not text in UTF-8 ({first_line(error)}); restore the file") from None
    try:
        tree = parse_yaml(check_text(text, file))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        if str(file) in str(error):
            raise
        raise InvalidError(f"{file}: not readable as YAML ({first_line(error)}); restore the file") from None
    if not isinstance(tree, dict) or not tree:
        raise InvalidError(f"{file}: expected keys and values, got {type(tree).__name__}; restore the file")
    if _differs(file.parent, lambda facts: facts.get("recipe") not in (None, recipe_digest(tree))):
        raise InvalidError(
            f"{file}: not the recipe that the checkpoints beside it were trained with; restore the file, or "
            "train anew in another directory"
        )
    return tree


def check_metrics(file: Path, records: list[Record]) -> None:
    """Check that the records of finished epochs are those that training wrote.

    Args:
        file: metrics.jsonl of a run, with its checkpoints beside it.
        records: its content, one per epoch.

    Raises:
        InvalidError: a line is missing, or was changed.

    >>> check_metrics(Path("nowhere/metrics.jsonl"), [{"epoch": 1}])
    """

    def other(facts: Mapping[str, Any]) -> bool:
        done = [record for record in records if record_epoch(record) < facts["epoch"]]
        return facts.get("metrics") not in (None, lines_digest(done))

    if _differs(file.parent, other):
        raise InvalidError(
            f"{file}: not the lines that training wrote: one is missing or was changed; restore the file, or "
            "delete it to do without its numbers"
        )


def check_same_recipe(saved: Recipe, recipe: Recipe, folder: Path) -> None:
    """Refuse a model of another recipe than that of the run around it.

    Args:
        saved: the recipe in model/config.json.
        recipe: that in recipe.yaml.
        folder: the run directory.

    Raises:
        InvalidError: they differ in something else than what may change when a run is resumed.

    >>> check_same_recipe(Recipe(), Recipe(), Path("run"))
    """
    trees = [_plain(each.model_dump(mode="json")) for each in (saved, recipe)]
    if recipe_digest(trees[0]) != recipe_digest(trees[1]):
        key = next((key for key in trees[0] if _alone(trees[0], key) != _alone(trees[1], key)), "a key")
        raise InvalidError(
            f"{folder / 'model' / 'config.json'}: of another recipe than {folder / 'recipe.yaml'} ({key} "
            "differs), so the model is of another run; restore the one that is wrong"
        )


def _differs(folder: Path, other: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Whether the facts of the newest checkpoint say something else, once it is known to be intact."""
    for verify in (False, True):
        facts = recorded_facts(folder, verify)
        if not facts or not other(facts):
            return False
    return True


def _without(tree: Tree, section: str, keys: tuple[str, ...]) -> Tree:
    part = tree.get(section)
    if not isinstance(part, dict):
        return tree
    return {**tree, section: {key: value for key, value in part.items() if key not in keys}}


def _alone(tree: Tree, key: str) -> str:
    return recipe_digest({key: tree[key]})


def _plain(tree: Any) -> Any:
    """A tree whose references to files of components, `folder/own.py:name`, are without folders."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    if isinstance(tree, str) and ".py:" in tree:
        return Path(tree).name
    return tree
