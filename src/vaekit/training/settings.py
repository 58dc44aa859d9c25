"""The keys of `training`: how long, how fast, where, and from which seed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from vaekit.utils.schema import Count, Positive, Section, name_to_section


class ConstantRate(Section):
    kind: Literal["constant"] = "constant"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")


class CosineRate(Section):
    kind: Literal["cosine"] = "cosine"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")
    min_lr_ratio: float = Field(0.01, ge=0, le=1, description="share of the rate that is left at the end")


class ExponentialRate(Section):
    kind: Literal["exponential"] = "exponential"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0")
    factor: float = Field(0.97, gt=0, le=1, description="by which the rate falls every epoch")


RateSchedule = Annotated[
    Annotated[ConstantRate | CosineRate | ExponentialRate, Field(discriminator="kind")],
    BeforeValidator(name_to_section),
]


class TrainingSettings(Section):
    epochs: int = Field(10, ge=1, le=1_000_000, description="passes over the training images")
    batch_size: int = Field(100, ge=1, le=1_000_000, description="images a step")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="of Adam")
    schedule: RateSchedule = Field(ConstantRate(), description="of the learning rate")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled, as in AdamW")
    gradient_clip: Positive | None = Field(None, description="largest norm of the gradient")
    ema: float | None = Field(None, gt=0, lt=1, description="decay of the moving average of the weights")
    patience: Count | None = Field(
        None, description="epochs without a better validation bound before stopping"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of the products, by autocast")
    compile: bool = Field(False, description="the step, by torch: half a minute, then less time")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda or mps")
    threads: int | None = Field(
        None, ge=1, le=4096, description="of the processor; as torch chooses if not given"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of weights, order of images, and noise")
    checkpoint_seconds: Positive = Field(30.0, description="at most so long between two checkpoints")
    checkpoint_steps: Count | None = Field(None, description="the same in steps")
    on_nan: Literal["stop", "rollback"] = Field("stop", description="what a loss not finite leads to")
    sample_every: int = Field(1, ge=0, description="epochs between pictures of the progress; 0 for none")
    tensorboard: bool = Field(False, description="write TensorBoard events too (extra: tensorboard)")
