"""A trained model whose data go in and come out as the caller has them: arrays, tensors, data frames.

    z = trained.encode(X)              x = trained.decode(z)          s = trained.sample(16, seed=0)
    m = trained.impute(X)              ll = trained.log_likelihood(X) a = trained.anomaly_scores(X)

Each is a short form of a function of `vaekit.engine`, which returns more. Values are in the units and the
layout of the training data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data.containers import ARRAY, container_of, fill_frame, in_container, table_in_container
from vaekit.data.dataset import Dataset
from vaekit.data.in_memory import is_reference, values_and_labels
from vaekit.data.observation import ObservedImages
from vaekit.data.tables.frames import is_frame
from vaekit.engine.conditioning import Condition, parse_condition
from vaekit.engine.impute import impute_dataset
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.sample import sample
from vaekit.engine.score import Method, score
from vaekit.errors import InvalidError
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.latent import encode_batches
from vaekit.models.batching import images_per_batch
from vaekit.utils.random import seeded

if TYPE_CHECKING:
    from vaekit.engine.model_plots import ModelPlots

IMPUTATION_SAMPLES = 1000


@dataclass(repr=False)
class TrainedModel(LoadedModel):
    """A model in evaluation mode, with the recipe that made it.

    Attributes:
        container: the kind of data that `sample` returns: numpy, torch, pandas or polars.
        run: the run directory that it was loaded from, a `vaekit.Run`; None for other models.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> x = trained.sample(3, label=7, seed=0)
    >>> z = trained.encode(x)
    >>> x.shape, z.shape, trained.decode(z, y=7).shape
    ((3, 1, 28, 28), (3, 2), (3, 1, 28, 28))
    """

    container: str = ARRAY
    run: Any = None

    @property
    def plot(self) -> ModelPlots:
        """Figures of the model: samples, reconstructions, latents and others.

        >>> import vaekit
        >>> vaekit.demo().plot  # doctest: +ELLIPSIS
        ModelPlots('demo': interpolation, ...)
        """
        from vaekit.engine.model_plots import ModelPlots

        return ModelPlots(self)

    def explore(self, **options: Any) -> Any:
        """Show the explorer in a notebook, see `vaekit.explore`.

        Args:
            options: of `vaekit.explore`: data, split, height, images.
        """
        import vaekit

        return vaekit.explore(self, **options)

    def _repr_html_(self) -> str:
        from vaekit.engine.model_card import model_card

        return model_card(self)

    @torch.no_grad()
    def encode(
        self, X: Any, y: Any = None, *, return_std: bool = False, n_samples: int | None = None, seed: int = 0
    ) -> Any:
        """The means of q(z | x), or samples from it.

        Args:
            X: data points (N, ...) of any kind, a name or a path.
            y: labels (N,), for an encoder that is conditioned on them; averaged over where it lacks them.
            return_std: return the standard deviations, too.
            n_samples: return K samples per data point instead of the mean.
            seed: of the samples.

        Returns:
            z (N, d); (z, std) with `return_std`; (K, N, d) with `n_samples`. A frame has columns z0, z1, ...

        Raises:
            InvalidError, DataError: the data do not fit the model.

        >>> import vaekit
        >>> z, std = vaekit.demo().encode(np.zeros((5, 1, 28, 28), np.uint8), return_std=True)
        >>> z.shape, std.shape
        ((5, 2), (5, 2))
        """
        images = self._observe(X, y)
        names = [f"z{j}" for j in range(self.model.latent_dim)]
        if n_samples is not None:
            with seeded(seed):
                parts = [self.model.encode(x, label).sample((n_samples,)) for x, label in images.batches(500)]
            return in_container(torch.cat(parts, 1).cpu().numpy(), container_of(X))
        found = encode_batches(self.model, images.batches(500))
        mean, std = (in_container(v, container_of(X), names, X) for v in (found.mean, found.stddev))
        return (mean, std) if return_std else mean

    @torch.no_grad()
    def decode(self, z: Any, y: Any = None) -> Any:
        """The means of p(x | z), in the units and the layout of the data.

        Args:
            z: latents (N, d).
            y: for a conditional model, one label for all, or (N,).

        Returns:
            (N, ...), in the kind of z. A table comes as a frame if z is one.

        Raises:
            InvalidError: z has another shape, or a conditional model gets no label.

        >>> import vaekit
        >>> x = vaekit.demo().decode(np.zeros((2, 2)), y=3)  # gray levels from 0 to 255
        >>> x.shape, bool(x.max() > 200)
        ((2, 1, 28, 28), True)
        """
        values = torch.as_tensor(np.asarray(z, np.float32) if not isinstance(z, Tensor) else z.float())
        if values.dim() != 2 or values.shape[1] != self.model.latent_dim:
            raise InvalidError(
                f"z: expected latents (N, {self.model.latent_dim}), got {tuple(values.shape)}; for one point "
                "use z[None]"
            )
        context = self._labels(y, len(values), "decoder")
        size, outputs = images_per_batch(self.model.decoder, self.shape), []
        for start in range(0, len(values), size):
            part = slice(start, start + size)
            given = None if context is None else context[part]
            outputs.append(self.model.decode(values[part].to(self.device), given).mean.float().cpu().numpy())
        x = self.to_data(np.concatenate(outputs))
        return self._as_data(x, container_of(z), z)

    def sample(self, n: int, *, label: Any = None, seed: int | None = None, temperature: float = 1.0) -> Any:
        """New data points: z from the prior, then x from p(x | z), or its mean for images.

        Args:
            n: how many.
            label: of a conditional model, by name or number; sampled if None.
            seed: of everything that is sampled; None draws one.
            temperature: factor on the standard deviation of the prior.

        Returns:
            (n, ...) in the units and the kind of the training data.

        Raises:
            InvalidError: the model has no such label.

        >>> import vaekit
        >>> vaekit.demo().sample(4, label=7, seed=0).shape
        (4, 1, 28, 28)
        """
        chosen = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        x = sample(self, n, temperature, self._condition(label), chosen)
        return self._as_data(x, self.container)

    def impute(
        self,
        X: Any,
        y: Any = None,
        *,
        n_imputations: int | None = None,
        n_samples: int = IMPUTATION_SAMPLES,
        seed: int = 0,
    ) -> Any:
        """Fill missing values (NaN), and leave all others as they are.

        Args:
            X: data points with gaps; frames may lack words, too.
            y: labels (N,) to condition on.
            n_imputations: M, return M samples from p(missing | observed) instead of the best single value,
                which is the mean, or the most frequent word.
            n_samples: importance samples per data point.
            seed: of the samples.

        Returns:
            A copy of X, in its kind; a list of M copies with `n_imputations`.

        Raises:
            InvalidError, DataError: the data do not fit the model.

        >>> import vaekit
        >>> x = np.zeros((2, 1, 28, 28), np.float32)
        >>> x[:, :, :14] = np.nan
        >>> bool(np.isnan(vaekit.demo().impute(x, n_samples=20)).any())
        False
        """
        if is_reference(X):
            raise InvalidError(
                "impute: expected values; for a file use: vaekit impute RUN --data FILE -o FILLED"
            )
        X = X.to_pandas() if is_frame(X) and container_of(X) == ARRAY else X  # a table of PyArrow
        dataset, _ = self.load_data(X, y)
        if dataset.has_missing:
            filled = impute_dataset(
                self, "none", "all", dataset, imputations=n_imputations or 1, samples=n_samples, seed=seed
            ).arrays()
        else:
            values = self.to_data(self.subset(dataset, np.arange(len(dataset))).all().cpu().numpy())
            filled = {"mean": values, "imputations": np.repeat(values[:, None], n_imputations or 1, axis=1)}
        if n_imputations is None:
            return self._fill(X, filled["mean"])
        return [self._fill(X, values) for values in filled["imputations"].swapaxes(0, 1)]

    def log_likelihood(self, X: Any, y: Any = None, *, n_samples: int = 1000, seed: int = 0) -> Any:
        """log p(x) of each data point in nats, bounded from below by importance sampling (Burda et al. 2016).

        Args:
            X: data points (N, ...) of any kind, a name or a path.
            y: labels (N,); a conditional model gives log p(x | y).
            n_samples: K, importance samples per data point; the bound rises with it.
            seed: of the samples.

        Returns:
            (N,), a tensor if X is one, else an array.

        Raises:
            InvalidError, DataError: the data do not fit the model.

        >>> import vaekit
        >>> vaekit.demo().log_likelihood(np.zeros((3, 1, 28, 28), np.uint8), y=[1, 1, 1], n_samples=5).shape
        (3,)
        """
        images = self._observe(X, y)
        size = images_per_batch(self.model.decoder, self.shape)
        found = measure_batches(self.model, images.batches(size), n_samples, seed)
        return in_container(found.log_likelihood.numpy(), container_of(X))

    def anomaly_scores(
        self, X: Any, y: Any = None, *, method: Method = "auto", n_samples: int = 16, seed: int = 0
    ) -> Any:
        """How anomalous each data point is, as `vaekit score`: higher is odder.

        Args:
            X: data points (N, ...) of any kind, a name or a path.
            y: labels (N,), for a conditional model.
            method: as for `vaekit.score`.
            n_samples: posterior samples per data point.
            seed: of the samples.

        Returns:
            (N,), a tensor if X is one, else an array.

        Raises:
            InvalidError, DataError: the data do not fit the model or the method.
        """
        data = X if is_reference(X) else self.load_data(X, y)[0]
        found = score(self, data, method=method, samples=n_samples, seed=seed)
        return in_container(found.score, container_of(X))

    def export_onnx(self, folder: str | Path) -> Path:
        """Write encoder, decoder, terms and prior as ONNX files, with a README of their inputs and outputs.

        Args:
            folder: new, empty, or an earlier export.

        Raises:
            InvalidError: the model cannot be exported, or the folder holds other files.
            VaekitError: onnx is not installed, or a file computes something else than the model.
        """
        from vaekit.engine.export.files import export_files

        return export_files(self, folder, "onnx")

    def export_torch(self, folder: str | Path) -> Path:
        """The same as programs of `torch.export`, which PyTorch loads without vaekit."""
        from vaekit.engine.export.files import export_files

        return export_files(self, folder, "torch")

    def _observe(self, X: Any, y: Any) -> ObservedImages:
        """Data points as the model sees them, in order: all, or the published test split."""
        dataset, splits = self.load_data(X, y)
        return self.with_missing("none").subset(dataset, splits.test)

    def _condition(self, label: Any) -> Condition | None:
        return None if label is None else parse_condition(self, label=str(label))

    def _labels(self, y: Any, n: int, part: str) -> Tensor | None:
        """The vectors (n, m) to condition on, from one label or from n."""
        if y is None:
            if part in self.model.conditioned_parts:
                raise InvalidError(
                    f"y: the {part} is conditioned on a label; give one, or one per data point"
                )
            return None
        given = [y] * n if isinstance(y, str) or np.ndim(y) == 0 else list(y)
        if len(given) != n:
            raise InvalidError(f"y: expected one label, or {n}, got {len(given)}")
        known = {label: self._condition(label) for label in dict.fromkeys(map(_plain, given))}
        vectors = [found.vector for label in map(_plain, given) if (found := known[label]) is not None]
        return torch.stack(vectors).to(self.device)

    def _as_data(self, x: np.ndarray, container: str, like: Any = None) -> Any:
        if self.columns:
            return table_in_container(x, self.columns, container, like)
        return in_container(x, container)

    def _fill(self, X: Any, values: np.ndarray) -> Any:
        """A copy of X whose missing values are those of `values`, (N, *layout)."""
        container = container_of(X)
        if container in ("pandas", "polars"):
            return fill_frame(X, self.columns, values, self.recipe.data.missing_values)
        if isinstance(X, Dataset):
            return values
        given, _ = values_and_labels(X, "impute")
        values = values.reshape(given.shape)
        if given.dtype.kind != "f":
            return in_container(given.copy(), container)
        return in_container(np.where(np.isnan(given), values.astype(given.dtype), given), container)


def _plain(label: Any) -> Any:
    """A label as a number or a word of Python."""
    return label.item() if hasattr(label, "item") else label
