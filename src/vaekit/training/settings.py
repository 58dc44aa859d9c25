"""The section `training` of a recipe: duration, learning rate, device, seed, checkpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vaekit.training.optimizer_settings import OptimizerChoice, OptimizerSettings
from vaekit.utils.schema import Count, Positive, Section, name_to_section


class ConstantRate(Section):
    """The same learning rate in every step after warm-up.

    >>> ConstantRate(warmup=100)
    ConstantRate(kind='constant', warmup=100)
    """

    kind: Literal["constant"] = "constant"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0 (warm-up)")


class CosineRate(Section):
    """A learning rate that falls along half a cosine (Loshchilov and Hutter 2017).

    >>> CosineRate().min_lr_ratio
    0.01
    """

    kind: Literal["cosine"] = "cosine"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0 (warm-up)")
    min_lr_ratio: float = Field(0.01, ge=0, le=1, description="final rate as a share of learning_rate")


class ExponentialRate(Section):
    """A learning rate that falls by a constant factor per epoch.

    >>> ExponentialRate(factor=0.9).factor
    0.9
    """

    kind: Literal["exponential"] = "exponential"
    warmup: int = Field(0, ge=0, description="steps in which the rate rises from 0 (warm-up)")
    factor: float = Field(0.97, gt=0, le=1, description="factor of the rate per epoch")


Names = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]
RateSchedule = Annotated[
    Annotated[ConstantRate | CosineRate | ExponentialRate, Field(discriminator="kind")],
    BeforeValidator(name_to_section),
]


def _run_to_section(value: Any) -> Any:
    return {"run": value} if value is None or isinstance(value, str) else value


class InitFrom(Section):
    """A trained model whose weights a training starts from.

    >>> InitFrom(run="runs/mnist/1", only="encoder").only
    ['encoder']
    """

    run: str | None = Field(None, min_length=1, description="run or model directory; none if not given")
    only: Names = Field([], description="parts that are taken, such as encoder; all that fit if empty")
    sha256: str | None = Field(None, description="of the file of weights; found out if not given")


class TrainingSettings(Section):
    """All settings of a training.

    >>> TrainingSettings(epochs=3, schedule="cosine").schedule.kind
    'cosine'
    """

    init_from: Annotated[InitFrom, BeforeValidator(_run_to_section)] = Field(
        InitFrom(), description="run or model directory whose weights training starts from"
    )
    freeze: Names = Field([], description="parts that are not trained, such as encoder")
    epochs: int = Field(10, ge=1, le=1_000_000, description="passes over the training images")
    batch_size: int = Field(100, ge=1, le=1_000_000, description="images per step")
    accumulate: Count = Field(1, description="batches per step of the optimizer, whose gradients add up")
    optimizer: OptimizerChoice = Field(
        OptimizerSettings(), description="class of torch.optim, with its options as further keys"
    )
    learning_rate: float = Field(1e-3, gt=0, le=10, description="learning rate of the optimizer")
    schedule: RateSchedule = Field(ConstantRate(), description="schedule of the learning rate")
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled weight decay of Adam, as in AdamW")
    gradient_clip: Positive | None = Field(None, description="maximum norm of the gradient")
    ema: float | None = Field(None, gt=0, lt=1, description="decay of the moving average of the weights")
    patience: Count | None = Field(
        None, description="epochs without a better validation bound before stopping"
    )
    keep_start: bool = Field(
        False, description="keep the initial weights if no epoch has a better validation bound"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="precision of matrix products, by autocast"
    )
    matmul: Literal["auto", "torch", "onednn"] = Field(
        "auto", description="library of the float32 matrix products on a CPU; auto takes the faster one"
    )
    sharding: Literal["none", "zero"] = Field(
        "none", description="zero: several processes divide the state of the optimizer among them"
    )
    compile: bool = Field(False, description="use torch.compile (about 30 s startup)")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda or mps")
    threads: int | None = Field(
        None, ge=1, le=4096, description="CPU threads; the default of torch if not given"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="random seed of weights, order of images and noise")
    checkpoint_seconds: Positive = Field(30.0, description="maximum seconds between two checkpoints")
    checkpoint_steps: Count | None = Field(None, description="maximum steps between two checkpoints")
    on_nan: Literal["stop", "rollback"] = Field("stop", description="what to do if the loss is not finite")
    sample_every: int = Field(1, ge=0, description="epochs between two figures of samples; 0 for none")

    @model_validator(mode="after")
    def _one_weight_decay(self) -> TrainingSettings:
        kind, twice = self.optimizer.kind, "weight_decay" in self.optimizer.options
        if self.weight_decay and (twice or kind not in ("Adam", "AdamW")):
            came = "both are given" if twice else f"the optimizer is {kind}"
            raise ValueError(
                f"weight_decay: belongs to Adam, but {came}; give only training.optimizer.weight_decay"
            )
        return self
