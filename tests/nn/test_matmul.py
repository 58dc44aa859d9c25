"""Products by oneDNN are those of float32, and a run keeps to the library that it began with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import vaekit
from vaekit.engine.fit import fit
from vaekit.errors import InvalidError, VaekitError
from vaekit.nn import matmul
from vaekit.runs.run import Run
from vaekit.training.display import SilentLogger

needs_onednn = pytest.mark.skipif("onednn" not in matmul.available(), reason="this torch has no oneDNN")
FLOAT32 = 2e-7  # relative error; bfloat16 has some 1e-4
SHAPES = [(100, 784, 600), (37, 300, 601), (2000, 300, 80)]


@pytest.fixture(autouse=True)
def all_products_are_large(monkeypatch) -> None:
    monkeypatch.setattr(matmul, "SMALL", 0)


def relative_error(found: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> float:
    """The root mean square error of a @ b, relative to the sums of the absolute products."""
    exact, scale = a.double() @ b.double(), a.double().abs() @ b.double().abs()
    return ((found.double() - exact) / scale).square().mean().sqrt().item()


def products(rows: int, inputs: int, outputs: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The three products of a layer by its own functions, each with its operands."""
    torch.manual_seed(0)
    x = torch.randn(rows, inputs, requires_grad=True)
    weight = torch.randn(outputs, inputs, requires_grad=True)
    gradient = torch.randn(rows, outputs)
    out = matmul.linear(x, weight, None)
    out.backward(gradient)
    assert x.grad is not None
    assert weight.grad is not None
    return [(out, x, weight.t()), (x.grad, gradient, weight), (weight.grad, gradient.t(), x)]


@needs_onednn
@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_of_float32(shape):
    with matmul.use("onednn"):
        for found, a, b in products(*shape):
            assert relative_error(found, a, b) < FLOAT32


@needs_onednn
def test_bfloat16_would_be_noticed():
    a, b = torch.randn(100, 784), torch.randn(784, 600)
    assert relative_error((a.bfloat16() @ b.bfloat16()).float(), a, b) > 100 * FLOAT32


@needs_onednn
def test_layers_use_the_chosen_library(monkeypatch):
    called = []
    real = matmul._product
    monkeypatch.setattr(matmul, "_product", lambda *operands: called.append(1) or real(*operands))
    layer, x = matmul.Linear(30, 20), torch.randn(5, 4, 30)
    expected = F.linear(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), expected)
    assert not called
    with matmul.use("onednn"):
        found = layer(x)
        found.sum().backward()
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)
    assert len(called) == 2  # x needs no gradient
    ones = torch.ones(20, 20)  # the gradient of a sum, which torch expands from one number
    assert layer.weight.grad is not None
    assert torch.allclose(layer.weight.grad, ones @ x.flatten(0, 1), atol=1e-5)


@needs_onednn
def test_a_bias_learns_beside_frozen_weights():
    layer, x = matmul.Linear(30, 20), torch.randn(5, 30)
    layer.weight.requires_grad_(False)
    with matmul.use("onednn"):
        layer(x).sum().backward()
    assert layer.bias.grad is not None
    assert torch.equal(layer.bias.grad, torch.full((20,), 5.0))


@needs_onednn
def test_gradients_are_those_of_finite_differences_and_of_torch():
    x, weight, bias = torch.randn(6, 5), torch.randn(4, 5), torch.randn(4)
    for each in (x, weight, bias):
        each.requires_grad_()
    ours = torch.autograd.grad(matmul._OneDNNLinear.apply(x, weight, bias).sin().sum(), (x, weight, bias))
    theirs = torch.autograd.grad(F.linear(x, weight, bias).sin().sum(), (x, weight, bias))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


@needs_onednn
def test_second_derivatives_work():
    x, weight = torch.randn(6, 5, requires_grad=True), torch.randn(4, 5, requires_grad=True)

    def curvature(linear) -> torch.Tensor:
        [first] = torch.autograd.grad(linear(x, weight, None).pow(3).sum(), x, create_graph=True)
        return torch.autograd.grad(first.square().sum(), weight)[0]

    assert torch.allclose(curvature(matmul._OneDNNLinear.apply), curvature(F.linear), rtol=1e-4)


@pytest.mark.parametrize("kind", ["double", "autocast", "vmap"])
def test_what_onednn_is_not_for_goes_to_torch(monkeypatch, kind):
    monkeypatch.setattr(matmul, "_product", None)
    layer, x = matmul.Linear(8, 6), torch.randn(3, 8)
    with matmul.use("onednn"):
        if kind == "double":
            assert layer.double()(x.double()).dtype == torch.float64
        elif kind == "autocast":
            with torch.autocast("cpu", torch.bfloat16):
                assert layer(x).dtype == torch.bfloat16
        else:
            assert torch.func.vmap(layer)(x).shape == (3, 6)


def test_the_environment_decides_where_the_recipe_does_not(monkeypatch):
    monkeypatch.setenv("VAEKIT_MATMUL", "torch")
    assert matmul.chosen("auto") == "torch"
    monkeypatch.setenv("VAEKIT_MATMUL", "onednn")
    assert matmul.chosen("auto") == matmul.available()[-1]
    assert matmul.chosen("torch") == "torch"
    monkeypatch.setenv("VAEKIT_MATMUL", "mkl")
    with pytest.raises(InvalidError, match="VAEKIT_MATMUL: expected auto, torch or onednn, got 'mkl'"):
        matmul.chosen("auto")


@needs_onednn
def test_the_answer_of_a_machine_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("VAEKIT_MATMUL", raising=False)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    for speedup, answer in ((1.9, "onednn"), (1.0, "onednn")):  # the second time, nothing is measured
        monkeypatch.setattr(matmul, "_speedup", lambda ratio=speedup: ratio)
        assert matmul.fastest.__wrapped__() == answer
    assert list(json.loads((tmp_path / "matmul.json").read_text()).values()) == ["onednn"]
    (tmp_path / "matmul.json").write_text("broken")
    assert matmul.fastest.__wrapped__() == "torch"


@needs_onednn
def test_the_speedup_is_a_ratio():
    assert matmul._speedup() > 0


def _fail_once(record: dict) -> None:
    """A callback that ends the training after its first epoch."""
    raise VaekitError("enough")


@needs_onednn
def test_a_resumed_run_keeps_its_library_and_its_bits(tmp_path, monkeypatch):
    few = ["data.train=60", "data.validation=20", "training.sample_every=0", "training.batch_size=20"]
    options = {"figures": False, "log": SilentLogger(), "epochs": 2}
    whole = vaekit.train("digits", [*few, "training.matmul=onednn"], run_dir=tmp_path / "whole", **options)
    assert Run(whole.path).environment["matmul"] == "onednn"
    monkeypatch.setenv("VAEKIT_MATMUL", "onednn")
    with pytest.raises(VaekitError, match="_fail_once"):
        vaekit.train("digits", few, run_dir=tmp_path / "part", callbacks=[_fail_once], **options)
    monkeypatch.setenv("VAEKIT_MATMUL", "torch")
    again = vaekit.resume(tmp_path / "part", figures=False, log=SilentLogger())
    assert again.environment["matmul"] == "onednn"
    weights = [Path(run.path / "model" / "model.safetensors").read_bytes() for run in (whole, again)]
    assert weights[0] == weights[1]


@needs_onednn
def test_fit_and_the_log_likelihood_agree_with_torch(monkeypatch):
    x = torch.rand(40, 1, 8, 8).round().numpy()
    models = []
    for library in ("torch", "onednn"):
        monkeypatch.setenv("VAEKIT_MATMUL", library)
        model = fit(x, recipe="digits", epochs=2, log=SilentLogger())
        models.append((model, model.log_likelihood(x, n_samples=20)))
    (a, first), (b, second) = models
    assert not torch.equal(nn.utils.parameters_to_vector(a.model.parameters()),
                           nn.utils.parameters_to_vector(b.model.parameters()))  # fmt: skip
    assert abs(first - second).max() < 1e-2
