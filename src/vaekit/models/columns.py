"""The likelihood `columns`: a row of a table, with a distribution for each type of column.

    real                          N(loc, sigma^2), with the density in units of the data
    integer                       the mass of N(loc, sigma^2) around each integer
    count                         a negative binomial
    boolean, category, ordered    a categorical with one logit per category

A network returns loc and log sigma of a number, which may depend on z, log r of a count, and the logits.
Sigma has a floor: that of a real column is the standard deviation of rounding to its resolution, at least a
thousandth of its scale. Without it, rounded, repeated and constant values have an unbounded density. Since
numbers are scaled to unit variance and sigma never vanishes, the gradients of different columns have the
same order of magnitude (Nazabal et al. 2020 normalize for that reason).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.distributions.columns import Categories, Columns, DiscretizedNormal, ScaledCounts
from vaekit.distributions.normal import LogScaleNormal
from vaekit.models.build_context import BuildContext
from vaekit.registry import register
from vaekit.spec import Column
from vaekit.utils.device import to_float32

SMALLEST_SIGMA = 1e-3  # of a real column, in units of its scale
LOG_SIZE = (-6.0, 12.0)  # bounds of log r of a count


def sigma_floor(column: Column) -> float:
    """The smallest sigma of a number, in model values.

    Rounding to a resolution r adds an error of standard deviation r / sqrt(12). The probabilities of integers
    have a bound without a floor; it is a tenth of their distance.

    >>> sigma_floor(Column("a", scale=2.0, resolution=0.1)) * 2.0 * 12**0.5
    0.1
    """
    if column.kind != "real":
        return integer_step(column) / 10
    return max(column.resolution / (math.sqrt(12) * column.scale), SMALLEST_SIGMA)


def integer_step(column: Column) -> float:
    """The distance of two values of an integer column, in model values.

    >>> integer_step(Column("n", "integer", scale=4.0))
    0.25
    """
    return 1.0 / column.scale


class ColumnsHead(nn.Module):
    """Network output -> the distribution of a row of a table, `Columns`.

    The output has, in this order: loc and log sigma of each real and integer column; mean and log r of each
    count; the logits of each category of the others.

    Args:
        columns: of the table.

    Attributes:
        columns: of the table.
        support: `real` if all columns are real, else `mixed` if any is, else `integers`.

    >>> head = ColumnsHead([Column("a"), Column("b", "category", ("x", "y")), Column("n", "count")])
    >>> head.network_output((3,))
    (6,)
    >>> head(torch.zeros(5, 6))
    Columns(1 LogScaleNormal x 1 ScaledCounts x 1 Categories)
    """

    event_dims, warning = 1, ""
    floor: Tensor
    step: Tensor
    count_offset: Tensor
    count_scale: Tensor
    slopes: Tensor
    lattice: Tensor
    offsets: Tensor

    def __init__(self, columns: Sequence[Column]):
        super().__init__()
        self.columns = tuple(columns)
        of = lambda *kinds: [j for j, c in enumerate(self.columns) if c.kind in kinds]
        self.real, self.integer, self.count = of("real"), of("integer"), of("count")
        self.categories = of("boolean", "category", "ordered")
        everything_real = len(self.real) == len(self.columns)
        self.support = "real" if everything_real else "mixed" if self.real else "integers"
        chosen = lambda indices: [self.columns[j] for j in indices]

        def keep(name: str, values: Sequence[float]) -> None:
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

        keep("floor", [sigma_floor(c) for c in chosen(self.real + self.integer)])
        keep("step", [integer_step(c) for c in chosen(self.integer)])
        keep("count_offset", [c.offset for c in chosen(self.count)])
        keep("count_scale", [c.scale for c in chosen(self.count)])
        keep("slopes", [c.log_slopes()[1][0] if c.kind == "real" else 0.0 for c in self.columns])
        keep("lattice", [1 / c.scale if c.kind == "integer" else 0.0 for c in self.columns])
        keep("offsets", [c.offset / c.scale if c.kind == "integer" else 0.0 for c in self.columns])
        as_tensor = lambda values: torch.tensor(values, dtype=torch.float32)
        self.curved: list[tuple[int, Tensor, Tensor]] = [
            (j, as_tensor(self.columns[j].log_slopes()[0]), as_tensor(self.columns[j].log_slopes()[1]))
            for j in self.real
            if self.columns[j].knots
        ]
        self.sizes = [len(c.categories) for c in chosen(self.categories)]
        self.blocks = [2 * len(self.real), 2 * len(self.integer), 2 * len(self.count), sum(self.sizes)]

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have."""
        return (sum(self.blocks),)

    def extra_repr(self) -> str:
        return f"columns={len(self.columns)}, support={self.support!r}"

    def forward(self, output: Tensor) -> Columns:
        real, integer, count, logits = to_float32(output).split(self.blocks, -1)
        blocks: list[tuple[Tensor, Distribution]] = []
        index = lambda columns: torch.tensor(columns, device=output.device)
        if self.real:
            loc, raw = real.chunk(2, -1)
            blocks.append((index(self.real), LogScaleNormal(loc, self._log_sigma(raw, 0))))
        if self.integer:
            loc, raw = integer.chunk(2, -1)
            sigma = self._log_sigma(raw, len(self.real)).exp()
            blocks.append((index(self.integer), DiscretizedNormal(loc, sigma, self.step)))
        if self.count:
            loc, log_size = count.chunk(2, -1)
            size = log_size.clamp(*LOG_SIZE).exp()
            blocks.append(
                (index(self.count), ScaledCounts(self.rate(loc), size, self.count_offset, self.count_scale))
            )
        if self.categories:
            blocks.append((index(self.categories), Categories(self._padded(logits))))
        return Columns(blocks, self.log_slopes, self.snap if self.integer else None)

    def rate(self, loc: Tensor) -> Tensor:
        """The mean of counts, from loc in model values: offset + scale loc, bent smoothly to stay above 0."""
        bend = self.count_scale / 4
        return bend * F.softplus((loc * self.count_scale + self.count_offset) / bend) + 1e-6

    def log_slopes(self, x: Tensor) -> Tensor:
        """log |dx / dvalue| (..., D) at x (..., D); 0 for columns that are not real."""
        if not self.curved:
            return self.slopes
        slopes = self.slopes.expand(x.shape).clone()
        for j, edges, values in self.curved:
            slopes[..., j] = values.to(x)[torch.searchsorted(edges.to(x), x[..., j].contiguous(), right=True)]
        return slopes

    def snap(self, x: Tensor) -> Tensor:
        """Integers among values (..., D) at their nearest lattice point."""
        step = torch.where(self.lattice > 0, self.lattice, 1.0)
        return torch.where(self.lattice > 0, ((x + self.offsets) / step).round() * step - self.offsets, x)

    def _log_sigma(self, raw: Tensor, first: int) -> Tensor:
        """log sqrt(floor^2 + exp(2 raw)), for columns from `first` on."""
        floor = self.floor[first : first + raw.shape[-1]]
        return 0.5 * torch.logaddexp(2 * floor.log(), 2 * raw)

    def _padded(self, logits: Tensor) -> Tensor:
        """Logits side by side -> (..., n, C), with -inf for categories that a column lacks."""
        widest = max(self.sizes)
        parts = logits.split(self.sizes, -1)
        return torch.stack([F.pad(part, (0, widest - part.shape[-1]), value=-math.inf) for part in parts], -2)


@register("likelihood", "columns")
def columns(context: BuildContext) -> ColumnsHead:
    """A product over the columns of a table, with a distribution for each type.

    Args:
        context: with the preprocessing, whose columns say the types. Without columns, all are real.

    Raises:
        ValueError: the event is no vector, or has another number of columns.

    >>> columns(BuildContext(2, event_shape=(4,))).network_output((4,))
    (8,)
    """
    known = () if context.preprocessing is None else context.preprocessing.columns
    shape = context.event_shape
    if shape is not None and len(shape) != 1:
        raise ValueError(f"columns: expected rows of a table, of shape (D,), got {shape}")
    if not known:
        return ColumnsHead([Column(f"x{j}") for j in range(shape[0] if shape else 1)])
    if shape is not None and len(known) != shape[0]:
        raise ValueError(f"columns: expected {shape[0]}, got {len(known)}")
    return ColumnsHead(known)
