"""Trains and measures on one tree, old or new, and writes down every number.

    python -m same_numbers.worker ORDERS.json

Runs with the tree's package found first. The orders say which side it is, where to write, and what is wanted;
see `same_numbers.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file

from same_numbers import names as naming
from same_numbers import rows
from same_numbers.names import Names

Tree = dict[str, Any]


def digest(values: Any) -> str:
    """A tensor or array as a digest of its type, shape and bytes."""
    array = (
        values.detach().cpu().contiguous().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    )
    content = np.ascontiguousarray(array)
    return f"{hashlib.sha256(content.tobytes()).hexdigest()[:32]} {content.dtype} {list(content.shape)}"


class Models:
    """Trains the models of rows in a folder of its own.

    Args:
        names: of the side.
        data: the folder of the datasets.
        folder: where to train.
    """

    def __init__(self, names: Names, data: Path, folder: Path):
        self.names, self.data, self.folder = names, data, folder

    def of(self, row: rows.Row, number: int) -> Tree:
        """Every number of a row."""
        place = self.folder / str(number)
        run = self._trained(row, place)
        found: Tree = {"metrics": self._lines(place), "weights": self._weights(place)}
        self.names.call(run, "Run.evaluate", samples=7, seed=number)
        found |= self._measured(place, "evaluation")
        found["drawn"] = self._drawn(run, number)
        found |= self._further(run, row.also, place)
        shutil.rmtree(place)
        return found

    def _trained(self, row: rows.Row, place: Path) -> Any:
        recipe = place.with_suffix(".yaml")
        recipe.write_text(yaml.safe_dump(self.names.recipe(row.recipe)), encoding="utf-8")
        run = self.names.run("vaekit.train", str(recipe), run_dir=str(place), figures="figures" in row.also)
        if "resume" in row.also:
            epochs = row.recipe["training"]["epochs"] + 1
            run = self.names.run(
                "vaekit.resume",
                str(place),
                self.names.overrides({"training": {"epochs": epochs}}),
                figures=False,
            )
        return run

    def _lines(self, place: Path) -> list[Any]:
        text = (place / self.names.file("metrics.jsonl")).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def _weights(self, place: Path) -> Tree:
        tensors = load_file(place / self.names.file("model/model.safetensors"))
        return {name: digest(tensor) for name, tensor in tensors.items()}

    def _measured(self, place: Path, name: str, called: str = "") -> Tree:
        """The numbers of a measurement that the run keeps, and of each image."""
        with np.load(place / self.names.file(f"{name}.npz"), allow_pickle=False) as arrays:
            each = {key: digest(array) for key, array in arrays.items()}
        return {called or name: self._json(place, f"{name}.json"), f"{called or name} of each": each}

    def _json(self, place: Path, name: str) -> Any:
        return json.loads((place / self.names.file(name)).read_text(encoding="utf-8"))

    def _drawn(self, run: Any, seed: int) -> Tree:
        """What the model makes of nothing, and of images."""
        call, model = self.names.call, self.names.get(run, "Run.model")
        seen = call(self.names.get(run, "Run.trained"), "Trained.observed", split="test")
        x, y = call(seen, "Observed.all")[:6], self.names.get(seen, "Observed.labels")
        y = None if y is None else y[:6]
        ends = {"y": None if y is None else y[:2], "y_b": None if y is None else y[2:4]}
        holed = x.clone()
        holed[..., -2:] = torch.nan
        gaps = {"imputations": 2, "samples": 12, "seed": seed}
        made = {
            "observed": x,
            "sample": call(model, "VAE.sample", 5, seed=seed),
            "sample with pixels": call(model, "VAE.sample", 5, seed=seed, draw=True),
            "sample at half the temperature": call(model, "VAE.sample", 5, temperature=0.5, seed=seed),
            "reconstruct": call(model, "VAE.reconstruct", x, y=y),
            "reconstruct a draw": call(model, "VAE.reconstruct", x, y=y, seed=seed, draw=True),
            "interpolate": call(model, "VAE.interpolate", x[:2], x[2:4], steps=4, **ends),
            "interpolate on the arc": call(
                model, "VAE.interpolate", x[:2], x[2:4], steps=3, path="spherical", **ends
            ),
            "interpolate labels": call(
                model, "VAE.interpolate", x[:2], x[2:4], steps=3, vary="label", **ends
            ),
            "impute": call(model, "VAE.impute", holed[:3], y=None if y is None else y[:3], **gaps),
            "impute without labels": call(model, "VAE.impute", holed[:2], draw=False, **gaps),
        }
        return {name: digest(images) for name, images in made.items()}

    def _further(self, run: Any, also: frozenset[str], place: Path) -> Tree:
        """What is done with some rows alone."""
        call, found = self.names.call, Tree()
        chains = {"chains": 2, "steps": 3, "images": 3}
        if "annealed" in also:
            call(run, "Run.evaluate", samples=5, estimator="ais", **chains)
            found |= self._measured(place, "evaluation-ais")
        if "sandwich" in also:
            call(run, "Run.sandwich", samples=5, **chains)
            found["bdmc"] = self._json(place, "bdmc.json")
        if "labels missing" in also:
            call(run, "Run.evaluate", samples=6, labels="missing", images=5)
            found |= self._measured(place, "evaluation", "labels missing")
        if "quality" in also:
            call(run, "Run.evaluate", samples=3, quality=True, quality_samples=12, features="pixels")
            found |= self._measured(place, "evaluation", "quality")
        if "classifier" in also:
            call(run, "Run.evaluate", samples=3, quality=True, quality_samples=12)
            found |= self._measured(place, "evaluation", "classifier")
        if "hidden" in also:
            measured = call(run, "Run.evaluate", samples=4, missing="square:2")
            found["hidden"] = json.loads(json.dumps(call(measured, "Evaluation.to_dict")))
        return found


def main() -> None:
    orders = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    names, folder = Names(orders["side"] == "old"), Path(orders["folder"])
    _check_place(orders["tree"])
    if orders["plant"]:
        naming.plant(orders["plant"])
    os.chdir(folder)
    result: Tree = {}
    if "models" in orders["parts"]:
        models = Models(names, Path(orders["data"]), folder)
        chosen = rows.models(orders["data"])[: orders["rows"]]
        result["models"] = {
            row.name: _told(row.name, lambda row=row, number=number: models.of(row, number))
            for number, row in enumerate(chosen)
        }
    Path(orders["result"]).write_text(json.dumps(result, indent=1), encoding="utf-8")


def _check_place(tree: str) -> None:
    import vaekit

    if not Path(vaekit.__file__).resolve().is_relative_to(Path(tree).resolve()):
        raise SystemExit(f"vaekit was imported from {vaekit.__file__}, not from {tree}")


def _told(name: str, work: Callable[[], Tree]) -> Tree:
    """What some work gives, or that it failed; a line about it goes to stdout."""
    began = time.perf_counter()
    try:
        return work()
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
