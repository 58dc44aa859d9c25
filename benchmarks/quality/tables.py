"""The density of a VAE of a table, by default, beside factor analysis and mixtures of Gaussians.

    python benchmarks/quality/tables.py                # synthetic tables, and those of installed packages
    python benchmarks/quality/tables.py a.csv b.csv --splits 10 --output tables.md

Each table becomes a CSV of its real columns. For each of ten splits `vaekit.train(data=CSV)` and
`Run.evaluate` run with no other key changed than the seed of the split, and the baselines are fitted on the
same training rows: factor analysis with 1 to 20 factors and a mixture of 1 to 10 Gaussians, the best of each
on the validation rows. All numbers are mean log-densities of the test rows, in nats per row and in units of
the data. A difference has a 95 % interval of the paired differences over splits (Student's t).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

MODELS = ("VAE", "FactorAnalysis", "GaussianMixture")

Rows = tuple[list[str], np.ndarray]


@dataclass(frozen=True)
class Split:
    """What one split of one table gave, in nats per row; `VAE` is the importance-sampled log p(x)."""

    table: str
    rows: int
    columns: int
    seed: int
    scores: dict[str, float]
    seconds: float
    model: str


# --------------------------------------------------------------------------------------------------- tables


def synthetic() -> Iterator[tuple[str, Rows]]:
    """Columns of very different scales; three clusters; a linear-Gaussian model of rank 3."""
    rng, n = np.random.default_rng(0), 2000
    scales = np.stack([rng.normal(0, 0.01, n), rng.normal(3, 5, n), rng.normal(0, 2000, n)], 1)
    yield "scales", (["a", "b", "c"], scales)
    centers, units = rng.normal(0, 4, (3, 6)), np.array([0.02, 1, 30, 5, 0.5, 400])
    clusters = (centers[rng.integers(0, 3, n)] + rng.normal(size=(n, 6))) * units
    yield "clusters", ([f"v{j}" for j in range(6)], clusters)
    loadings = rng.normal(size=(3, 10))
    linear = rng.normal(size=(n, 3)) @ loadings + 0.5 * rng.normal(size=(n, 10))
    yield "linear-gaussian", ([f"x{j}" for j in range(10)], linear)


def scikit_learn() -> Iterator[tuple[str, Rows]]:
    """iris, wine, breast cancer and diabetes of scikit-learn."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        options = {"scaled": False} if name == "diabetes" else {}
        bunch = getattr(datasets, f"load_{name}")(**options)
        yield name, ([str(word) for word in bunch.feature_names], bunch.data)


def statsmodels() -> Iterator[tuple[str, Rows]]:
    """Tables of statsmodels, without years and identifiers; none if it is not installed."""
    try:
        from statsmodels import datasets
    except ImportError:
        return
    drop = {"year", "quarter", "YEAR", "Quarter"}
    for name in ("macrodata", "star98", "engel", "grunfeld", "statecrime", "elnino", "ccard", "fair"):
        frame = getattr(datasets, name).load_pandas().data.select_dtypes("number").dropna()
        frame = frame.drop(columns=[c for c in frame.columns if c in drop])
        yield name, ([str(c) for c in frame.columns], frame.to_numpy(float))


def palmerpenguins() -> Iterator[tuple[str, Rows]]:
    """The measurements of the penguins; none if the package is not installed."""
    try:
        from palmerpenguins import load_penguins
    except ImportError:
        return
    frame = load_penguins().select_dtypes("number").drop(columns="year").dropna()
    yield "penguins", (list(frame.columns), frame.to_numpy(float))


SOURCES: tuple[Callable[[], Iterator[tuple[str, Rows]]], ...] = (
    synthetic, scikit_learn, statsmodels, palmerpenguins,
)  # fmt: skip


def write_real_columns(name: str, rows: Rows, folder: Path) -> Path | None:
    """Write a CSV of the columns that vaekit reads as real; None if there are fewer than two."""
    from vaekit.data import load_dataset

    names, values = rows
    path = folder / f"{name}.csv"
    _write(path, names, values)
    found = load_dataset(str(path)).columns
    real = {column.name for column in found if column.kind == "real"}
    chosen = [j for j, column in enumerate(names) if column in real]
    if len(chosen) < 2:
        return None
    _write(path, [names[j] for j in chosen], values[:, chosen])
    return path


def _write(path: Path, names: list[str], values: np.ndarray) -> None:
    header = ",".join('"' + name.replace('"', "'") + '"' for name in names)
    lines = [",".join(repr(float(value)) for value in row) for row in values]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


# ---------------------------------------------------------------------------------------------- measurement


def measure(name: str, path: Path, seed: int, samples: int) -> Split:
    """Train on a split and measure its test rows, by the public interface and with its defaults."""
    import vaekit
    from vaekit.training.display import SilentLogger

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = vaekit.train(
            data=path, overrides=[f"data.seed={seed}"], run_dir=folder, figures=False, log=SilentLogger()
        )
        seconds = time.perf_counter() - began
        found = run.evaluate(samples=samples, baselines=True)
        dataset, _ = run.trained.load_data()
        model = run.recipe.model
        components = getattr(model.prior, "components", 1)
    scores = {"VAE": found.log_likelihood}
    for baseline in found.baselines or ():
        scores[baseline.name.partition(",")[0]] = baseline.log_density
    size = f"{model.layer_dims[0]} latents, {components} components"
    return Split(name, len(dataset), len(dataset.columns), seed, scores, seconds, size)


def interval(differences: np.ndarray) -> tuple[float, float, float]:
    """The mean and the 95 % interval of paired differences (Student's t)."""
    from scipy.stats import t

    mean = float(differences.mean())
    if len(differences) < 2:
        return mean, float("nan"), float("nan")
    half = float(t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences)))
    return mean, mean - half, mean + half


def markdown(splits: list[Split]) -> str:
    """A table with one line per data table, and the two counts that matter."""
    lines = [
        "| table | rows x columns | VAE | FactorAnalysis | GaussianMixture | VAE - FactorAnalysis "
        "| VAE - GaussianMixture | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(split.table for split in splits))
    at_least, better = 0, 0
    for name in names:
        own = [split for split in splits if split.table == name]
        scores = {model: np.array([split.scores[model] for split in own]) for model in MODELS}
        factors = interval(scores["VAE"] - scores["FactorAnalysis"])
        mixture = interval(scores["VAE"] - scores["GaussianMixture"])
        at_least += not factors[2] < -0.1
        better += mixture[0] > 0
        means = " | ".join(f"{scores[model].mean():.2f}" for model in MODELS)
        said = " | ".join(f"{m:+.2f} [{low:+.2f}, {high:+.2f}]" for m, low, high in (factors, mixture))
        seconds = np.mean([split.seconds for split in own])
        lines.append(f"| {name} | {own[0].rows} x {own[0].columns} | {means} | {said} | {seconds:.0f} |")
    lines += [
        "",
        f"The interval of VAE - FactorAnalysis is not entirely below -0.1 on {at_least} of {len(names)} "
        f"tables; the VAE is better than the best mixture on {better}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", nargs="*", type=Path, help="tables of your own; only their real columns count")
    parser.add_argument("--tables", nargs="*", help="names of the tables to measure; default: all")
    parser.add_argument("--splits", type=int, default=10, help="number of splits (10)")
    parser.add_argument("--samples", type=int, default=1000, help="importance samples per row (1000)")
    parser.add_argument("--output", type=Path, help="where to write the table, in Markdown")
    parser.add_argument("--json", type=Path, help="where to write each split; splits in it are not repeated")
    given = parser.parse_args()

    done = [Split(**entry) for entry in json.loads(given.json.read_text())] if _exists(given.json) else []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _paths(given.csv, Path(folder), given.tables):
            for seed in range(given.splits):
                if any((split.table, split.seed) == (name, seed) for split in done):
                    continue
                done.append(measure(name, path, seed, given.samples))
                scores = ", ".join(f"{model} {value:.2f}" for model, value in done[-1].scores.items())
                print(f"{name}, split {seed}: {scores}; {done[-1].model}", file=sys.stderr, flush=True)
                if given.json is not None:
                    given.json.write_text(json.dumps([asdict(split) for split in done], indent=1))
    text = markdown(done)
    print(text)
    if given.output is not None:
        given.output.write_text(text + "\n", encoding="utf-8")


def _exists(path: Path | None) -> bool:
    return path is not None and path.exists()


def _paths(own: list[Path], folder: Path, names: list[str] | None) -> Iterator[tuple[str, Path]]:
    """The tables to measure, each as a CSV."""
    if own:
        yield from ((path.stem, path) for path in own)
        return
    for source in SOURCES:
        for name, rows in source():
            if names is None or name in names:
                path = write_real_columns(name, rows, folder)
                if path is not None:
                    yield name, path


if __name__ == "__main__":
    main()
