"""A compiled step is the same step; where it cannot be compiled, it is taken all the same."""

from __future__ import annotations

import shutil
from functools import partial

import pytest
import torch

from toy_runs import LATENT, At, Killed, die, metrics, model, same, train
from vaekit.models.conditional import Hierarchy
from vaekit.models.objectives import Objective, elbo, iwae
from vaekit.models.priors import MixtureOfGaussians, StandardNormal
from vaekit.models.vae import VAE
from vaekit.training.checkpoint import load_weights
from vaekit.training.compile import CompiledStep
from vaekit.training.display import SilentLogger


class Notes(SilentLogger):
    """Records its messages."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def without_clock(records):
    return [{k: v for k, v in r.items() if k not in ("seconds", "images_per_second")} for r in records]


def fails(function, **options):
    def compiled(*arguments):
        torch.rand(3)
        raise RuntimeError("no working C++ compiler\nlooked for g++")

    return compiled


def test_without_a_compiler_training_continues(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", fails)
    log = Notes()
    train(tmp_path / "compiled", compile=True, log=log)
    train(tmp_path / "plain")
    assert log.notes == ["training.compile failed, continuing without it: no working C++ compiler"]
    assert without_clock(metrics(tmp_path / "compiled")) == without_clock(metrics(tmp_path / "plain"))


def test_a_killed_run_resumes_identically_if_compilation_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", fails)
    train(tmp_path / "whole", compile=True)
    with pytest.raises(Killed):
        train(tmp_path / "killed", compile=True, log=At(8, die))
    train(tmp_path / "killed", compile=True, resume=True)
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")


def test_an_error_of_our_own_is_raised(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)

    def wrong(x):
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        CompiledStep(wrong, torch.device("cpu"), lambda text: None)(torch.zeros(1))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
@pytest.mark.parametrize("bound", [elbo, iwae])
@pytest.mark.parametrize("prior", [StandardNormal, partial(MixtureOfGaussians, components=3)])
def test_a_step_compiles_to_one_function(tmp_path, prior, bound):
    train(tmp_path / "plain")  # torch has looked up then how two Gaussians diverge
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    plain, log = model(), Notes()
    vae = VAE(Hierarchy([prior(LATENT)], [LATENT]), plain.encoder, plain.decoder)
    train(tmp_path / "compiled", vae=vae, objective=Objective(bound, samples=2), compile=True, log=log)
    assert not log.notes
    assert not torch._dynamo.utils.counters["graph_break"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_compiled_it_learns_the_same(tmp_path):
    log = Notes()
    train(tmp_path / "compiled", compile=True, log=log)
    train(tmp_path / "plain")
    assert not log.notes
    ours, plain = metrics(tmp_path / "compiled"), metrics(tmp_path / "plain")
    for key in ("loss", "validation_loss"):
        assert [r[key] for r in ours] == pytest.approx([r[key] for r in plain], rel=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_a_compiled_run_that_was_killed_ends_identically(tmp_path):
    log = Notes()
    train(tmp_path / "whole", compile=True, log=log)
    with pytest.raises(Killed):
        train(tmp_path / "killed", compile=True, log=At(8, die))
    train(tmp_path / "killed", compile=True, resume=True, log=log)
    assert not log.notes
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")
    assert same(load_weights(tmp_path / "killed", "last"), load_weights(tmp_path / "whole", "last"))
