"""Anomaly scores of tables by default, beside the usual detectors.

    python benchmarks/quality/anomaly.py FOLDER                    # every .npz with X (N, D) and y (N,)
    python benchmarks/quality/anomaly.py FOLDER --seeds 0 1 2 --output anomaly.md
    python benchmarks/quality/anomaly.py --images                  # pairs of small images
    python benchmarks/quality/anomaly.py --fashion                 # Fashion-MNIST (model), MNIST (outliers)

ADBench's protocol (Han et al. 2022): for each seed 70 % of the rows, without their labels, are the training
data, the rest is the test, stratified; the score is the area under the ROC curve. `vaekit.train(data=FILE)`
and `score` run with no key changed. IsolationForest, the distance to the 5th neighbor and the error of a
PCA with 90 % of the variance come from scikit-learn, on standardized columns. PyOD's AutoEncoder, VAE and
ECOD are added if it is installed. The views of the score of vaekit are printed, too.

For images, a model is trained on one set, and the test images of another are the outliers. The default score
was chosen on the pairs of `--images`, from the digits and the two photographs of scikit-learn; `--fashion`
reports it on data that had no part in the choice.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

OURS = "vaekit"
VIEWS = ("likelihood", "neighbors", "ellipsoid", "reconstruction", "kl")
MAX_IMAGES = 1000
IMAGE_METHODS = ("complexity", "likelihood", "typicality", "regret", "latent", "reconstruction", "kl")


def vaekit_scores(training: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """The default score of the test rows, and single ones, from one model that is trained by default."""
    import vaekit
    from vaekit.engine.score import score
    from vaekit.training.display import SilentLogger

    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.npz" for name in ("training", "test")}
        np.savez(files["training"], X=training)
        np.savez(files["test"], X=test)
        run = vaekit.train(data=files["training"], run_dir=Path(folder) / "run", log=SilentLogger())
        found = {OURS: score(run.trained, str(files["test"])).score}
        for view in VIEWS:
            found[f"{OURS}: {view}"] = score(run.trained, str(files["test"]), method=view).score  # type: ignore[arg-type]
    return found


def scikit_learn_scores(training: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """IsolationForest, KNN and PCA."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(training)
    a, b = scaler.transform(training), scaler.transform(test)
    pca = PCA(0.9).fit(a)
    return {
        "IsolationForest": -IsolationForest(random_state=0).fit(a).score_samples(b),
        "KNN": NearestNeighbors(n_neighbors=5).fit(a).kneighbors(b)[0].max(1),
        "PCA": np.square(b - pca.inverse_transform(pca.transform(b))).sum(1),
    }


def pyod_scores(training: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """AutoEncoder, VAE and ECOD of PyOD; nothing if it is not installed."""
    try:
        from pyod.models.auto_encoder import AutoEncoder  # type: ignore[import-not-found]
        from pyod.models.ecod import ECOD  # type: ignore[import-not-found]
        from pyod.models.vae import VAE  # type: ignore[import-not-found]
    except ImportError:
        return {}
    found = {}
    for name, detector in (("PyOD AE", AutoEncoder()), ("PyOD VAE", VAE()), ("ECOD", ECOD())):
        detector.fit(training)
        found[name] = detector.decision_function(test)
    return found


DETECTORS: tuple[Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]], ...] = (
    vaekit_scores,
    scikit_learn_scores,
    pyod_scores,
)


def measure(file: Path, seed: int) -> dict[str, float]:
    """The area under the ROC curve of each detector on one table and seed."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split

    with np.load(file, allow_pickle=False) as arrays:
        x, y = arrays["X"].astype(np.float64), arrays["y"].astype(int)
    training, test, _, truth = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    areas = {}
    for detector in DETECTORS:
        areas |= {name: float(roc_auc_score(truth, s)) for name, s in detector(training, test).items()}
    return areas


def small_images() -> dict[str, np.ndarray]:
    """Images (N, H, W) or (N, H, W, 3), uint8: digits, and gray and color patches of two photographs."""
    from sklearn.datasets import load_digits, load_sample_images

    gray = {"digits": np.rint(load_digits().images * (255 / 16)).astype(np.uint8)}
    color = {}
    for name, photograph in zip(("china", "flower"), load_sample_images().images, strict=True):
        gray[f"{name} 8x8"] = patches(photograph, 8).mean(-1).round().astype(np.uint8)
        color[f"{name} 16x16"] = patches(photograph, 16)
    return gray | color


def patches(photograph: np.ndarray, side: int, n: int = 2000) -> np.ndarray:
    """n patches at random places, (n, side, side, 3)."""
    rng, (height, width, _) = np.random.default_rng(0), photograph.shape
    places = zip(rng.integers(0, height - side, n), rng.integers(0, width - side, n), strict=True)
    return np.stack([photograph[i : i + side, j : j + side] for i, j in places])


def image_areas(data: str, outliers: Sequence[str]) -> dict[str, dict[str, float]]:
    """The area of each image score with a default model of `data`, for each dataset of outliers."""
    from sklearn.metrics import roc_auc_score

    import vaekit
    from vaekit.engine.score import score
    from vaekit.training.display import SilentLogger

    areas: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        run = vaekit.train(data=data, run_dir=Path(folder) / "run", figures=False, log=SilentLogger())
        tested = {name: test_images(run.trained, name) for name in (data, *outliers)}
        for method in IMAGE_METHODS:
            measure = partial(score, run.trained, method=method, samples=16, compare_held_out=False)  # type: ignore[arg-type]
            found = {name: measure(images).score for name, images in tested.items()}
            for other in outliers:
                truth = np.repeat([0, 1], [len(found[data]), len(found[other])])
                area = float(roc_auc_score(truth, np.concatenate([found[data], found[other]])))
                areas.setdefault(f"{Path(data).stem}, outliers {Path(other).stem}", {})[method] = area
                print(f"{data}, outliers {other}, {method}: {area:.3f}", file=sys.stderr, flush=True)
    return areas


def test_images(trained: Any, data: str) -> np.ndarray:
    """Test images of the model's own data or of others, at most MAX_IMAGES of them, in their own units."""
    dataset, splits = trained.load_data(data)
    chosen = trained.choose(splits.test, MAX_IMAGES)
    return dataset.to_layout(dataset.in_units(chosen)).astype(dataset.images.dtype)


def small_image_areas() -> dict[str, dict[str, float]]:
    """`image_areas` of each small set with each other set of its shape as outliers."""
    areas = {}
    with tempfile.TemporaryDirectory() as folder:
        shapes: dict[str, tuple[int, ...]] = {}
        for name, images in small_images().items():
            file = Path(folder) / f"{name}.npz"
            np.savez(file, x=images)
            shapes[str(file)] = images.shape[1:]
        for data, shape in shapes.items():
            others = [other for other in shapes if other != data and shapes[other] == shape]
            areas |= image_areas(data, others)
    return areas


def markdown(results: dict[str, dict[str, list[float]]]) -> str:
    """One row per table, one column per detector, means over seeds, and the mean over tables.

    >>> print(markdown({"t": {"a": [0.5, 0.7], "b": [0.9, 0.9]}}))
    | table | a | b |
    | --- | --- | --- |
    | t | 0.600 | **0.900** |
    | mean | 0.600 | **0.900** |
    """
    names = list(next(iter(results.values())))
    means = {table: [float(np.mean(row[name])) for name in names] for table, row in results.items()}
    means["mean"] = np.mean(list(means.values()), axis=0).tolist()
    lines = ["| table | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for table, values in means.items():
        cells = [f"**{value:.3f}**" if value == max(values) else f"{value:.3f}" for value in values]
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print a Markdown table, and write it and the numbers where asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="of .npz files with X and y")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--images", action="store_true", help="pairs of small images instead")
    parser.add_argument("--fashion", action="store_true", help="Fashion-MNIST against MNIST instead")
    parser.add_argument("--output", type=Path, help="a Markdown file; the numbers go beside it, as .json")
    options = parser.parse_args(words)
    if options.images or options.fashion:
        found = small_image_areas() if options.images else image_areas("fashion-mnist", ["mnist"])
        text = markdown({pair: {m: [area] for m, area in row.items()} for pair, row in found.items()})
        print(text)
        if options.output:
            options.output.write_text(text + "\n")
        return
    files = sorted(options.folder.glob("*.npz")) if options.folder else []
    if not files:
        parser.error(f"folder: expected .npz files with X and y, got none in {options.folder}")
    results: dict[str, Any] = {}
    for file in files:
        by_name: dict[str, list[float]] = defaultdict(list)
        for seed in options.seeds:
            start = time.perf_counter()
            for name, area in measure(file, seed).items():
                by_name[name].append(area)
            print(
                f"{file.stem} seed {seed}: {by_name[OURS][-1]:.3f} in {time.perf_counter() - start:.0f} s",
                file=sys.stderr,
            )
        results[file.stem] = dict(by_name)
        if options.output:
            options.output.write_text(markdown(results) + "\n")
            options.output.with_suffix(".json").write_text(json.dumps(results, indent=2) + "\n")
    print(markdown(results))


if __name__ == "__main__":
    main()
