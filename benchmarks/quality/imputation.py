"""Filling gaps, vaekit by default against scikit-learn.

    python -m benchmarks.quality.imputation                      # all tables, three seeds
    python -m benchmarks.quality.imputation iris wine --seeds 0

A fifth of the rows is for the test, and a fifth of their cells is hidden at random. A tenth of the cells of
the other rows is missing, too: every method learns from rows with gaps. vaekit gets two CSV files,
`vaekit train --data train.csv` and `vaekit impute RUN --data test.csv`, and no key is changed but the seed.
It sets aside a fifth of the training rows for its own validation and test; the others learn from all.

The baselines see standardized numbers, and words as one-hot vectors of which the largest entry is the
imputed word: `IterativeImputer` and `KNNImputer` of scikit-learn, and the mean or the most frequent word, all
with their defaults.

For `IterativeImputer` the first word of a column is that where all others are 0: with all words, each entry
is one minus the others, and a regression on these keeps the first guess. The error of numbers is the root
mean square over all hidden cells in units of the standard deviation of their column; of words, the share that
is right.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from benchmarks.quality.mixed_tables import Table, as_numbers, halves, tables

Imputer = Callable[[Table, np.ndarray, Table, np.ndarray, int], dict[str, np.ndarray]]


class Score(NamedTuple):
    """What one method reached on one table with one seed; NaN where a table has no such column."""

    table: str
    method: str
    seed: int
    rmse: float
    accuracy: float
    seconds: float


def vaekit_default(
    train: Table, train_gaps: np.ndarray, test: Table, gaps: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """The best single imputation of a VAE that is trained without a changed key."""
    import vaekit
    from vaekit.engine.impute import impute_dataset
    from vaekit.training.display import SilentLogger

    with tempfile.TemporaryDirectory() as folder:
        source = train.write(Path(folder) / "train.csv", train_gaps)
        run = vaekit.train(
            data=source, overrides=[f"data.seed={seed}", f"training.seed={seed}"],
            run_dir=Path(folder) / "run", figures=False, log=SilentLogger(),
        )  # fmt: skip
        other = test.write(Path(folder) / "test.csv", gaps)
        filled = impute_dataset(run.trained, data=str(other), seed=seed)
    values, found = filled.arrays()["mean"], {}
    for j, column in enumerate(filled.dataset.columns):
        if column.is_numeric:
            found[column.name] = values[:, j]
        else:
            words = np.array(column.categories, dtype=object)
            found[column.name] = words[values[:, j].astype(int)]
    return found


def scikit_learn(make: Callable[[int], Any], first_word: bool = True) -> Imputer:
    """An imputer of scikit-learn on standardized numbers and one-hot words, with or without the first."""

    def impute(
        train: Table, train_gaps: np.ndarray, test: Table, gaps: np.ndarray, seed: int
    ) -> dict[str, np.ndarray]:
        known, places = as_numbers(train, train)
        asked, _ = as_numbers(test, train)
        for j, place in enumerate(places):
            known[train_gaps[:, j], place] = np.nan
            asked[gaps[:, j], place] = np.nan
        is_number = [name not in train.words for name in train.columns]
        center, scale = np.nanmean(known, 0), np.nanstd(known, 0)
        for place, number in zip(places, is_number, strict=True):
            if not number:
                center[place], scale[place] = 0, 1
        scale[scale == 0] = 1
        used = np.ones(known.shape[1], bool)
        if not first_word:
            used[[place.start for place, number in zip(places, is_number, strict=True) if not number]] = False
        imputer = make(seed)
        imputer.fit(((known - center) / scale)[:, used])
        filled = np.zeros_like(asked)
        filled[:, used] = imputer.transform(((asked - center) / scale)[:, used])
        filled = filled * scale + center
        found = {}
        for name, place in zip(train.columns, places, strict=True):
            if name in train.words:
                words, votes = np.unique(train.columns[name].astype(str)).astype(object), filled[:, place]
                votes[:, 0] = votes[:, 0] if first_word else 1 - votes[:, 1:].sum(1)
                found[name] = words[votes.argmax(1)]
            else:
                found[name] = filled[:, place][:, 0]
        return found

    return impute


METHODS: dict[str, Imputer] = {
    "vaekit": vaekit_default,
    "IterativeImputer": scikit_learn(lambda seed: IterativeImputer(random_state=seed), first_word=False),
    "KNNImputer": scikit_learn(lambda seed: KNNImputer()),
    "mean": scikit_learn(lambda seed: SimpleImputer()),
}


def measure(table: Table, method: str, seed: int) -> Score:
    """Hide cells of the test rows, fill them, and compare with the truth."""
    train, test = halves(table, seed, 0.2)
    rng = np.random.default_rng(seed + 1)
    train_gaps = rng.random((len(train), len(train.columns))) < 0.1
    gaps = rng.random((len(test), len(test.columns))) < 0.2
    began = time.process_time()
    filled = METHODS[method](train, train_gaps, test, gaps, seed)
    seconds = time.process_time() - began
    errors, right = [], []
    for j, (name, truth) in enumerate(test.columns.items()):
        hidden = gaps[:, j]
        if name in test.words:
            right.append(filled[name][hidden] == truth[hidden])
        else:
            errors.append((filled[name][hidden] - truth[hidden]) / train.columns[name].std())
    rmse = float(np.sqrt(np.square(np.concatenate(errors)).mean()))
    accuracy = float(np.concatenate(right).mean()) if right else float("nan")
    return Score(table.name, method, seed, rmse, accuracy, seconds)


def markdown(scores: Sequence[Score], sizes: dict[str, str]) -> str:
    """Means over seeds; the best of a line is bold."""
    names, methods = (
        list(dict.fromkeys(s.table for s in scores)),
        list(dict.fromkeys(s.method for s in scores)),
    )
    texts = []
    for title, field, sign in (
        ("RMSE of numbers, in standard deviations", "rmse", 1),
        ("accuracy of words, %", "accuracy", -100),
    ):
        lines = [
            f"| {title} | rows x columns | {' | '.join(methods)} |",
            f"|---|---|{'---:|' * len(methods)}",
        ]
        for name in names:
            values = np.array(
                [
                    np.mean([getattr(s, field) for s in scores if (s.table, s.method) == (name, method)])
                    for method in methods
                ]
            )
            if np.isnan(values).all():
                continue
            shown = [f"{abs(sign) * value:.{3 if sign > 0 else 1}f}" for value in values]
            best = shown[int(np.argmin(sign * values))]
            cells = [f"**{text}**" if text == best else text for text in shown]
            lines.append(f"| {name} | {sizes[name]} | {' | '.join(cells)} |")
        texts.append("\n".join(lines))
    seconds = [np.mean([s.seconds for s in scores if s.method == method]) for method in methods]
    said = ", ".join(f"{method} {value:.1f}" for method, value in zip(methods, seconds, strict=True))
    return "\n\n".join([*texts, f"CPU seconds per table, training and filling: {said}."])


def main() -> None:
    """Read the arguments, measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of the tables; default: all")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="of the splits (0 1 2)")
    parser.add_argument("--json", type=Path, help="where to write each score; those in it are not repeated")
    parser.add_argument("--output", type=Path, help="where to write the tables, in Markdown")
    given = parser.parse_args()
    done = json.loads(given.json.read_text()) if given.json is not None and given.json.exists() else []
    scores, sizes = [Score(*entry) for entry in done], {}
    for table in tables(given.tables or None):
        sizes[table.name] = f"{len(table)} x {len(table.columns)}"
        for seed in given.seeds:
            for method in METHODS:
                if any(s[:3] == (table.name, method, seed) for s in scores):
                    continue
                s = measure(table, method, seed)
                scores.append(s)
                if given.json is not None:
                    given.json.write_text(json.dumps(scores))
                print(f"{s.table} {s.seed} {s.method:17} RMSE {s.rmse:.3f}, accuracy {s.accuracy:.3f}, "
                      f"{s.seconds:.1f} s", file=sys.stderr, flush=True)  # fmt: skip
    text = markdown(scores, sizes)
    print(text)
    if given.output is not None:
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
