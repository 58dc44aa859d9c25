"""Saved models of format 1 become models of format 2: other names, the same numbers.

    config.json          the recipe in today's keys; the old file stays as config.format1.json
    model.safetensors    the same tensors under today's names
    recipe.yaml          of a run, in today's keys; the old file stays as recipe.format1.yaml

What was measured of a run (evaluation.json and its kin) and the checkpoint that training resumes from have
old names too. They are set aside in `format1/`: measure again, and train longer from a new run.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from vaekit.config.loading import dump_recipe, parse_recipe, recipe_text, recipe_tree
from vaekit.config.renamed import upgrade_recipe
from vaekit.errors import InvalidError, NotFoundError
from vaekit.utils.io import write_whole
from vaekit.utils.paths import is_file
from vaekit.utils.seal import sealed

WEIGHTS = {  # names of tensors: a pattern of the old ones -> the new one
    r"(^|\.)links\.": r"\1layers.",
    r"\.join\.maps\.": ".join.linears.",
    r"^labels\.centre$": "labels.center",
    r"^labels\.spread$": "labels.scale",
}
_ASIDE = ("evaluation*.json", "evaluation*.npz", "bdmc.json", "checkpoint", "report.html")


def migrate(path: str | Path) -> list[Path]:
    """Convert a model directory, or a run directory with its model, from format 1 to format 2, in place.

    Args:
        path: the directory.

    Returns:
        The files that were rewritten; none where all has format 2 already.

    Raises:
        NotFoundError: there is neither a model nor a run at `path`.
        InvalidError: a file cannot be read as what it should be.

    Example:
        >>> import vaekit.explorer.session as session
        >>> migrate(session.DEMO_FOLDER)  # the packaged model has format 2
        []
    """
    folder = Path(path)
    if is_file(folder / "recipe.yaml"):
        return _migrate_run(folder)
    if is_file(folder / "config.json"):
        return _migrate_model(folder)
    raise NotFoundError(
        f"{path}: expected a run directory or a model directory; found neither recipe.yaml nor config.json"
    )


def upgrade_weight_name(name: str) -> str:
    """The name of a tensor of format 1 in format 2.

    >>> upgrade_weight_name("encoder.links.0.network.join.maps.0.weight")
    'encoder.layers.0.network.join.linears.0.weight'
    """
    for pattern, new in WEIGHTS.items():
        name = re.sub(pattern, new, name)
    return name


def _migrate_model(folder: Path) -> list[Path]:
    file, weights = folder / "config.json", folder / "model.safetensors"
    content = file.read_bytes()
    try:
        config = json.loads(content)
        if config["format"] == 2:
            return []
        recipe = parse_recipe(upgrade_recipe(config["recipe"]), str(file))
        tensors = {upgrade_weight_name(name): tensor for name, tensor in load_file(weights).items()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError, SafetensorError) as error:
        raise InvalidError(
            f"{folder}: expected a model of format 1 ({type(error).__name__}: {error})"
        ) from None
    new = save(tensors)
    upgraded = config | {
        "format": 2,
        "recipe": recipe.model_dump(mode="json"),
        "weights": hashlib.sha256(new).hexdigest(),
    }
    write_whole(folder / "config.format1.json", content)
    write_whole(weights, new)
    write_whole(file, (json.dumps(sealed(upgraded), indent=2) + "\n").encode())
    return [file, weights]


def _migrate_run(folder: Path) -> list[Path]:
    file = folder / "recipe.yaml"
    text = recipe_text(file)
    tree = recipe_tree(text, str(file))
    upgraded: dict[str, Any] = upgrade_recipe(tree)
    model = _migrate_model(folder / "model") if is_file(folder / "model" / "config.json") else []
    if upgraded == tree:
        return model
    new = dump_recipe(parse_recipe(upgraded, str(file))).encode()
    write_whole(folder / "recipe.format1.yaml", text.encode())
    write_whole(file, new)
    _set_aside(folder)
    return [file, *model]


def _set_aside(folder: Path) -> None:
    """Move what has old names, and cannot be used any more, into `format1/`."""
    found = [place for pattern in _ASIDE for place in folder.glob(pattern)]
    if found:
        (folder / "format1").mkdir(exist_ok=True)
    for place in found:
        place.rename(folder / "format1" / place.name)
