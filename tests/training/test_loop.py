"""The loop: what it minimizes, reports, keeps and leaves behind."""

from __future__ import annotations

import math

import pytest
import torch

from toy_runs import BATCHES, STEPS, images, metrics, model, same, settings, train
from vaekit.models import posteriors
from vaekit.models.objectives import Objective, constant, cyclical, iwae, linear
from vaekit.training.checkpoint import load_weights
from vaekit.training.display import SilentLogger
from vaekit.training.loop import fit
from vaekit.training.optimizer import Adam
from vaekit.utils.random import derive_seed, epoch_order, seeded

KEYS = [
    *("epoch", "step", "loss", "reconstruction", "kl", "kl_layers", "beta", "learning_rate"),
    *("images_per_second", "seconds"),
    *("validation_loss", "validation_elbo", "validation_reconstruction", "validation_kl", "is_best"),
]


def weights(vae) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in vae.state_dict().items()}


class Recorder(SilentLogger):
    """Remembers what the loop tells, and the weights after each step."""

    def __init__(self, vae):
        self.records, self.weights, self.vae, self.stopped = [], [], vae, 0

    def step(self, state, so_far):
        self.weights.append(weights(self.vae))

    def epoch(self, record):
        self.records.append(record)

    def stop(self):
        self.stopped += 1


def test_a_line_of_metrics(tmp_path):
    vae = model()
    log = Recorder(vae)
    train(tmp_path, vae=vae, log=log)
    assert [list(record) for record in log.records] == [KEYS] * 4
    assert [record["epoch"] for record in log.records] == [1, 2, 3, 4]
    assert [record["step"] for record in log.records] == [5, 10, 15, 20]
    assert [record["beta"] for record in log.records] == [0.5, 1, 1, 1]
    last = log.records[-1]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"])
    assert last["kl"] == sum(last["kl_layers"])
    assert last["validation_elbo"] == pytest.approx(-last["validation_loss"])
    assert last["images_per_second"] > 0
    assert last["seconds"] > 0
    assert log.stopped == 1


def test_one_step_is_that_of_adam_on_the_negative_bound(tmp_path):
    vae, by_hand, data = model(), model(), images(16)
    plain = {"batch_size": 16, "epochs": 1, "ema": None, "gradient_clip": None, "schedule": "constant"}
    fit(vae, Objective(), data, None, settings(**plain), tmp_path)
    optimizer = torch.optim.Adam(by_hand.parameters(), 0.01)
    with seeded(derive_seed(0, "noise")):
        terms = by_hand.elbo_terms(data.batch(epoch_order(0, 1, 16)))
    loss = -terms.elbo.mean()
    loss.backward()
    optimizer.step()
    assert metrics(tmp_path)[0]["loss"] == pytest.approx(loss.item())
    for mine, its in zip(by_hand.parameters(), vae.parameters(), strict=True):
        torch.testing.assert_close(its, mine)


def test_an_epoch_is_every_image_once():
    assert sorted(epoch_order(0, 1, 70).tolist()) == list(range(70))
    assert epoch_order(0, 1, 70).tolist() != epoch_order(0, 2, 70).tolist()
    assert torch.equal(epoch_order(5, 3, 70), epoch_order(5, 3, 70))


def test_training_gets_better(tmp_path):
    train(tmp_path, epochs=30, schedule="constant", ema=None, patience=None)
    losses = [record["validation_loss"] for record in metrics(tmp_path)]
    assert losses[-1] < losses[0] - 0.2


def test_validation_and_callbacks_do_not_change_training(tmp_path):
    train(tmp_path / "with", callbacks=[lambda epoch: torch.rand(7)])
    train(tmp_path / "without", validated=False)
    assert same(load_weights(tmp_path / "with", "last"), load_weights(tmp_path / "without", "last"))
    assert [r["loss"] for r in metrics(tmp_path / "with")] == [
        r["loss"] for r in metrics(tmp_path / "without")
    ]


def test_the_global_generator_does_not_change(tmp_path):
    vae, before = model(), torch.get_rng_state()
    train(tmp_path, vae=vae)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(tmp_path / name, seed=seed)
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")
    assert metrics(tmp_path / "a") != metrics(tmp_path / "c")


def test_the_best_weights_are_the_best(tmp_path):
    vae, seen = model(), {}
    keep = lambda epoch: seen.update({epoch.number: weights(vae)})
    outcome = train(tmp_path, vae=vae, callbacks=[keep], epochs=8, learning_rate=0.4, patience=None, seed=3)
    losses = {r["epoch"]: r["validation_loss"] for r in metrics(tmp_path) if r["epoch"] >= 2}
    best = min(losses, key=losses.__getitem__)
    assert best < 8
    assert (outcome.best_epoch, outcome.best) == (best, losses[best])
    assert same(load_weights(tmp_path, "best"), seen[best])
    assert same(load_weights(tmp_path, "last"), seen[8])
    assert same(vae.state_dict(), seen[best])
    assert not vae.training


def test_the_initial_weights_are_kept_unless_an_epoch_is_better(tmp_path):
    vae, plain = model(), {"objective": Objective(beta=constant(1.0)), "patience": None, "epochs": 2}
    initial = weights(vae)
    outcome = train(tmp_path / "worse", vae=vae, keep_start=True, learning_rate=1e-9, **plain)
    assert outcome.best_epoch == 0  # a change smaller than chance is no improvement
    assert same(vae.state_dict(), initial)
    better = model()
    outcome = train(tmp_path / "better", vae=better, keep_start=True, learning_rate=0.01, **plain)
    assert outcome.best_epoch == 2
    assert not same(better.state_dict(), initial)


def test_the_metrics_mark_the_best_epochs(tmp_path):
    outcome = train(tmp_path, epochs=8, learning_rate=0.4, patience=None, seed=3)
    kept = [record["epoch"] for record in metrics(tmp_path) if record["is_best"]]
    assert kept[-1] == outcome.best_epoch < 8


def test_without_validation_the_latest_counts_as_best(tmp_path):
    """Losses of training are at different betas: in a cycle the lowest would be that of the smallest."""
    objective = Objective(beta=cyclical(2), warmup_end=2)
    outcome = train(tmp_path, objective=objective, validated=False, patience=1)
    assert (outcome.epochs, outcome.best_epoch, outcome.best) == (4, 4, None)
    assert not outcome.stopped_early


def test_before_warm_up_ends_the_latest_counts_as_best(tmp_path):
    vae, seen = model(), {}
    objective = Objective(beta=linear(100), warmup_end=100)
    keep = lambda epoch: seen.update({epoch.number: weights(vae)})
    outcome = train(tmp_path, vae=vae, objective=objective, patience=1, callbacks=[keep])
    assert (outcome.epochs, outcome.best_epoch, outcome.best) == (4, 4, None)
    assert same(vae.state_dict(), seen[4])
    assert same(load_weights(tmp_path, "best"), seen[4])


@pytest.mark.parametrize("settles", [1, 6])
def test_early_stopping_waits_for_warm_up(tmp_path, settles):
    """A model that only gets worse stops `patience` epochs after the first that counts."""
    rising = lambda terms, beta: beta - 0 * terms.log_px.mean()
    objective = Objective(rising, beta=float, warmup_end=settles)
    outcome = train(tmp_path, objective=objective, epochs=20, patience=3)
    assert outcome.stopped_early
    assert (outcome.best_epoch, outcome.epochs) == (settles, settles + 3)


def test_the_average_is_the_one_by_hand(tmp_path):
    vae = model()
    by_hand, log = weights(vae), Recorder(vae)
    train(tmp_path, vae=vae, log=log, ema=0.5, validated=False)
    for t, live in enumerate(log.weights, start=1):
        decay = min(0.5, (1 + t) / (10 + t))
        by_hand = {name: decay * by_hand[name] + (1 - decay) * live[name] for name in live}
    for name, average in load_weights(tmp_path, "last").items():
        torch.testing.assert_close(average, by_hand[name])


def test_the_gradient_is_limited(tmp_path, monkeypatch):
    vae, norms, step = model(), [], Adam.step

    def checked(self, rate):
        norms.append(math.hypot(*(p.grad.norm().item() for p in vae.parameters())))
        step(self, rate)

    monkeypatch.setattr(Adam, "step", checked)
    train(tmp_path, vae=vae, gradient_clip=0.01)
    assert len(norms) == STEPS
    assert norms == pytest.approx([0.01] * STEPS, rel=1e-3)


def test_an_autoencoder_has_no_kl(tmp_path):
    train(tmp_path, vae=model(posteriors.delta()), objective=Objective(beta=constant(0.0)), bound=False)
    for record in metrics(tmp_path):
        assert record["loss"] == record["reconstruction"]
        assert record["validation_loss"] == record["validation_reconstruction"]
        for key in ("kl", "kl_layers", "validation_elbo", "validation_kl"):
            assert record[key] is None


def test_the_importance_weighted_bound_is_tighter_than_the_elbo(tmp_path):
    train(tmp_path, objective=Objective(iwae, samples=5))
    last = metrics(tmp_path)[-1]
    assert last["validation_loss"] < -last["validation_elbo"]


def test_bfloat16_trains_close_to_float32(tmp_path):
    train(tmp_path / "full")
    train(tmp_path / "half", precision="bfloat16")
    full, half = (metrics(tmp_path / name)[-1]["loss"] for name in ("full", "half"))
    assert half != full
    assert half == pytest.approx(full, rel=0.02)


def test_the_first_beta_and_rate_are_those_of_step_1(tmp_path):
    betas, by_step = [], Objective(beta=lambda step: betas.append(step) or 1.0, unit="step", warmup_end=1)
    train(tmp_path, objective=by_step, epochs=1, validated=False)
    assert betas == list(range(1, BATCHES + 1))


def test_images_are_visited_as_often_as_their_weights_say(tmp_path):
    data, seen = images(30), []
    data.weights = torch.zeros(30)
    data.weights[:3] = torch.tensor([1.0, 2.0, 3.0])
    batch = data.batch
    data.batch = lambda indices: seen.extend(indices.tolist()) or batch(indices)
    fit(model(), Objective(), data, None, settings(epochs=2, batch_size=8), tmp_path)
    assert [seen.count(i) for i in range(30)] == [10, 20, 30] + [0] * 27
