"""The contract carries latents without a density, counts with an offset, unlike columns, and the MMD.

Each toy component of components.py is trained, evaluated, saved, loaded and explored by its reference, as
somebody would who only installed vaekit.
"""

from __future__ import annotations

import base64
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, Poisson

import vaekit
from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.engine.model_files import load_model
from vaekit.errors import RecipeError
from vaekit.explorer import requests
from vaekit.explorer.session import open_session
from vaekit.explorer.views import CALLS
from vaekit.models.context import Context
from vaekit.training.display import SilentLogger

HERE = Path(__file__).parent / "components.py"
SMALL = ["data.train=200", "data.validation=50", "model.encoder.network=dense", "model.decoder.network=dense"]


@pytest.fixture(scope="module")
def columns(tmp_path_factory) -> Path:
    """Two columns: a real number and a binary one that depends on it."""
    random = np.random.default_rng(0)
    real = random.normal(0.5, 0.15, 400).clip(0, 1)
    binary = (random.random(400) < real).astype(float)
    file = tmp_path_factory.mktemp("columns") / "columns.npy"
    np.save(file, np.stack([real, binary], -1).reshape(-1, 1, 1, 2).astype(np.float32))
    return file


CASES = {
    "codebook": [f"model.encoder.posterior={HERE}:CodeBook", f"model.prior={HERE}:UniformCodes"],
    "counts": [f"model.decoder.likelihood={HERE}:Counts", "data.binarization=none"],
    "columns": [
        f"model.decoder.likelihood={HERE}:RealAndBinary", "data.binarization=none", "data.values=continuous",
    ],
    "mmd": [f"objective={HERE}:mmd", "objective.weight=5"],
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def run(request, columns, tmp_path_factory) -> vaekit.Run:
    data = ["data.dataset=" + str(columns), "data.test=100"] if request.param == "columns" else []
    return vaekit.train(
        "digits",
        [*SMALL, *data, *CASES[request.param]],
        run_dir=tmp_path_factory.mktemp(request.param) / "run",
        epochs=4,
        log=SilentLogger(),
        sample_every=0,
    )


def test_training_lowers_the_loss(run):
    losses = [record["validation_loss"] for record in run.metrics]
    assert losses[-1] < losses[0]
    assert all(math.isfinite(loss) for loss in losses)


def test_evaluation_is_finite_and_the_bounds_are_in_order(run):
    evaluation = run.evaluate(samples=50, images=40)
    assert math.isfinite(evaluation.log_likelihood)
    assert evaluation.log_likelihood >= evaluation.elbo - 1e-3


def test_the_saved_model_gives_the_same_numbers(run):
    loaded = load_model(run.path / "model", trust=["components.py"])
    x = run.trained.load_split("test", images=8).all()
    a, b = (model.elbo_terms(x, seed=0, n_samples=3) for model in (run.model, loaded.model))
    assert torch.equal(a.log_px, b.log_px)
    assert torch.equal(a.kl, b.kl)
    assert torch.equal(run.model.sample(5, seed=0), loaded.model.sample(5, seed=0))


def test_the_explorer_shows_it(run):
    session = open_session(run.trained, images=20)
    calls = {call.name: call for call in CALLS}

    def ask(name: str, **fields):
        call = calls[name]
        return call.view(session, requests.parse_request(call.request, fields))

    z = ask("sample", seed=1)["z"]
    assert len(z) == run.model.latent_dim
    assert ask("map")["n"] == 20
    assert ask("decode", z=[z]).content.startswith(b"\x89PNG")
    assert len(ask("point", index=3)["z"]) == len(z)
    pixels = (session.image(3).numpy() * 255).astype(np.uint8)
    answer = ask("encode", pixels=base64.b64encode(pixels.tobytes()).decode())
    assert math.isfinite(answer["terms"]["elbo"])


# ------------------------------------------------------------------------------------------------ the numbers


def model_of(case: str, shape=(1, 8, 8), **options):
    torch.manual_seed(0)
    return build_model(load_recipe("digits", [*SMALL, *CASES[case]]).model, shape, **options)


def test_a_discrete_latent_costs_the_log_of_its_number_of_codes():
    model = model_of("codebook")
    terms = model.elbo_terms(torch.rand(4, 1, 8, 8), n_samples=2, need={"kl", "log_ratio", "latents"})
    torch.testing.assert_close(terms.kl, torch.full((1, 4), model.latent_dim * math.log(8)))
    assert terms.latents[0].kind == "discrete"
    assert terms.is_bound
    assert set(terms.auxiliary) == {"codebook", "commitment"}
    assert terms.auxiliary["codebook"].shape == (4,)
    torch.testing.assert_close(terms.auxiliary["commitment"] * 4, terms.auxiliary["codebook"])
    latents = model.encode(torch.rand(4, 1, 8, 8)).mean
    book = model.encoder.layers[0].head.book
    assert (latents[..., None] - book).abs().min(-1).values.max() < 1e-5


def test_counts_have_the_offset_of_their_total_unless_another_is_given():
    model = model_of("counts", images=lambda n: (torch.full((n, 1, 8, 8), 0.5), None))
    x = torch.randint(0, 17, (3, 1, 8, 8)) / 16
    z, total = torch.randn(3, model.latent_dim), (x * 16).sum((1, 2, 3))
    offset = model.with_offset(Context(), x).offset
    torch.testing.assert_close(offset, total.log())
    px = model.decode(z, Context(offset=offset))
    torch.testing.assert_close((px.mean * 16).sum((1, 2, 3)), total)
    expected = Poisson(px.mean * 16).log_prob(x * 16).sum((1, 2, 3))
    torch.testing.assert_close(px.log_prob(x), expected)
    doubled = model.decode(z, Context(offset=offset + math.log(2)))
    torch.testing.assert_close(doubled.mean, 2 * px.mean)
    totals = (model.sample(50, seed=0) * 16).sum((1, 2, 3))  # all training images have a total of 512
    torch.testing.assert_close(totals, torch.full((50,), 512.0))


def test_a_product_keeps_the_parts_and_masks_them():
    model = model_of("columns", (1, 1, 2))
    x = torch.tensor([[0.3, 1.0], [0.7, 0.0]]).reshape(2, 1, 1, 2)
    terms = model.elbo_terms(x, n_samples=3, need={"parts"}, seed=0)
    assert terms.log_px_parts.shape == (2, 3, 2)
    torch.testing.assert_close(terms.log_px_parts.sum(0), terms.log_px)
    with pytest.raises(ValueError, match=r"log_qz: not computed; ask for it .*log_ratio"):
        _ = terms.log_weights
    mask = torch.tensor([True, False]).expand(2, 1, 1, 2)
    z = torch.randn(2, model.latent_dim)
    px = model.decode(z)
    normal, bernoulli = px.parts
    real = Normal(normal.mean, normal.stddev).log_prob(x[..., :1]).sum((1, 2, 3))
    torch.testing.assert_close(px.masked_log_prob(x, mask), real)
    both = real + Bernoulli(bernoulli.probs).log_prob(x[..., 1:]).sum((1, 2, 3))
    torch.testing.assert_close(px.log_prob(x), both)


def test_the_imputed_column_has_its_own_support(run):
    if run.recipe.model.decoder.likelihood.kind.endswith("RealAndBinary"):
        x = torch.tensor([[0.3, torch.nan]]).reshape(1, 1, 1, 2)
        filled = run.model.impute(x, imputations=20, samples=50, seed=0)
        assert set(filled[..., 1].flatten().tolist()) <= {0.0, 1.0}


def test_the_objective_gets_what_it_asks_for_and_no_more():
    model = model_of("mmd")
    terms = model.elbo_terms(torch.rand(16, 1, 8, 8).round(), need={"latents"}, seed=0)
    assert terms.computed == {}
    from vaekit.registry import find

    mmd = find("objective", f"{HERE}:mmd").factory
    assert mmd(terms, 0.0) == -terms.log_px.mean()
    assert mmd(terms, 1.0) > mmd(terms, 0.0)


def test_loading_is_refused_without_trust(run, monkeypatch):
    from vaekit import trust

    monkeypatch.setattr(trust, "_allowed", set())
    monkeypatch.setattr(trust, "_imported", set())
    with pytest.raises(RecipeError, match=r"components\.py:\w+' is code from outside vaekit"):
        load_model(run.path / "model")
