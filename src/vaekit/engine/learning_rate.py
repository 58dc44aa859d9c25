"""Find a learning rate: the range test of Smith (2017).

The rate of step t rises geometrically, r_t = r_min (r_max / r_min)^(t / (T - 1)), while the model trains. The
loss first stays, then falls, then rises again where the rate is too large. The smoothed loss is

    s_t = b s_(t-1) + (1 - b) l_t,    divided by 1 - b^(t + 1),    b = 0.9.

The suggestion is a tenth of the largest rate at which the smoothed loss is the lowest but for its noise (of
the minimum in fastai, Howard and Gugger 2020): beyond it, steps are too large. The noise of s is that of l
times sqrt((1 - b) / (1 + b)), which the differences of successive losses show. The loss of a model that
starts at its optimum, as that of a table, never falls; its rate is where the loss begins to rise.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.config.build import Experiment, build
from vaekit.config.in_memory import RecipeLike, as_recipe, recipe_for
from vaekit.config.loading import override_recipe
from vaekit.config.overrides import Overrides, as_overrides
from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.models.context import Context
from vaekit.models.vae import VAE
from vaekit.training.accumulation import iterate_steps
from vaekit.training.batches import observed_mask
from vaekit.training.train_state import TrainState
from vaekit.utils.device import choose_device, cpu_settings
from vaekit.utils.random import derive_seed, epoch_order, seeded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOOTHING = 0.9  # b
MEMORY = 10  # steps that count in s, 1 / (1 - b)
MEDIAN_JUMP = 0.9539  # median of |a - b| for two normal numbers of deviation 1
SAFETY = 10.0  # the rate of the lowest loss is divided by it


@dataclass(frozen=True)
class LearningRateSearch:
    """The losses of a training whose learning rate rises.

    Attributes:
        rates: (T,), the learning rate of each step.
        losses: (T,), the loss of each step in nats; the search ends early where it diverges.
        name: of the recipe.

    >>> search = LearningRateSearch([1e-4, 1e-3, 1e-2, 1e-1], [9.0, 7.0, 3.0, 90.0])
    >>> round(search.suggestion, 5)
    0.001
    """

    rates: Sequence[float]
    losses: Sequence[float]
    name: str = field(default="")

    @property
    def smoothed(self) -> list[float]:
        """The smoothed losses (T,)."""
        return list(_smooth(self.losses))

    @property
    def suggestion(self) -> float:
        """A learning rate for the whole training."""
        smoothed, shrink = self.smoothed, math.sqrt((1 - SMOOTHING) / (1 + SMOOTHING))
        settled = smoothed[min(MEMORY, len(smoothed) // 4) :]  # the first means are of few steps
        limit = min(settled) + shrink * _noise(self.losses)
        return max(r for r, loss in zip(self.rates, smoothed, strict=True) if loss <= limit) / SAFETY

    def figure(self) -> Figure:
        """The losses by learning rate, with the suggestion marked."""
        from vaekit.plotting.learning_rates import learning_rates

        title = f"Learning rates of {self.name}" if self.name else "Learning rates"
        return learning_rates(self.rates, self.losses, self.smoothed, self.suggestion, title)

    def save(self, file: str | Path) -> Path:
        """Write the figure, as PNG, SVG or PDF by the end of its name.

        Raises:
            VaekitError: the format is another, or the file cannot be written.
        """
        from vaekit.plotting.style import save

        return save(self.figure(), file, (Path(file).suffix.removeprefix(".") or "png",))[0]


def find_learning_rate(
    data: Any = None,
    y: Any = None,
    *,
    recipe: RecipeLike | None = None,
    overrides: Overrides = (),
    model: VAE | None = None,
    min_rate: float = 1e-6,
    max_rate: float = 1.0,
    steps: int = 200,
    **keys: Any,
) -> LearningRateSearch:
    """Train for a few steps with a rising learning rate, and suggest one (Smith 2017).

    Args:
        data: values, a name or a path, as for `vaekit.fit`; those of the recipe if None.
        y: labels of values.
        recipe: a name, a file, a `Recipe` or a dict. Default: mnist, or with `data` one proposed for them.
        overrides, keys: changes of the recipe, as for `vaekit.fit`.
        model: a model that was built by hand, which is copied.
        min_rate, max_rate: the first and the last learning rate.
        steps: T, the number of steps.

    Returns:
        The losses by learning rate; `suggestion` is a learning rate.

    Raises:
        VaekitError: data, recipe and model do not fit together, or a number is out of its range.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> search = find_learning_rate(X, latent_dim=1, steps=20, min_rate=1e-4)
    >>> 1e-5 < search.suggestion < 1
    True
    """
    if not 0 < min_rate < max_rate or steps < 2:
        raise InvalidError(
            f"expected 0 < min_rate < max_rate and at least 2 steps, got {min_rate}, {max_rate} and {steps}"
        )
    changes = as_overrides(overrides, **keys)
    if data is None:
        dataset, resolved = None, override_recipe(as_recipe(recipe or "mnist"), changes)
    else:
        dataset, (resolved, _) = recipe_for(data, y, recipe, changes, validation=0.1, test=0)
    experiment = build(resolved, dataset, None if model is None else copy.deepcopy(model))
    with cpu_settings(resolved.training.threads):
        return _search(experiment, min_rate, max_rate, steps)


def _search(experiment: Experiment, low: float, high: float, steps: int) -> LearningRateSearch:
    recipe, data = experiment.recipe, experiment.dataset
    settings = recipe.training.model_copy(update={"ema": None})
    seen = TrainedModel(
        experiment.model.to(choose_device(settings.device)), recipe, data.shape, data.label_names,
        Path(recipe.name), attribute_names=data.attribute_names, preprocessing=experiment.preprocessing,
        table=data.table,
    )  # fmt: skip
    images = seen.subset(data, experiment.splits.train, training=True)
    experiment = replace(experiment, model=seen.model)
    rates: list[float] = []
    losses: list[float] = []
    lowest, start = math.inf, math.inf
    with seeded(derive_seed(settings.seed, "noise")):
        for rate, loss in _losses(experiment, TrainState(seen.model, settings), images, low, high, steps):
            if not math.isfinite(loss):
                break
            rates.append(rate)
            losses.append(loss)
            *_, smoothed = _smooth(losses)
            start, lowest = (smoothed if math.isinf(start) else start), min(lowest, smoothed)
            if len(losses) > MEMORY and smoothed > start + 2 * (start - lowest) + 10 * _noise(losses):
                break
    if len(losses) < 2:
        raise InvalidError(f"the loss is not finite at the learning rate {low:g}; give a smaller min_rate")
    return LearningRateSearch(rates, losses, recipe.name)


def _losses(
    experiment: Experiment, state: TrainState, images: ObservedImages, low: float, high: float, steps: int
) -> Iterator[tuple[float, float]]:
    """The learning rate and the loss of each step."""
    settings, objective = state.settings, experiment.objective
    for number, batches in enumerate(islice(_steps(images, settings), steps)):
        rate, total = low * (high / low) ** (number / (steps - 1)), 0.0
        for n, (x, y) in batches:
            context = Context(label=y, mask=observed_mask(images, x))
            terms = state.model.elbo_terms(x, context, objective.samples, objective.need | {"kl"})
            loss = objective.loss(terms, objective.final_beta) * (len(x) / n)
            loss.backward()
            total += float(loss.detach())
        state.step(rate, state.grad_norm())
        yield rate, total


def _steps(images: ObservedImages, settings: Any) -> Iterator[list[Any]]:
    """The batches of one step after the other, over and over again."""
    for epoch in count(1):
        order = epoch_order(settings.seed, epoch, len(images))
        for n, batches in iterate_steps(images, order, settings.batch_size, settings.accumulate):
            yield [(n, batch) for batch in batches]


def _noise(losses: Sequence[float]) -> float:
    """The standard deviation of the loss of a step, from the differences of successive ones."""
    return statistics.median(abs(b - a) for a, b in pairwise(losses)) / MEDIAN_JUMP


def _smooth(losses: Sequence[float]) -> Iterator[float]:
    mean = 0.0
    for number, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        yield mean / (1 - SMOOTHING**number)
