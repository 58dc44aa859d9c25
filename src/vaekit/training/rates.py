"""The learning rate is a pure function of the position, so there is no scheduler whose state could be lost.

With r the rate of the recipe, s the step from 1 of S, e the epoch from 1, and w steps of warm-up,

    constant      r
    cosine        r (f + (1 - f) (1 + cos(pi (s - w) / (S - w))) / 2)        (Loshchilov and Hutter 2017)
    exponential   r factor^(e - 1)

each times min(1, s / w) while it warms up.
"""

from __future__ import annotations

import math

from vaekit.recipe import CosineRate, ExponentialRate, Training


def learning_rate(settings: Training, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        settings: rate and schedule.
        epoch, step: counted from 1 since the start of training.
        steps: of the whole training.
    """
    warmup = settings.schedule.warmup
    rising = min(1.0, step / warmup) if warmup else 1.0
    return settings.learning_rate * rising * _decay(settings, epoch, max(step - warmup, 0), steps - warmup)


def _decay(settings: Training, epoch: int, step: int, steps: int) -> float:
    schedule = settings.schedule
    if isinstance(schedule, CosineRate):
        progress = min(step / max(steps, 1), 1.0)
        return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * progress)) / 2
    return schedule.factor ** (epoch - 1) if isinstance(schedule, ExponentialRate) else 1.0
