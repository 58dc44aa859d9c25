"""Trains and measures on one tree, old or new, and writes down every number.

    python -m same_numbers.worker ORDERS.json

Runs with the tree's package found first. The orders say which side it is, where to write, and what is wanted;
see `same_numbers.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Container, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from matplotlib.figure import Figure
from safetensors.torch import load_file

import vaekit
from same_numbers import names as naming
from same_numbers import rows
from same_numbers.names import Names

Tree = dict[str, Any]

PYTHON = (  # all that is called of vaekit by its dotted name
    "vaekit.train",
    "vaekit.resume",
    "vaekit.demo",
    "vaekit.study",
    "vaekit.config.loading.load_recipe",
    "vaekit.config.loading.recipe_names",
    "vaekit.data.catalog.find_entry",
    "vaekit.data.locate.find_source",
    "vaekit.studies.library.load_study",
    "vaekit.studies.library.study_names",
    "vaekit.studies.plan.plan_variants",
)


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
        folder: where to train.
    """

    def __init__(self, names: Names, folder: Path):
        self.names, self.folder = names, folder

    def check(self, chosen: list[rows.Row]) -> None:
        """Miss a key of a recipe at once, not after minutes."""
        wrong = []
        for row in chosen:
            try:
                self.names.run("vaekit.config.loading.load_recipe", self._recipe(row, self.folder / "check"))
            except Exception as error:
                wrong.append(f"{row.name}: {error}")
        if wrong:
            raise SystemExit(
                "\n".join([*wrong[:5], f"{len(wrong)} recipes are wrong; see rows.py and table.py"])
            )

    def of(self, row: rows.Row, number: int) -> Tree:
        """Every number of a row."""
        place = self.folder / str(number)
        with Drawn() as drawn:
            run = self._trained(row, place)
        found: Tree = {"metrics": self._lines(place), "weights": self._weights(place)}
        self.names.call(run, "Run.evaluate", samples=7, seed=number)
        found |= self._measured(place, "evaluation", "evaluation")
        found["drawn"] = self._drawn(run, number)
        found |= self._further(run, row.also, place)
        shutil.rmtree(place)
        return found | {"figures": drawn.figures}

    def _trained(self, row: rows.Row, place: Path) -> Any:
        recipe, figures = self._recipe(row, place), "figures" in row.also
        run = self.names.run("vaekit.train", recipe, run_dir=str(place), figures=figures)
        if "resume" in row.also:
            epochs = row.recipe["training"]["epochs"] + 1
            run = self.names.run(
                "vaekit.resume",
                str(place),
                self.names.overrides({"training": {"epochs": epochs}}),
                figures=False,
            )
        return run

    def _recipe(self, row: rows.Row, place: Path) -> str:
        """The recipe of a row, in a file beside a place."""
        file = place.with_suffix(".yaml")
        file.write_text(yaml.safe_dump(self.names.recipe(row.recipe)), encoding="utf-8")
        return str(file)

    def _lines(self, place: Path) -> list[Any]:
        text = (place / self.names.file("metrics.jsonl")).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def _weights(self, place: Path) -> Tree:
        tensors = load_file(place / self.names.file("model/model.safetensors"))
        return {name: digest(tensor) for name, tensor in tensors.items()}

    def _measured(self, place: Path, name: str, called: str) -> Tree:
        """The numbers of a measurement that the run keeps, and of each image."""
        with np.load(place / self.names.file(f"{name}.npz"), allow_pickle=False) as arrays:
            each = {key: digest(array) for key, array in arrays.items()}
        return {called: self._json(place, f"{name}.json"), f"{called} of each": each}

    def _json(self, place: Path, name: str) -> Any:
        return json.loads((place / self.names.file(name)).read_text(encoding="utf-8"))

    def _drawn(self, run: Any, seed: int) -> Tree:
        """What the model makes of nothing, and of images."""
        call, model = self.names.call, self.names.get(run, "Run.model")
        seen = call(self.names.get(run, "Run.trained"), "TrainedModel.load_split", split="test")
        x, y = call(seen, "Observed.all")[:6], self.names.get(seen, "Observed.labels")
        y = None if y is None else y[:6]
        ends = {"context": None if y is None else y[:2], "context_b": None if y is None else y[2:4]}
        holed = x.clone()
        holed[..., -2:] = torch.nan
        gaps = {"imputations": 2, "samples": 12, "seed": seed}
        made = {
            "observed": x,
            "sample": call(model, "VAE.sample", 5, seed=seed),
            "sample with pixels": call(model, "VAE.sample", 5, seed=seed, sample_pixels=True),
            "sample at half the temperature": call(model, "VAE.sample", 5, temperature=0.5, seed=seed),
            "reconstruct": call(model, "VAE.reconstruct", x, context=y),
            "reconstruct a draw": call(
                model, "VAE.reconstruct", x, context=y, seed=seed, sample_latents=True
            ),
            "interpolate": call(model, "VAE.interpolate", x[:2], x[2:4], steps=4, **ends),
            "interpolate on the arc": call(
                model, "VAE.interpolate", x[:2], x[2:4], steps=3, path="spherical", **ends
            ),
            "interpolate labels": call(
                model, "VAE.interpolate", x[:2], x[2:4], steps=3, vary="label", **ends
            ),
            "impute": call(model, "VAE.impute", holed[:3], context=None if y is None else y[:3], **gaps),
            "impute without labels": call(model, "VAE.impute", holed[:2], sample_pixels=False, **gaps),
        }
        return {name: digest(images) for name, images in made.items()}

    def _further(self, run: Any, also: frozenset[str], place: Path) -> Tree:
        """What is done with some rows alone."""
        call, found = self.names.call, Tree()
        chains = {"chains": 2, "steps": 3, "images": 3}
        if "annealed" in also:
            call(run, "Run.evaluate", samples=5, estimator="ais", **chains)
            found |= self._measured(place, "evaluation-ais", "annealed")
        if "sandwich" in also:
            call(run, "Run.bdmc", samples=5, **chains)
            found["sandwich"] = self._json(place, "bdmc.json")
        if "labels missing" in also:
            call(run, "Run.evaluate", samples=6, labels="marginalize", images=5)
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


class Studies:
    """Runs the packaged studies under a tiny preset.

    Args:
        names: of the side.
        folder: where to.
    """

    def __init__(self, names: Names, folder: Path):
        self.names, self.folder = names, folder

    def of(self, name: str) -> Tree:
        """Every number of a study by its new name: what its presets plan, and what a tiny one finds."""
        file = self.folder / f"{name}.yaml"
        file.write_text(
            yaml.safe_dump(self._small(name), sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
        place = self.folder / f"study-{name}"
        with Drawn() as drawn:
            made = self.names.run("vaekit.study", str(file), preset="tiny", folder=str(place), jobs=1)
        results = json.loads((place / self.names.file("results.json")).read_text(encoding="utf-8"))
        page = (place / self.names.file("index.html")).read_text(encoding="utf-8")
        found = {
            "planned": self._planned(name),
            "presets": self._packaged(name)[self.names.key("presets")],
            "results": results,
            "not run": [{"error": str(failure)} for failure in self.names.get(made, "Results.failures")],
            "page": _said(page),
            "not shown": _not_shown(page),
            "figures": drawn.figures,
        }
        shutil.rmtree(place)
        return found

    def lacks(self, name: str) -> list[str]:
        """The datasets of a study that cannot be had without a download."""
        names = self.names
        wanted = {
            data: names.run("vaekit.data.catalog.find_entry", data) for data in rows.DATASETS.get(name, ())
        }
        return [
            data
            for data, entry in wanted.items()
            if names.run("vaekit.data.locate.find_source", entry) == "download"
        ]

    def _small(self, name: str) -> Tree:
        """A study of the package with one more preset, and with blocks that take little time."""
        key, small = self.names.key, rows.TINY
        tree = self._packaged(name)
        quick = tree[key("presets")][key("presets.quick")]
        tiny = {**quick, key("runs"): {**quick.get(key("runs"), {}), "*": self.names.overrides(small.recipe)}}
        evaluate = {key(f"evaluate.{option}"): value for option, value in small.evaluate.items()}
        quality = key("evaluate.quality")
        if quality in quick[key("evaluate")]:
            evaluate[quality] = small.quality
        tiny |= {key("evaluate"): evaluate, key("seeds"): rows.SEEDS.get(name, 1)}
        blocks = {self.names.block(kind): self._options(kind) for kind in rows.BLOCKS}
        clocks = {self.names.field(f"metrics/{clock}") for clock in rows.CLOCKS}
        page = [
            _smaller(_without(block, clocks), blocks)
            for block in tree[key("page")]
            if not _timed(block, clocks)
        ]
        return {**tree, key("presets"): {"tiny": tiny}, key("page"): page}

    def _packaged(self, name: str) -> Tree:
        """What the YAML of a study of the package says, wherever below a folder `studies` it lies."""
        package = Path(vaekit.__file__).parent
        files = package.rglob(f"{self.names.study(name)}.yaml")
        [file] = [file for file in files if "studies" in file.relative_to(package).parts]
        return yaml.safe_load(file.read_text(encoding="utf-8"))

    def _options(self, kind: str) -> Tree:
        return {self.names.key(f"page.{kind}.{option}"): value for option, value in rows.BLOCKS[kind].items()}

    def _planned(self, name: str) -> Tree:
        """The recipes of the study under the presets that the package gives it, resolved."""
        names = self.names
        study = names.run("vaekit.studies.library.load_study", names.study(name))
        return {
            preset: [
                {"recipe": names.get(variant, "Variant.recipe").model_dump(mode="json")}
                for variant in names.run("vaekit.studies.plan.plan_variants", study, spent)
            ]
            for preset, spent in names.get(study, "Study.presets").items()
        }


class Drawn:
    """Notes the numbers of all figures that are drawn meanwhile, whatever they are made by."""

    def __init__(self) -> None:
        self.figures: list[list[str]] = []

    def __enter__(self) -> Drawn:
        self._save = Figure.savefig

        def save(figure: Figure, *args: Any, **options: Any) -> None:
            self.figures.append([_of_axes(axes) for axes in figure.axes])
            self._save(figure, *args, **options)

        Figure.savefig = save  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Figure.savefig = self._save  # type: ignore[method-assign]


def _of_axes(axes: Any) -> str:
    """A digest of the images, lines, points and bars of axes; words are not in it."""
    arrays = [image.get_array() for image in axes.images]
    arrays += [line.get_xydata() for line in axes.lines]
    for collection in axes.collections:
        arrays += [collection.get_offsets(), *(path.vertices for path in collection.get_paths())]
        arrays += [] if collection.get_array() is None else [collection.get_array()]
    arrays += [patch.get_path().transformed(patch.get_patch_transform()).vertices for patch in axes.patches]
    return hashlib.sha256("".join(digest(np.asarray(array)) for array in arrays).encode()).hexdigest()[:32]


def _smaller(block: Any, small: Mapping[str, Tree]) -> Any:
    """A block with options that make it quick, if it is one that takes long."""
    [(kind, given)] = block.items() if isinstance(block, dict) else [(block, {})]
    if kind not in small:
        return block
    return {kind: {**(given if isinstance(given, dict) else {rows.FIRST_OPTION: given}), **small[kind]}}


def _timed(block: Any, clocks: Container[str]) -> bool:
    """Whether a block is of a time alone."""
    given = next(iter(block.values())) if isinstance(block, dict) else None
    return any(_is(value, clocks) for value in (given.values() if isinstance(given, dict) else [given]))


def _without(value: Any, clocks: Container[str]) -> Any:
    """Options whose lists have no times."""
    if isinstance(value, dict):
        return {key: _without(inner, clocks) for key, inner in value.items()}
    return [inner for inner in value if not _is(inner, clocks)] if isinstance(value, list) else value


def _is(value: Any, words: Container[str]) -> bool:
    return isinstance(value, str) and value in words


def _said(page: str) -> list[float]:
    """The decimal numbers in the text of a page, in their order; tables stand in results.json."""
    body = (
        page.partition("<main>")[2].partition("</header>")[2].partition('<section aria-labelledby="runs"')[0]
    )
    text = re.sub(r"<table.*?</table>|<[^>]*>", " ", body, flags=re.DOTALL)
    return [
        float(number.replace("−", "-").replace(",", "")) for number in re.findall(r"[-−]?\d[\d,]*\.\d+", text)
    ]


def _not_shown(page: str) -> list[Tree]:
    """What could not be shown, as errors."""
    found = re.findall(r'<p class="missing">(.*?)</p>', page, flags=re.DOTALL)
    return [{"error": text} for text in found]


def packaged_recipes(names: Names) -> Tree:
    """The recipes that the package carries, resolved."""
    own = names.packaged_recipes(names.run("vaekit.config.loading.recipe_names"))
    read = {new: names.run("vaekit.config.loading.load_recipe", name) for new, name in own.items()}
    return {name: {"recipe": recipe.model_dump(mode="json")} for name, recipe in read.items()}


def packaged_model(names: Names) -> Tree:
    """The model that the package carries."""
    model = names.get(names.run("vaekit.demo"), "TrainedModel.model")
    return {
        "weights": {name: digest(tensor) for name, tensor in model.state_dict().items()},
        "sample": digest(names.call(model, "VAE.sample", 10, seed=0)),
    }


def main() -> None:
    orders = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    names, folder = Names(orders["side"] == "old"), Path(orders["folder"])
    _check_place(orders["tree"])
    _check_names(names)
    if orders["plant"]:
        naming.plant(orders["plant"])
    os.chdir(folder)
    result: Tree = {
        "packaged recipes": _told("packaged recipes", partial(packaged_recipes, names)),
        "packaged model": _told("packaged model", partial(packaged_model, names)),
    }
    if "models" in orders["parts"]:
        models = Models(names, folder)
        chosen = rows.models(orders["data"])[: orders["rows"]]
        models.check(chosen)
        result["models"] = {
            row.name: _told(row.name, partial(models.of, row, number)) for number, row in enumerate(chosen)
        }
    if "studies" in orders["parts"]:
        studies, every = (
            Studies(names, folder),
            names.studies(names.run("vaekit.studies.library.study_names")),
        )
        wanted = [name for name in every if name in (orders["studies"] or every)]
        lacking = {name: found for name in wanted if (found := studies.lacks(name))}
        result["lacking"] = lacking
        result["studies"] = {
            name: _told(name, partial(studies.of, name)) for name in wanted if name not in lacking
        }
    Path(orders["result"]).write_text(json.dumps(result, indent=1), encoding="utf-8")


def _check_place(tree: str) -> None:
    if not Path(vaekit.__file__).resolve().is_relative_to(Path(tree).resolve()):
        raise SystemExit(f"vaekit was imported from {vaekit.__file__}, not from {tree}")


def _check_names(names: Names) -> None:
    """Miss a row of the table at once, not after minutes."""
    for name in PYTHON:
        try:
            names.find(name)
        except (ImportError, AttributeError) as error:
            raise SystemExit(
                f"{name}: not there ({error}); see PYTHON in table.py and in worker.py"
            ) from None


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
