"""Simulated genes: held-out log-likelihood and clusters, vaekit by default against scvi-tools by default.

    python -m benchmarks.quality.counts --seeds 0 1 2 > table.md

A cell has a type, three continuous states and a library size; a gene has a dispersion and loses counts
(a zero-inflated negative binomial). Both programs train on the same four fifths of the cells, of which each
holds out a tenth for its own use, and neither is given a setting. Measured on the other fifth:

- log p(x | total) by importance sampling, in nats per cell. Both models take the total of the row as given,
  as the factor l of every mean, so both numbers are of the same quantity. scvi-tools computes its own, by
  `get_marginal_ll` with as many samples. Both are lower bounds that rise with the number of samples.
- The adjusted Rand index and the normalized mutual information of k-means (k = number of types) on the
  posterior means, against the true types.

Beside them: the mean profile with one dispersion per gene, a model without latents; and k-means on ten
principal components of log(1 + counts per median total).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from benchmarks.environments import HERE, Unavailable, python

SCRIPT = HERE / "quality" / "scvi_.py"
CACHE = HERE / ".cache" / "counts"


class Simulation(NamedTuple):
    """Counts (N, D) and the type of each cell (N,)."""

    counts: np.ndarray
    types: np.ndarray


class Row(NamedTuple):
    """What was measured of one method on one simulation; NaN where it does not apply."""

    method: str
    seed: int
    log_likelihood: float
    rand_index: float
    mutual_information: float
    seconds: float


def simulate(seed: int, cells: int, genes: int, types: int = 8, states: int = 3) -> Simulation:
    """Zero-inflated negative binomial counts of cells of several types.

    Args:
        seed: of everything.
        cells, genes: N and D.
        types: number of cell types; each changes 8 % of the genes.
        states: number of continuous states within all types; each changes 20 % of the genes a little.
    """
    random = np.random.default_rng(seed)
    base = random.normal(0, 1.5, genes)
    marker = random.random((types, genes)) < 0.08
    effect = np.where(marker, random.normal(0, 1.2, (types, genes)), 0)
    load = np.where(random.random((states, genes)) < 0.2, random.normal(0, 0.4, (states, genes)), 0)
    kind = random.choice(types, cells, p=random.dirichlet(np.full(types, 3.0)))
    rate = np.exp(base + effect[kind] + random.normal(size=(cells, states)) @ load)
    share = rate / rate.sum(1, keepdims=True)
    library = random.lognormal(np.log(2500), 0.5, cells)
    dispersion = random.lognormal(np.log(2.0), 0.7, genes)
    mean = library[:, None] * share
    counts = random.poisson(random.gamma(dispersion, mean / dispersion))
    typical = np.exp(base) / np.exp(base).sum() * 2500
    lost = 0.5 / (1 + np.exp(1.0 + np.log(typical)))  # rare genes are missed more often
    counts[random.random(counts.shape) < lost] = 0
    return Simulation(counts.astype(np.int64), kind)


def clusters(latents: np.ndarray, types: np.ndarray) -> tuple[float, float]:
    """The adjusted Rand index and the normalized mutual information of k-means against the types."""
    found = KMeans(len(np.unique(types)), n_init=10, random_state=0).fit_predict(latents)
    return adjusted_rand_score(types, found), normalized_mutual_info_score(types, found)


def measure_vaekit(train: np.ndarray, test: np.ndarray, types: np.ndarray, seed: int, samples: int) -> Row:
    """Train the recipe that vaekit proposes for the data, with no key changed but the seed."""
    import torch

    import vaekit
    from vaekit.evaluation.importance_sampling import measure_batches
    from vaekit.training.display import SilentLogger

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "genes.npz"
        np.savez(data, x_train=train, x_test=test)
        began = time.perf_counter()
        run = vaekit.train(
            data=data, run_dir=Path(folder) / "run", figures=False, log=SilentLogger(), seed=seed
        )
        seconds = time.perf_counter() - began
        model = run.model.eval()
    x = torch.from_numpy(test.astype(np.float32))
    found = measure_batches(model, iter([(rows, None) for rows in x.split(50)]), samples)
    with torch.no_grad():
        latents = model.encode(x).mean.numpy()
    return Row("vaekit", seed, found.log_likelihood.mean().item(), *clusters(latents, types), seconds)


def measure_scvi(
    train: np.ndarray, test: np.ndarray, types: np.ndarray, seed: int, samples: int, interpreter: str
) -> Row:
    """Train scvi-tools in its own environment; its result is kept in benchmarks/.cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    name = f"{seed}-{len(train)}x{train.shape[1]}-{samples}"
    source, result = CACHE / f"{name}-data.npz", CACHE / f"{name}-scvi.npz"
    if not result.is_file():
        np.savez(source, train=train, test=test)
        command = [interpreter, str(SCRIPT), str(source), str(result), str(seed), str(samples)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable((done.stderr.strip().splitlines() or ["it failed"])[-1])
    with np.load(result) as found:
        return Row(
            "scvi-tools", seed, float(found["log_likelihood"].mean()), *clusters(found["latents"], types),
            float(found["seconds"]),
        )  # fmt: skip


def measure_profile(train: np.ndarray, test: np.ndarray, seed: int) -> Row:
    """The mean profile of the training rows, with the dispersion of each column by moments."""
    import torch

    from vaekit.models.build_context import BuildContext
    from vaekit.models.count_likelihoods import negative_binomial

    rows, x = (torch.from_numpy(part.astype(np.float32)) for part in (train, test))
    context = BuildContext(1, event_shape=rows.shape[1:], sample_training=lambda n: (rows[:n], None))
    head = negative_binomial(context=context, event_dims=1)
    with torch.no_grad():
        log_px = head(torch.zeros(rows.shape[1]), head.offset_of(x)).log_prob(x)
    return Row("mean profile", seed, log_px.mean().item(), np.nan, np.nan, np.nan)


def measure_components(train: np.ndarray, test: np.ndarray, types: np.ndarray, seed: int) -> Row:
    """k-means on ten principal components of normalized logarithms."""
    median = np.median(train.sum(1))
    logs = lambda x: np.log1p(x / x.sum(1, keepdims=True).clip(1) * median)
    latents = PCA(10, random_state=0).fit(logs(train)).transform(logs(test))
    return Row("10 principal components", seed, np.nan, *clusters(latents, types), np.nan)


def markdown(rows: Sequence[Row]) -> str:
    """One line per method and seed, and the means over seeds."""
    head = [
        "| method | seed | log p(x \\| total), nats per cell | ARI | NMI | training, s |",
        "|---|---|---|---|---|---|",
    ]
    lines = [_line(row.method, str(row.seed), row[2:]) for row in rows]
    for method in dict.fromkeys(row.method for row in rows):
        own = np.array([row[2:] for row in rows if row.method == method])
        lines.append(_line(f"**{method}**", "mean", own.mean(0)))
    return "\n".join([*head, *lines])


def _line(method: str, seed: str, values: Sequence[float]) -> str:
    formats = ("{:.2f}", "{:.3f}", "{:.3f}", "{:.0f}")
    cells = ["" if np.isnan(v) else f.format(v) for f, v in zip(formats, values, strict=True)]
    return "| " + " | ".join([method, seed, *cells]) + " |"


def main() -> None:
    """Simulate, train all methods on each seed, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cells", type=int, default=1500)
    parser.add_argument("--genes", type=int, default=400)
    parser.add_argument("--samples", type=int, default=300, help="importance samples per cell")
    parser.add_argument("--scvi", metavar="PYTHON", help="a Python that has scvi-tools; else it is installed")
    options = parser.parse_args()
    rows: list[Row] = []
    for seed in options.seeds:
        counts, types = simulate(seed, options.cells, options.genes)
        part = options.cells * 4 // 5
        train, test, kinds = counts[:part], counts[part:], types[part:]
        rows += [measure_profile(train, test, seed), measure_components(train, test, kinds, seed)]
        rows.append(measure_vaekit(train, test, kinds, seed, options.samples))
        print(rows[-1], file=sys.stderr, flush=True)
        try:
            interpreter = options.scvi or python("scvi")
            rows.append(measure_scvi(train, test, kinds, seed, options.samples, interpreter))
            print(rows[-1], file=sys.stderr, flush=True)
        except Unavailable as error:
            print(f"scvi-tools is left out: {error}", file=sys.stderr, flush=True)
    print(markdown(rows))


if __name__ == "__main__":
    main()
