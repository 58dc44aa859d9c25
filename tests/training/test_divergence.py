"""When a number is not finite: what is said, and how training goes back."""

from __future__ import annotations

import math

import pytest
import torch

from toy_runs import At, Killed, die, events, images, metrics, model, same, settings, train, train_wildly
from vaekit.errors import DivergedError
from vaekit.models.objectives import Objective
from vaekit.training.checkpoint import Checkpoints, load_weights
from vaekit.training.loop import fit

ENCODER = "encoder.layers.0.network.layers.1.weight"


def spoil(vae, part: str):
    """Return what makes a model fail from then on."""
    decoder = vae.decoder.network

    def weights() -> None:
        with torch.no_grad():
            decoder.layers[1].weight[0, 0] = math.nan

    def output() -> None:
        decoder.layers[0].register_forward_hook(lambda module, inputs, output: output * math.inf)

    def gradient() -> None:
        vae.encoder.layers[0].network.layers[1].weight.register_hook(lambda gradient: gradient * math.nan)

    return {"weights": weights, "output": output, "gradient": gradient}[part]


@pytest.mark.parametrize(
    ("part", "limit", "step", "said"),
    [
        ("weights", None, 8, "gradient is not finite, first in the weights decoder.network.layers.1.weight"),
        ("output", None, 8, "log_px is not finite, first in the output of decoder.network.layers.0"),
        ("gradient", None, 9, f"gradient is not finite, first in the weights {ENCODER}"),
        ("gradient", 5.0, 8, f"gradient is not finite, first in the gradient of {ENCODER}"),
    ],
)
def test_the_term_and_the_layer_are_named(tmp_path, part, limit, step, said):
    vae = model()
    with pytest.raises(DivergedError) as caught:
        train(tmp_path, vae=vae, log=At(7, spoil(vae, part)), gradient_clip=limit)
    message = str(caught.value)
    assert message.startswith(
        f"training diverged at epoch 2, step {step}: {said}; the last good checkpoint is "
    )
    assert "000003-step-6-" in message
    assert "training.learning_rate (now 0.01)" in message
    assert "training.on_nan=rollback" in message
    assert "\n" not in message
    assert caught.value.exit_code == 5


def test_a_learning_rate_that_is_too_large_diverges(tmp_path):
    with pytest.raises(
        DivergedError, match=r"epoch 1, step 2: log_qz is not finite, .*bounds on the log-variance"
    ):
        train_wildly(tmp_path)
    assert all(tensor.isfinite().all() for tensor in load_weights(tmp_path, "last").values())


def test_data_that_are_not_finite(tmp_path):
    data = images()
    data.batch = lambda indices: torch.full((len(indices), 1, 4, 4), math.nan)
    with pytest.raises(
        DivergedError, match=r"step 1: data is not finite.*try data that are finite and in \[0, 1\]"
    ):
        fit(model(), Objective(), data, None, settings(), tmp_path)


def test_a_validation_loss_that_is_not_finite(tmp_path):
    data = images(30, training=False)
    data.batch = lambda indices: torch.full((len(indices), 1, 4, 4), math.inf)
    with pytest.raises(DivergedError, match="epoch 1, step 6: validation_loss is not finite"):
        fit(model(), Objective(), images(), data, settings(), tmp_path)


def test_nothing_that_is_not_finite_is_saved(tmp_path):
    """The gradient goes wrong in the very step after which a checkpoint is due."""
    vae = model()
    with pytest.raises(DivergedError):
        train(tmp_path, vae=vae, log=At(8, spoil(vae, "gradient")), gradient_clip=None)
    newest = Checkpoints(tmp_path, pytest.fail).load_newest()
    assert newest.position.step == 6
    assert all(tensor.isfinite().all() for tensor in newest.tensors.values() if tensor.is_floating_point())


def test_rollback_halves_the_rate_and_continues(tmp_path):
    outcome = train_wildly(tmp_path, on_nan="rollback")
    assert outcome.epochs == 4
    assert [event["rollbacks"] for event in events(tmp_path)] == [1, 2, 3]
    assert events(tmp_path)[0]["event"] == "rollback"
    assert events(tmp_path)[0]["reason"].startswith(
        "training diverged at epoch 1, step 2: log_qz is not finite"
    )
    assert [record["learning_rate"] for record in metrics(tmp_path)] == [1.25] * 4
    assert [record["epoch"] for record in metrics(tmp_path)] == [1, 2, 3, 4]


@pytest.mark.parametrize("step", [1, 2, 4, 5, 6, 12])
def test_resuming_after_a_rollback_is_exact(tmp_path, step):
    train_wildly(tmp_path / "whole", on_nan="rollback")
    with pytest.raises(Killed):
        train_wildly(tmp_path / "cut", on_nan="rollback", log=At(step, die))
    train_wildly(tmp_path / "cut", resume=True, on_nan="rollback")
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")
    assert events(tmp_path / "cut") == events(tmp_path / "whole")
    assert same(load_weights(tmp_path / "cut", "last"), load_weights(tmp_path / "whole", "last"))


def test_training_mode_is_restored_after_a_failed_validation(tmp_path):
    vae, data, modes = model().eval(), images(30, training=False), []
    batch, bad = data.batch, [math.nan]
    data.batch = lambda indices: batch(indices) * (bad.pop() if bad else 1.0)
    log = At(2, lambda: modes.append(vae.training))
    fit(vae, Objective(), images(), data, settings(on_nan="rollback"), tmp_path, log=log)
    assert [event["reason"] for event in events(tmp_path)] == [
        "training diverged at epoch 1, step 6: validation_loss is not finite"
    ]
    assert modes == [True, True]


def test_rollback_gives_up(tmp_path):
    vae = model()
    with pytest.raises(DivergedError, match=r"step 6: .*gave up after 8 halvings of the learning rate"):
        train(tmp_path, vae=vae, log=At(6, spoil(vae, "output")), on_nan="rollback")
    assert len(events(tmp_path)) == 8
    assert Checkpoints(tmp_path, pytest.fail).load_newest().position.epoch == 2
