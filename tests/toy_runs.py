"""A training so small that it can be run, killed and run again many times in a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data.dataset import Dataset
from vaekit.data.observation import ObservedImages, observe
from vaekit.models import head, likelihoods, posteriors
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.objectives import Objective, iwae, linear
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn import networks
from vaekit.training.display import SilentLogger
from vaekit.training.loop import FitResult, fit
from vaekit.training.settings import TrainingSettings
from vaekit.utils.io import read_records

SHAPE = (1, 4, 4)
LATENT = 2
EPOCHS, BATCHES = 4, 5  # 70 images, 16 at a time: the last batch is of 6
STEPS = EPOCHS * BATCHES
TIMED = ("images_per_second", "seconds")
WARMUP = Objective(beta=linear(2), warmup_end=2)


class Killed(BaseException):
    """Stands for a death without any last words."""


class At(SilentLogger):
    """Does something at one step.

    Args:
        step: counted from 1.
        act: what.
    """

    def __init__(self, step: int, act: Callable[[], Any]):
        self._step, self._act = step, act

    def step(self, state, so_far) -> None:
        if state.step == self._step:
            self._act()


def die() -> None:
    raise Killed


def model(posterior: head.Head | None = None, seed: int = 0) -> VAE:
    """A dense VAE of 4 x 4 images."""
    torch.manual_seed(seed)
    posterior, likelihood = posterior or posteriors.gaussian(), likelihoods.bernoulli()
    encoder = networks.Dense([SHAPE], posterior.network_output((LATENT,)), (8,))
    decoder = networks.Dense([(LATENT,)], likelihood.network_output(SHAPE), (8,))
    prior, encoder = Hierarchy([StandardNormal(LATENT)], [LATENT]), Conditional(encoder, posterior)
    return VAE(prior, Hierarchy([encoder], [LATENT]), Conditional(decoder, likelihood))


def images(n: int = 70, training: bool = True) -> ObservedImages:
    """Random gray images with labels, observed as binary ones that are drawn anew in training."""
    rng = np.random.default_rng(n)
    levels = rng.integers(0, 256, (n, *SHAPE), dtype=np.uint8)
    data = Dataset("toy", "Toy", levels, np.arange(n) % 2, ("even", "odd"))
    return observe(data, np.arange(n), "dynamic", training=training)


def settings(**changes: Any) -> TrainingSettings:
    """Four epochs with all that has a state: an average, a schedule, a limit of the gradient."""
    usual = {
        "epochs": EPOCHS,
        "batch_size": 16,
        "learning_rate": 0.01,
        "schedule": {"kind": "cosine", "warmup": 3},
        "gradient_clip": 5.0,
        "ema": 0.9,
        "patience": 3,
        "checkpoint_seconds": 1e6,
        "checkpoint_steps": 3,
    }
    return TrainingSettings(**{**usual, **changes})


def train(
    directory: Path,
    resume: bool = False,
    vae: VAE | None = None,
    objective: Objective = WARMUP,
    validated: bool = True,
    log: Any = None,
    callbacks: Sequence[Any] = (),
    bound: bool = True,
    past_stop: bool = False,
    recipe: Any = None,
    **changes: Any,
) -> FitResult:
    """`fit` with toy arguments; `changes` are to the settings."""
    validation = images(30, training=False) if validated else None
    return fit(
        vae or model(),
        objective,
        images(),
        validation,
        settings(**changes),
        directory,
        resume=resume,
        past_stop=past_stop,
        recipe=recipe,
        log=log,
        callbacks=callbacks,
        bound=bound,
    )


def train_wildly(directory: Path, **changes: Any) -> FitResult:
    """With a rate that three halvings tame: sigma underflows, and log q(z | x) has no number."""
    bound = Objective(iwae, samples=2, beta=linear(2), warmup_end=2)
    wild = {"learning_rate": 10.0, "schedule": "constant", "gradient_clip": None}
    return train(
        directory, vae=model(partial(posteriors.gaussian, "log_std")()), objective=bound, **wild, **changes
    )


def metrics(directory: Path) -> list[dict[str, Any]]:
    """The lines of metrics, without what a clock has a say in."""
    records = read_records(directory / "metrics.jsonl")
    return [{key: value for key, value in record.items() if key not in TIMED} for record in records]


def events(directory: Path) -> list[dict[str, Any]]:
    """The lines of events."""
    return read_records(directory / "events.jsonl")


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two sets of tensors are the same to the bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
