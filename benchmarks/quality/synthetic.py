"""Synthetic rows, vaekit by default against TVAE of SDV (the package ctgan) by default.

    python -m benchmarks.quality.synthetic                       # all tables, two seeds
    python -m benchmarks.quality.synthetic iris wine --seeds 0

A third of the rows is for the test. Each program learns from the other rows as a CSV, without a changed key
but the seed (`vaekit train --data train.csv`, `vaekit sample RUN -n N -o synthetic.csv`), and samples as many
rows as it was given. vaekit sets aside a fifth of them for its own validation and test. Measured:

- utility: a random forest is trained on the synthetic rows and tested on the real test rows; accuracy for
  words, R^2 for numbers. Beside it the same forest trained on the real rows, and a constant guess.
- marginals: the mean over columns of the Kolmogorov-Smirnov distance for numbers, of the total variation for
  words, to the test rows.
- correlations: the mean absolute difference between the correlations of columns and those of the test rows;
  words are one-hot vectors.
- repeats: synthetic rows that equal a training row, and the share that is closer to a training row than 95 %
  of the test rows are. Without memory of single rows, that share is 5 %. Distances are Euclidean, of
  standardized numbers; two different words have the distance 1.

The row `real` of the table shows the training rows themselves in these measures, and the test rows for
repeats: what no method can be expected to exceed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import ks_2samp
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.neighbors import NearestNeighbors

from benchmarks.environments import HERE, Unavailable, python
from benchmarks.quality.mixed_tables import Table, as_numbers, halves, read, tables

SCRIPT = HERE / "quality" / "tvae_.py"


class Score(NamedTuple):
    """What one method reached on one table with one seed."""

    table: str
    method: str
    seed: int
    utility: float
    marginals: float
    correlations: float
    repeats: float  # share of rows that equal a training row
    close: float  # share of rows that are closer to a training row than 95 % of the test rows
    seconds: float


# ------------------------------------------------------------------------------------------------- methods


def vaekit_default(train: Table, folder: Path, seed: int) -> tuple[Table, float]:
    """Rows of a VAE that is trained without a changed key, and the CPU seconds."""
    import vaekit
    from vaekit.engine.sample import sample
    from vaekit.engine.write import write_data
    from vaekit.training.display import SilentLogger

    source = train.write(folder / "train.csv")
    began = time.process_time()
    run = vaekit.train(
        data=source, overrides=[f"data.seed={seed}", f"training.seed={seed}"],
        run_dir=folder / "run", figures=False, log=SilentLogger(),
    )  # fmt: skip
    trained = run.trained
    path = write_data(folder / "vaekit.csv", trained, sample(trained, len(train), seed=seed))
    return read(path, train), time.process_time() - began


def tvae(train: Table, folder: Path, seed: int) -> tuple[Table, float]:
    """Rows of TVAE, and the CPU seconds.

    Raises:
        Unavailable: ctgan cannot be installed, or it fails.
    """
    source, path = train.write(folder / "train.csv"), folder / "tvae.csv"
    command = [python("ctgan"), str(SCRIPT), str(source), str(path), str(len(train)), str(seed), *train.words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable((done.stderr.splitlines() or ["TVAE failed"])[-1])
    return read(path, train), float(done.stdout.split()[-1])


METHODS: dict[str, Callable[[Table, Path, int], tuple[Table, float]]] = {
    "vaekit": vaekit_default,
    "TVAE": tvae,
}


# ------------------------------------------------------------------------------------------------ measures


def utility(learn: Table, test: Table, like: Table, seed: int, constant: bool = False) -> float:
    """Accuracy or R^2 on `test` of a random forest, or of a constant guess, that is trained on `learn`."""
    is_word = test.target in test.words
    if constant:
        model = DummyClassifier() if is_word else DummyRegressor()
    else:
        forest = RandomForestClassifier if is_word else RandomForestRegressor
        model = forest(n_estimators=200, random_state=seed)
    rest = [_without_target(table) for table in (learn, test, like)]
    model.fit(as_numbers(rest[0], rest[2])[0], _answers(learn))
    return float(model.score(as_numbers(rest[1], rest[2])[0], _answers(test)))


def _without_target(table: Table) -> Table:
    columns = {name: values for name, values in table.columns.items() if name != table.target}
    return Table(table.name, columns, next(iter(columns)))


def _answers(table: Table) -> np.ndarray:
    values = table.columns[table.target]
    return values.astype(str) if table.target in table.words else values


def marginal_error(rows: Table, test: Table) -> float:
    """The mean over columns of the Kolmogorov-Smirnov distance, or of the total variation for words."""
    errors = []
    for name in test.columns:
        a, b = rows.columns[name], test.columns[name]
        if name in test.words:
            words = np.unique(np.concatenate([a, b]).astype(str))
            errors.append(0.5 * sum(abs(np.mean(a == word) - np.mean(b == word)) for word in words))
        else:
            errors.append(ks_2samp(a, b).statistic)
    return float(np.mean(errors))


def correlation_error(rows: Table, test: Table, like: Table) -> float:
    """The mean absolute difference of correlations between columns; a constant column has correlation 0."""
    found = []
    for table in (rows, test):
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(np.nan_to_num(np.corrcoef(as_numbers(table, like)[0].T)))
    off = ~np.eye(len(found[0]), dtype=bool)
    return float(np.abs(found[0] - found[1])[off].mean())


def distances(rows: Table, train: Table) -> np.ndarray:
    """The distance of each row to the closest training row, (N,)."""
    known, places = as_numbers(train, train)
    scale = known.std(0)
    for name, place in zip(train.columns, places, strict=True):
        if name in train.words:
            scale[place] = np.sqrt(2)
    scale[scale == 0] = 1
    nearest = NearestNeighbors(n_neighbors=1).fit(known / scale)
    return nearest.kneighbors(as_numbers(rows, train)[0] / scale)[0][:, 0]


def repeated(rows: Table, train: Table) -> float:
    """The share of rows that equal a training row in every cell."""
    known = set(zip(*train.columns.values(), strict=True))
    return float(np.mean([row in known for row in zip(*rows.columns.values(), strict=True)]))


def measure(table: Table, seed: int) -> list[Score]:
    """All methods on one split, the real rows, and a constant guess."""
    train, test = halves(table, seed, 1 / 3)
    limit = float(np.quantile(distances(test, train), 0.05))

    def score(method: str, rows: Table, seconds: float) -> Score:
        judged = test if method == "real" else rows
        return Score(
            table.name, method, seed, utility(rows, test, table, seed), marginal_error(rows, test),
            correlation_error(rows, test, table), repeated(judged, train),
            float(np.mean(distances(judged, train) < limit)), seconds,
        )  # fmt: skip

    scores = [score("real", train, 0.0)]
    scores.append(
        scores[0]._replace(method="constant", utility=utility(train, test, table, seed, constant=True))
    )
    for method, make in METHODS.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                scores.append(score(method, *make(train, Path(folder), seed)))
            except Unavailable as error:
                print(f"{method} left out: {error}", file=sys.stderr, flush=True)
    return scores


# -------------------------------------------------------------------------------------------------- tables


def markdown(scores: Sequence[Score], about: dict[str, str]) -> str:
    """Means over seeds, two programs side by side; the better one is bold."""
    methods = [name for name in METHODS if any(s.method == name for s in scores)]

    def mean(table: str, method: str, field: str) -> float:
        return float(
            np.mean([getattr(s, field) for s in scores if (s.table, s.method) == (table, method)] or [np.nan])
        )

    def cells(table: str, field: str, sign: int, form: str, factor: float = 1) -> list[str]:
        shown = [format(factor * mean(table, method, field), form) for method in methods]
        best = max(shown, key=lambda text: sign * float(text))
        return [f"**{text}**" if sign and text == best else text for text in shown]

    names = list(dict.fromkeys(s.table for s in scores))
    first = ["table", "rows x columns, target", "constant", *methods, "real rows"]
    second = ["table"]
    for what in ("marginal error", "correlation error", "repeats, %", "closer than 95 % of test rows, %"):
        second += [*(f"{what}: {method}" if j == 0 else method for j, method in enumerate(methods)), "real"]
    lines = [f"| {' | '.join(first)} |", f"|---|---|{'---:|' * (len(first) - 2)}"]
    more = [f"| {' | '.join(second)} |", f"|---|{'---:|' * (len(second) - 1)}"]
    for name in names:
        row = [f"{mean(name, 'constant', 'utility'):.3f}", *cells(name, "utility", 1, ".3f")]
        lines.append(f"| {name} | {about[name]} | {' | '.join(row)} | {mean(name, 'real', 'utility'):.3f} |")
        row = []
        for field, sign, form, factor in (
            ("marginals", -1, ".3f", 1), ("correlations", -1, ".3f", 1),
            ("repeats", 0, ".1f", 100), ("close", 0, ".1f", 100),
        ):  # fmt: skip
            row += [
                *cells(name, field, sign, form, factor),
                format(factor * mean(name, "real", field), form),
            ]
        more.append(f"| {name} | {' | '.join(row)} |")
    seconds = [np.mean([s.seconds for s in scores if s.method == method]) for method in methods]
    said = ", ".join(f"{method} {value:.0f}" for method, value in zip(methods, seconds, strict=True))
    return "\n\n".join(
        ["\n".join(lines), "\n".join(more), f"CPU seconds per table, training and sampling: {said}."]
    )


def main() -> None:
    """Read the arguments, measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of the tables; default: all")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1], help="of the splits (0 1)")
    parser.add_argument("--json", type=Path, help="where to write each score; those in it are not repeated")
    parser.add_argument("--output", type=Path, help="where to write the tables, in Markdown")
    given = parser.parse_args()
    done = json.loads(given.json.read_text()) if given.json is not None and given.json.exists() else []
    scores, about = [Score(*entry) for entry in done], {}
    for table in tables(given.tables or None):
        about[table.name] = f"{len(table)} x {len(table.columns)}, {table.target}"
        for seed in given.seeds:
            if any((s.table, s.seed) == (table.name, seed) for s in scores):
                continue
            for s in measure(table, seed):
                scores.append(s)
                print(f"{s.table} {s.seed} {s.method:8} utility {s.utility:.3f}, "
                      f"marginals {s.marginals:.3f}, correlations {s.correlations:.3f}, "
                      f"repeats {s.repeats:.3f}, close {s.close:.3f}, "
                      f"{s.seconds:.0f} s", file=sys.stderr, flush=True)  # fmt: skip
            if given.json is not None:
                given.json.write_text(json.dumps(scores))
    text = markdown(scores, about)
    print(text)
    if given.output is not None:
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
