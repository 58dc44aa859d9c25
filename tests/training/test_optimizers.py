"""Optimizers of torch.optim by name: the same numbers as torch, also after a checkpoint."""

from __future__ import annotations

import pytest
import torch

from toy_runs import At, Killed, die, metrics, train
from vaekit.config.loading import load_recipe
from vaekit.errors import RecipeError
from vaekit.training.optimizer_settings import optimizer_names
from vaekit.training.settings import TrainingSettings
from vaekit.training.torch_optimizer import check_optimizer, make_optimizer

OPTIONS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "AdamW": {"betas": [0.8, 0.95]},
    "Adam": {"amsgrad": True},
    "RMSprop": {"momentum": 0.5, "centered": True},
}


def weights() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in ((3, 4), (5, 2))]


def steps(some, optimizer, n):
    for _ in range(n):
        sum((weight.square() * (1 + weight.exp())).sum() for weight in some).backward()
        optimizer.step(0.05)


@pytest.mark.parametrize("kind", optimizer_names())
def test_every_optimizer_is_that_of_torch_and_continues_from_its_moments(kind):
    settings = TrainingSettings(optimizer={"kind": kind, **OPTIONS.get(kind, {})})
    ours, theirs, resumed = weights(), weights(), weights()
    optimizer = make_optimizer(ours, settings)
    reference = getattr(torch.optim, kind)(theirs, lr=0.05, **settings.optimizer.options)
    steps(ours, optimizer, 3)
    with torch.no_grad():
        for weight, value in zip(resumed, ours, strict=True):
            weight.copy_(value)
    again = make_optimizer(resumed, settings)
    again.load_moments(dict(enumerate(optimizer.moments)))
    steps(ours, optimizer, 3)
    steps(resumed, again, 3)
    for _ in range(6):
        sum((weight.square() * (1 + weight.exp())).sum() for weight in theirs).backward()
        reference.step()
        reference.zero_grad()
    assert all(map(torch.equal, ours, resumed))
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, its)


def test_adamw_without_options_decays_as_that_of_torch():
    ours, theirs = weights(), weights()
    steps(ours, make_optimizer(ours, TrainingSettings(optimizer="AdamW")), 1)
    reference = torch.optim.AdamW(theirs, 0.05, fused=True)
    sum((weight.square() * (1 + weight.exp())).sum() for weight in theirs).backward()
    reference.step()
    assert all(map(torch.equal, ours, theirs))


def test_a_killed_training_with_another_optimizer_is_resumed_exactly(tmp_path):
    optimizer = {"kind": "SGD", "momentum": 0.9}
    train(tmp_path / "whole", optimizer=optimizer, learning_rate=1e-3)
    with pytest.raises(Killed):
        train(tmp_path / "cut", optimizer=optimizer, learning_rate=1e-3, log=At(8, die))
    train(tmp_path / "cut", optimizer=optimizer, learning_rate=1e-3, resume=True)
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.optimizer=Adm"], "training.optimizer.kind: expected one of .* got 'Adm'; did you mean"),
        (["training.optimizer=LBFGS"], "LBFGS cannot be used: it evaluates the loss several times per step"),
        (["training.optimizer={kind: SGD, momentun: 1}"], r"momentun: unknown option of SGD; did you mean"),
        (["training.optimizer.lr=1"], "give the rate as training.learning_rate"),
        (
            ["training.optimizer=SGD", "training.weight_decay=0.1"],
            "belongs to Adam, but the optimizer is SGD; give only training.optimizer.weight_decay",
        ),
    ],
)
def test_a_wrong_optimizer_is_one_line(overrides, message):
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe("digits", overrides)
    assert "\n" not in str(error.value)


def test_a_wrong_value_is_found_before_training():
    wrong = load_recipe("digits", ["training.optimizer={kind: SGD, momentum: -1}"]).training
    with pytest.raises(RecipeError, match=r"training.optimizer: SGD: Invalid momentum value"):
        check_optimizer(wrong)
