"""Figures of a trained model, as `model.plot`: each method returns a figure of matplotlib.

    model.plot.samples(16)      model.plot.reconstructions(X)    model.plot.latents(X, y, method="tsne")
    model.plot.manifold()       model.plot.traversals()          model.plot.pseudo_inputs()
    model.plot.interpolation(a, b)

What is drawn of a data point depends on its kind, see `vaekit.plotting.pictures`: images as they are, signals
as curves, volumes as slices. Rows of a table are not drawn one by one; their figures show columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Unpack

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit import plotting
from vaekit.data.dataset import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.engine import conditional_plots, latent_plots, plots, table_plots
from vaekit.engine.conditioning import Condition, parse_condition
from vaekit.engine.loaded_model import LoadedModel, split_indices
from vaekit.engine.plot import Plot, held_out_split, with_labels
from vaekit.errors import InvalidError
from vaekit.plotting import LookOptions


class ModelPlots:
    """The figures of a model. Every method takes `ax` and the options of `vaekit.plotting.Look`.

    - ax: axes to draw in, where the figure has one panel. Its figure is returned.
    - columns: pictures or panels per row.
    - width: of the figure in inches.
    - title: another title, or False for none.
    - cmap: a color map of matplotlib for gray pictures and for the classes of points.
    - invert: draw images as negatives.

    X is data of any kind that `vaekit.fit` takes. Without X, the test split of the model's own data is drawn,
    or its validation split if it has no other.

    Args:
        trained: the model.

    >>> import vaekit
    >>> figure = vaekit.demo().plot.samples(10, label=7, columns=5, width=3)
    >>> type(figure).__name__, round(float(figure.get_figwidth()), 2)
    ('ScreenFigure', 3.0)
    """

    def __init__(self, trained: LoadedModel):
        self._trained = trained

    def __repr__(self) -> str:
        names = [name for name in dir(type(self)) if not name.startswith("_")]
        return f"ModelPlots({self._trained.recipe.name!r}: {', '.join(names)})"

    def samples(
        self,
        n: int | None = None,
        *,
        label: Any = None,
        temperature: float = 1.0,
        seed: int = 0,
        sample_pixels: bool = False,
        ax: Axes | None = None,
        **look: Unpack[LookOptions],
    ) -> Figure:
        """New data points from the prior; for a table, the columns of sampled rows beside held-out rows.

        A model that is conditioned on classes shows one column per class, and the same z along each row.

        Args:
            n: how many. Default: 64, or 1000 rows.
            label: of a conditional model, by name or number.
            temperature: factor on the standard deviation of the prior.
            seed: of the samples.
            sample_pixels: sample p(x | z) instead of showing its mean.
            ax, look: see the class.

        Raises:
            InvalidError: the model has no such label.

        >>> import vaekit
        >>> vaekit.demo().plot.samples(20).axes[0].texts[0].get_text()  # the name of a class
        '0'
        """
        trained, condition = self._trained, self._condition(label)
        if trained.columns:
            return _draw(ax, look, lambda: table_plots.table_samples(trained, n or 1000, seed, temperature))
        if condition is None and conditional_plots.has_classes(trained):
            rows, by_class = -(-(n or 64) // len(trained.label_names)), conditional_plots.class_grid
            return _draw(ax, look, lambda: by_class(trained, rows, temperature, seed, sample_pixels))
        return _draw(
            ax, look, lambda: plots.samples(trained, n or 64, temperature, seed, sample_pixels, condition)
        )

    def reconstructions(
        self,
        X: Any = None,
        y: Any = None,
        *,
        n: int = 20,
        seed: int = 0,
        sample_latents: bool = False,
        ax: Axes | None = None,
        **look: Unpack[LookOptions],
    ) -> Figure:
        """Data points above their reconstructions; for a table, the error of each column.

        Args:
            X: data points, of which the first n are drawn; None for n random ones of the model's own data.
            y: their labels, for a conditional model; predicted if None.
            n: how many. For a table all rows count.
            seed: of the choice and of sampled latents.
            sample_latents: decode a sample of q(z | x) instead of its mean.
            ax, look: see the class.

        Raises:
            InvalidError, DataError: the data do not fit the model.

        >>> import vaekit
        >>> figure = vaekit.demo().plot.reconstructions(np.zeros((3, 1, 28, 28), np.uint8))
        >>> [text.get_text() for text in figure.axes[0].texts]  # their indices
        ['0', '1', '2']
        """
        trained = self._trained
        if trained.columns:
            dataset, indices = self._rows(X, y)
            return _draw(ax, look, lambda: table_plots.table_errors(trained, dataset, indices))
        images, given = self._observe(X, y), X is not None
        return _draw(ax, look, lambda: plots.reconstructions(trained, images, n, seed, sample_latents, given))

    def latents(
        self,
        X: Any = None,
        y: Any = None,
        *,
        method: plotting.Method = "pca",
        dims: Literal[2, 3] = 2,
        ax: Axes | None = None,
        **look: Unpack[LookOptions],
    ) -> Figure:
        """The means of q(z | x) as points, colored by class.

        Args:
            X: data points; None for the model's own data.
            y: their classes, by name or number.
            method: "pca", "tsne" or "umap" for more latents than dims; "pca" keeps fewer as they are.
            dims: 2 or 3.
            ax, look: see the class. Three dims need axes of a space.

        Raises:
            InvalidError, DataError: the data do not fit the model, or there are fewer than two.
            VaekitError: umap-learn is not installed.

        >>> import vaekit
        >>> x, y = vaekit.demo().sample(20, seed=0), [0, 1] * 10
        >>> axes = vaekit.demo().plot.latents(x, y).axes[0]
        >>> axes.get_xlabel(), [text.get_text() for text in axes.get_legend().get_texts()]
        ('z0', ['0', '1'])
        """
        if X is None and y is not None:
            raise InvalidError("latents: y are labels of X; give X, too")
        dataset, indices = self._rows(X, y)
        images = self._trained.with_missing("none").subset(dataset, indices)
        names = dataset.label_names
        return _draw(
            ax, look, lambda: latent_plots.latent_scatter(self._trained, images, names, method, dims)
        )

    def manifold(
        self, n: int | None = None, *, label: Any = None, ax: Axes | None = None, **look: Unpack[LookOptions]
    ) -> Figure:
        """What a plane of two latents decodes to, at n by n Gaussian quantiles.

        Args:
            n: data points per axis. Default: 20, or 10 for what needs more room.
            label: of a conditional model. Default: the most probable one.
            ax, look: see the class.

        Raises:
            InvalidError: the model does not have two latents, or is one of a table.

        >>> import vaekit
        >>> vaekit.demo().plot.manifold(5, label=3).axes[0].get_xlabel()
        'z0'
        """
        self._refuse_table("manifold")
        return _draw(ax, look, lambda: latent_plots.decoded_grid(self._trained, n, self._condition(label)))

    def traversals(
        self,
        latents: Sequence[int] | None = None,
        *,
        x: Any = None,
        label: Any = None,
        steps: int = 11,
        max_value: float = 3.0,
        ax: Axes | None = None,
        **look: Unpack[LookOptions],
    ) -> Figure:
        """One latent per row, from -max_value to max_value; the others stay fixed.

        Args:
            latents: which; the 12 with the largest KL if None.
            x: a data point to start from; None for the mean of the prior.
            label: of a conditional model. Default: the most probable one.
            steps: data points per latent.
            max_value: in standard deviations of a standard normal prior.
            ax, look: see the class.

        Raises:
            InvalidError: a latent does not exist, x does not fit the model, or the model is one of a table.

        >>> import vaekit
        >>> axes = vaekit.demo().plot.traversals([1], steps=3, label=4).axes[0]
        >>> [name.get_text() for name in axes.get_xticklabels()]
        ['−3.0', '0.0', '3.0']
        """
        self._refuse_table("traversals")
        images, condition = self._observe(None, None), self._condition(label)
        start = None if x is None else self._points("x", x, None)[0]
        return _draw(
            ax,
            look,
            lambda: latent_plots.traversals(
                self._trained, images, latents, steps, max_value, None, condition, start
            ),
        )

    def pseudo_inputs(self, n: int = 64, *, ax: Axes | None = None, **look: Unpack[LookOptions]) -> Figure:
        """The pseudo-inputs that a VampPrior learned, those of the largest weights first.

        Args:
            n: how many at most.
            ax, look: see the class.

        Raises:
            InvalidError: the prior has none, or the model is one of a table.
        """
        self._refuse_table("pseudo_inputs")
        return _draw(ax, look, lambda: latent_plots.pseudo_inputs(self._trained, n))

    def interpolation(
        self,
        x_a: Any,
        x_b: Any,
        y_a: Any = None,
        y_b: Any = None,
        *,
        steps: int = 10,
        path: Literal["linear", "spherical"] = "linear",
        vary: latent_plots.Vary = "both",
        ax: Axes | None = None,
        **look: Unpack[LookOptions],
    ) -> Figure:
        """What lies between data points in latent space, one path per row.

        Args:
            x_a, x_b: one data point each, or R each.
            y_a, y_b: their labels, for a conditional model; predicted if None.
            steps: data points per path, both ends included.
            path: "linear", or "spherical": an arc along which the norm of the latents changes linearly.
            vary: what changes along the path of a conditional model: latents ("style"), label, or both.
            ax, look: see the class.

        Raises:
            InvalidError, DataError: the data do not fit the model, or differ in number.

        >>> import vaekit
        >>> x = vaekit.demo().sample(2, label=3, seed=0)
        >>> vaekit.demo().plot.interpolation(x[0], x[1], steps=5).axes[0].texts[0].get_text()
        'original'
        """
        self._refuse_table("interpolation")
        a, b = self._points("x_a", x_a, y_a), self._points("x_b", x_b, y_b)
        if len(a[0]) != len(b[0]):
            raise InvalidError(f"x_b: expected {len(a[0])} data points, as many as x_a, got {len(b[0])}")
        return _draw(
            ax,
            look,
            lambda: latent_plots.interpolation(self._trained, a, b, steps=steps, path=path, vary=vary),
        )

    def _rows(self, X: Any, y: Any) -> tuple[Dataset, np.ndarray]:
        """Data and the indices that are drawn: all of X, or the held-out split of the model's own data."""
        dataset, splits = self._trained.load_data(X, y)
        return dataset, split_indices(splits, held_out_split(self._trained) if X is None else "test")

    def _observe(self, X: Any, y: Any) -> ObservedImages:
        dataset, indices = self._rows(X, y)
        return self._trained.with_missing("none" if X is not None else None).subset(dataset, indices)

    def _points(self, name: str, x: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """One data point or several as model values (R, *event), with their labels (R, m) or None."""
        shape = self._trained.shape
        layout = self._trained.to_data(np.zeros(shape, np.float32)).shape
        if tuple(getattr(x, "shape", ())) in (shape, shape[1:] if shape[0] == 1 else shape, layout):
            x = x[None]
        if y is not None and np.ndim(y) == 0:
            y = [y]
        images = self._observe(x, y)
        if not len(images):
            raise InvalidError(f"{name}: expected at least one data point, got none")
        return with_labels(self._trained, images, torch.arange(len(images)))

    def _condition(self, label: Any) -> Condition | None:
        return None if label is None else parse_condition(self._trained, label=str(label))

    def _refuse_table(self, name: str) -> None:
        if self._trained.columns:
            raise InvalidError(
                f"{name}: rows of a table are not drawn one by one; see samples, reconstructions and latents"
            )


def _draw(ax: Axes | None, look: LookOptions, plot: Callable[[], Plot]) -> Figure:
    """The figure of a plot with the looks that the caller wants."""
    with plotting.look(axes=ax, **look):
        return plot().figure
