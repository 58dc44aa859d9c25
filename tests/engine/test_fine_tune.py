"""Training from the weights of another model, with frozen parts, and with a new prior or likelihood."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

import vaekit
from vaekit.config.loading import load_recipe
from vaekit.errors import InvalidError, NotFoundError
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger

LOG = SilentLogger()
SMALL = ["data.train=60", "data.validation=20", "training.sample_every=0", "training.epochs=1"]


class Notes(SilentLogger):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return train(
        "digits", SMALL, run_dir=tmp_path_factory.mktemp("runs") / "source", figures=False, log=LOG,
        latent_dim=2,
    )  # fmt: skip


def weights(model, part: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if name.startswith(f"{part}.")}


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_new_prior_on_a_frozen_encoder(source, tmp_path):
    log = Notes()
    run = train(
        None, ["training.epochs=2"], run_dir=tmp_path / "run", figures=False, log=log,
        init_from=str(source.path), freeze=["encoder"], prior={"kind": "mixture", "components": 3},
    )  # fmt: skip
    assert same(weights(run.model, "encoder"), weights(source.model, "encoder"))
    assert not same(weights(run.model, "decoder"), weights(source.model, "decoder"))
    assert all(weight.requires_grad for weight in run.model.parameters())
    [note] = [note for note in log.notes if note.startswith("init_from")]
    assert "weights copied, new are prior.layers.0" in note
    file = source.path / "model" / "model.safetensors"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert run.environment["init_from"] == {"path": str(source.path), "sha256": digest}
    assert run.recipe.training.init_from.sha256 == digest
    assert run.recipe.data.train == 60  # without a recipe, that of the source


def test_the_first_loss_is_that_of_the_source(source):
    """A learning rate near 0 leaves the validation loss where the source ended."""
    seen = []
    vaekit.fit(
        "digits", init_from=str(source.path), epochs=1, learning_rate=1e-12, log=LOG,
        callbacks=[lambda epoch: seen.append(epoch.record["validation_loss"])],
        overrides=["data.validation=20", f"data.test={source.recipe.data.test}"],
    )  # fmt: skip
    assert seen[0] == pytest.approx(source.metrics[-1]["validation_loss"], rel=1e-5)


def test_a_run_is_resumed_without_its_source(source, tmp_path):
    options = {"figures": False, "log": LOG, "init_from": str(source.path), "freeze": "encoder"}
    options["schedule"] = "constant"  # a cosine ends with the last epoch
    whole = train(None, ["training.epochs=2"], run_dir=tmp_path / "whole", **options)
    cut = train(None, ["training.epochs=1"], run_dir=tmp_path / "cut", **options)
    hidden = source.path.rename(source.path.with_name("hidden"))
    try:
        resumed = resume(cut.path, epochs=2, log=LOG, figures=False)
    finally:
        hidden.rename(source.path)
    losses = [[record["validation_loss"] for record in run.metrics] for run in (whole, resumed)]
    assert losses[0] == losses[1]
    assert resumed.recipe.training.init_from == whole.recipe.training.init_from
    assert resumed.environment["init_from"] == whole.environment["init_from"]
    again = vaekit.fit("digits", init_from={"run": str(whole.path)}, epochs=1, log=LOG)  # fine-tuned twice
    assert (again.recipe.training.init_from.run, again.recipe.training.freeze) == (str(whole.path), [])


def test_parts_that_are_named_must_fit(source):
    recipe = load_recipe("digits", [*SMALL, "model.latent_dim=2", "model.decoder.network.hidden_sizes=[7]"])
    only = {"run": str(source.path), "only": ["encoder"]}
    trained = vaekit.fit("digits", recipe=recipe, init_from=only, freeze="encoder", log=LOG)
    assert same(weights(trained.model, "encoder"), weights(source.model, "encoder"))
    only["only"] = ["decoder"]
    with pytest.raises(InvalidError, match=r"does not fit the model: decoder.* \(\(7, 2\), there \("):
        vaekit.fit("digits", recipe=recipe, init_from=only, log=LOG)


def test_a_trained_model_in_memory_is_a_source():
    X = np.random.default_rng(0).normal(size=(120, 3))
    first = vaekit.fit(X, latent_dim=1, epochs=1, log=LOG)
    log = Notes()
    second = vaekit.fit(X[:90] * 10, init_from=first, epochs=1, freeze=["encoder"], log=log)
    assert same(weights(second.model, "encoder"), weights(first.model, "encoder"))
    assert any("scaled by their own training rows" in note for note in log.notes)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"init_from": "nowhere"}, NotFoundError, "init_from: nowhere: no such run or model"),
        ({"freeze": ["encodr"]}, InvalidError, "no weights in 'encodr'; did you mean 'encoder'"),
        ({"freeze": ["encoder", "decoder"]}, InvalidError, "nothing is left to train"),
    ],
)
def test_mistakes_are_one_line(keys, error, message):
    with pytest.raises(error, match=message):
        vaekit.fit("digits", recipe="digits", overrides=SMALL, log=LOG, **keys)


def test_other_weights_than_those_of_the_recipe_are_refused(source):
    wrong = {"run": str(source.path), "sha256": "0" * 64}
    with pytest.raises(InvalidError, match="not the weights that the recipe was made with"):
        vaekit.fit("digits", init_from=wrong, log=LOG)
