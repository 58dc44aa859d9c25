"""How anomalous each row, image, signal or volume is under a trained model.

Each data point gets an anomaly score, its log-likelihood bound with the terms, a reconstruction error, a
p-value against held-out data, and the excess of each column or pixel: how many nats less likely it is,
given the rest, than the same one of held-out data.

The training data give the views of the score (see `vaekit.evaluation.anomaly_views`), and the held-out rows
of the same data give the p-values. A model whose training data are gone scores by its likelihood alone, and
has no p-values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vaekit.data import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.data.splits import Splits
from vaekit.engine.loaded_model import LoadedModel, row_names, split_indices
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation import image_anomaly, validity
from vaekit.evaluation.anomaly import SAMPLES, RowTerms, measure_rows
from vaekit.evaluation.anomaly_views import Neighbors, TableViews, flag, p_values
from vaekit.evaluation.latent import write_table
from vaekit.utils.format import count_of
from vaekit.utils.io import to_json, write_whole

Method = Literal[
    "auto", "views", "likelihood", "neighbors", "ellipsoid", "reconstruction", "kl", "complexity", "regret",
    "typicality", "latent",
]  # fmt: skip
METHODS: tuple[str, ...] = get_args(Method)
TABLE_METHODS = ("views", "neighbors", "ellipsoid")
IMAGE_DEFAULT: Method = "complexity"
NEEDS_TRAINING = (*TABLE_METHODS, "typicality", "latent")
MAX_TRAINING = 5000  # training data points that the views are found from
MAX_HELD_OUT = 5000
BATCH = 200

Progress = Callable[[int, int], None]


@dataclass(frozen=True, repr=False)
class Scores:
    """What a model says of N data points, in their order.

    Args:
        dataset: the source of the data points.
        indices: of the data points in the dataset, (N,).
        terms: log-likelihood, reconstruction, KL, error, and the parts of log p(x | z).
        score: the anomaly score, (N,); higher is odder.
        p_value: (N,); NaN without held-out data.
        excess: nats by which a column or element is less likely than in held-out data, (N, *event).
        method: how the score was found.
        held_out: the anomaly scores of the held-out data points behind the p-values, (m,); m may be 0.
        column_names: of a table; empty for other data.
        is_anomaly: (N,) of booleans, or None without a threshold.
        threshold: the rule behind `is_anomaly`, in words.
        notes: what a reader has to know, one sentence each.
    """

    dataset: Dataset
    indices: np.ndarray
    terms: RowTerms
    score: np.ndarray
    p_value: np.ndarray
    excess: np.ndarray
    method: str
    held_out: np.ndarray
    column_names: tuple[str, ...] = ()
    is_anomaly: np.ndarray | None = None
    threshold: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        scored = count_of(len(self), self.dataset.noun)
        return f"Scores({scored} of {self.dataset.name}, method={self.method!r})"

    def __len__(self) -> int:
        return len(self.score)

    def responsible(self, n: int = 3) -> list[list[tuple[str, float]]]:
        """The columns with the largest excess of each row, and their nats, largest first; none for images."""
        if not self.column_names:
            return [[] for _ in range(len(self))]
        order = np.argsort(-self.excess, axis=1, kind="stable")[:, :n]
        return [
            [(self.column_names[j], float(row[j])) for j in best if row[j] > 0]
            for row, best in zip(self.excess, order, strict=True)
        ]

    def highest(self, n: int) -> np.ndarray:
        """The positions of the n highest scores, highest first."""
        return np.argsort(-self.score, kind="stable")[:n]

    def table(self, columns: bool = True) -> dict[str, np.ndarray]:
        """One array (N,) per quantity, by name, row numbers or file names first.

        Args:
            columns: whether to add the column with the largest excess, and the excess of each column.
        """
        table = {
            **row_names(self.dataset, self.indices),
            "anomaly_score": self.score,
            "p_value": self.p_value,
            **({} if self.is_anomaly is None else {"is_anomaly": self.is_anomaly}),
            "log_likelihood": self.terms.log_likelihood,
            "elbo": self.terms.reconstruction - self.terms.kl,
            "reconstruction": self.terms.reconstruction,
            "kl": self.terms.kl,
            "error": self.terms.error,
        }
        if columns and self.column_names:
            table["oddest_column"] = np.array(self.column_names)[self.excess.argmax(1)]
            table |= {f"excess:{name}": self.excess[:, j] for j, name in enumerate(self.column_names)}
        return table

    def save(self, path: str | Path) -> Path:
        """Write the table as .csv, .npz or .json. For images, .npz holds the excess of every pixel, too.

        Raises:
            InvalidError: the suffix is another one.
            VaekitError: the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".json":
            table = {name: column.tolist() for name, column in self.table().items()}
            rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
            return write_whole(path, to_json(rows).encode())
        if path.suffix == ".npz":
            return write_table(path, {**self.table(columns=False), "excess": self.excess})
        if path.suffix != ".csv":
            raise InvalidError(f"{path}: expected a name that ends in .csv, .npz or .json")
        return write_table(path, self.table())


def score(
    trained: LoadedModel,
    data: Any = None,
    split: str = "test",
    method: Method = "auto",
    threshold: str | float | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Progress = lambda rows, total: None,
    compare_held_out: bool = True,
) -> Scores:
    """Score data points by how anomalous they are under a model.

    Args:
        trained: the model, with its recipe and preprocessing.
        data: other data, all of which is scored, in order: a name, a path, an array, a data frame ...; the
            model's own if None.
        split: of the model's own data: "train", "validation", "test" or "all".
        method: "auto" is "views" for tables and vectors, the mean surprise of neighbors, likelihood and
            ellipsoid, and "complexity" for images, signals and volumes. Single views: "likelihood",
            "reconstruction", "kl", "regret", "typicality" and "latent" for any data, "neighbors" and
            "ellipsoid" for tables, "complexity" for others.
        threshold: flag this share of the data points, or "p:VALUE" for a p-value of at most VALUE.
        samples: K, posterior samples per data point.
        seed: of all random draws.
        progress: called after each batch with its number of data points and with the number of all, those of
            training and held-out data included.
        compare_held_out: find p-values on held-out data of the model; without them data are scored sooner.

    Raises:
        InvalidError: the method or the threshold is none, or does not fit the model; or the data have no
            labels that the model needs.
        NotFoundError: the data do not exist.

    Example:
        >>> import vaekit
        >>> found = score(vaekit.demo(), method="likelihood", samples=2)  # doctest: +SKIP
        >>> found.table().keys()  # doctest: +SKIP
    """
    if method not in METHODS:
        raise InvalidError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    trained = trained.with_missing("none")
    dataset, splits = trained.load_data(data)
    indices = split_indices(splits, split)
    images = trained.subset(dataset, indices)
    validity.check_labels(trained.model, images, "condition")
    vectors = len(trained.shape) == 1
    if method == "auto":
        method = "views" if vectors else IMAGE_DEFAULT
    if method in TABLE_METHODS and not vectors:
        raise InvalidError(f"method {method!r}: for tables and vectors only; use {IMAGE_DEFAULT} or latent")
    if method == "complexity" and vectors:
        raise InvalidError("method 'complexity': for images, signals and volumes only; use views")
    own = _own_data(trained, dataset, splits, data, split)
    if method not in NEEDS_TRAINING:
        own = replace(own, training=None)
    if not compare_held_out:
        own = replace(own, held_out=None)
    groups = [images, *(group for group in (own.training, own.held_out) if group is not None)]
    total = sum(len(group) for group in groups)
    measure = _Measure(trained, samples, seed, lambda rows: progress(rows, total))
    terms = measure.terms(images)
    training = None if own.training is None else measure.terms(own.training)
    held_out = None if own.held_out is None else measure.terms(own.held_out)
    notes = list(own.notes)
    if training is None and method in NEEDS_TRAINING:
        method = "likelihood" if vectors else IMAGE_DEFAULT
        notes.append(f"without training data the score is: {method}")
    try:
        values = measure.values(method, terms, images, training, own.training)
        reference = (
            np.empty(0)
            if held_out is None or own.held_out is None
            else measure.values(method, held_out, own.held_out, training, own.training)
        )
        p = p_values(values, reference) if len(reference) else np.full(len(values), np.nan)
        flagged, rule = (None, "") if threshold is None else flag(values, p, threshold)
    except ValueError as error:
        raise InvalidError(str(error)) from None
    if threshold is not None and str(threshold).startswith("p:") and not len(reference):
        raise InvalidError(
            f"threshold {threshold}: no held-out data, so no p-values; give a share of the rows"
        )
    typical = terms.parts.mean(0) if held_out is None else held_out.parts.mean(0)
    return Scores(
        dataset=dataset,
        indices=indices,
        terms=terms,
        score=values,
        p_value=p,
        excess=np.where(np.isnan(terms.x), 0.0, typical - terms.parts),
        method=method,
        held_out=reference,
        column_names=tuple(column.name for column in trained.columns) if vectors else (),
        is_anomaly=flagged,
        threshold=rule,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _OwnData:
    """The training data that the views are found from, and the held-out data of the p-values."""

    training: ObservedImages | None
    held_out: ObservedImages | None
    notes: tuple[str, ...] = ()


def _own_data(trained: LoadedModel, dataset: Dataset, splits: Splits, data: Any, split: str) -> _OwnData:
    """Training and held-out data of the model; no data point is held out from itself."""
    is_own = data is None
    if not is_own:
        try:
            dataset, splits = trained.load_data(None)
        except (NotFoundError, InvalidError) as error:
            return _OwnData(None, None, (f"no p-values: {error}",))
    scored = ({"all": ("validation", "test")}.get(split, (split,))) if is_own else ()
    held_out = [getattr(splits, name) for name in ("validation", "test") if name not in scored]
    indices = np.sort(np.concatenate(held_out)) if held_out else np.empty(0, np.int64)
    notes = []
    if not len(indices):
        notes.append("no p-values: no data were held out from training beside those that are scored")
    if is_own and split in ("train", "all"):
        notes.append("training data look less anomalous than new data do, so their p-values are too large")
    training = trained.choose(splits.train, MAX_TRAINING)
    return _OwnData(
        trained.subset(dataset, training),
        trained.subset(dataset, trained.choose(indices, MAX_HELD_OUT)) if len(indices) else None,
        tuple(notes),
    )


class _Measure:
    """Measures groups of data points with one model, the same number of samples and one seed."""

    def __init__(self, trained: LoadedModel, samples: int, seed: int, progress: Callable[[int], None]):
        self.trained, self.samples, self.seed, self.progress = trained, samples, seed, progress
        self._fitted: dict[str, TableViews | Neighbors] = {}

    def terms(self, images: ObservedImages) -> RowTerms:
        numeric: Sequence[bool] = [column.is_numeric for column in self.trained.columns]
        model = self.trained.model
        return measure_rows(model, images.batches(BATCH), self.samples, numeric, self.seed, self.progress)

    def values(
        self,
        method: str,
        terms: RowTerms,
        images: ObservedImages,
        training: RowTerms | None,
        training_images: ObservedImages | None,
    ) -> np.ndarray:
        """The anomaly score of data points by a method, (N,)."""
        if method == "likelihood":
            return -terms.log_likelihood
        if method == "reconstruction":
            return -terms.reconstruction
        if method == "kl":
            return terms.kl
        if method == "complexity":
            return -terms.log_likelihood - image_anomaly.complexity(self._unit_interval(terms.x))
        if method == "regret":
            return image_anomaly.likelihood_regret(self.trained.model, images.batches(BATCH), seed=self.seed)
        assert training is not None
        if method == "typicality":
            return image_anomaly.typicality(terms.log_likelihood, training.log_likelihood)
        if method == "latent":
            if "latent" not in self._fitted:
                self._fitted["latent"] = Neighbors(training.latents, self.seed)
            neighbors = self._fitted["latent"]
            assert isinstance(neighbors, Neighbors)
            return neighbors(terms.latents)
        if "views" not in self._fitted:
            self._fitted["views"] = TableViews(training, self.trained.columns, self.seed)
        views = self._fitted["views"]
        assert isinstance(views, TableViews)
        measured = views.measure(terms)
        if method == "views":
            return views.score(measured)
        if method not in measured:
            raise ValueError(f"method {method!r}: the table has no numbers, or too many columns, for it")
        return measured[method]

    def _unit_interval(self, x: np.ndarray) -> np.ndarray:
        """Model values as gray levels in [0, 1]; real numbers by the range of the training data."""
        known = self.trained.preprocessing
        if known is None or known.levels:
            return x
        return (known.offset + known.scale * x - known.low) / max(known.high - known.low, 1e-12)
