"""The graphs: what they compute is what the model computes, and ONNX computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
from vaekit.engine.export import programs
from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer.static_export.graphs import N_SAMPLES, graphs
from vaekit.models import masking

KINDS = {
    "plain": {},
    "convolutional": {"network": "convolutional", "shape": (1, 8, 8)},
    "hierarchy": {"layer_dims": (2, 3)},
    "vamp": {"prior": "vamp"},
    "mixture": {"prior": "mixture"},
    "flow": {"prior": "flow"},
    "delta": {"posterior": "delta"},
    "gray-levels": {"likelihood": "discretized_logistic"},
    "labeled": {"conditioned_parts": ("prior", "encoder", "decoder")},
}


def made(row) -> tuple:
    model = cases.make_vae(**row).eval()
    return model, graphs(model, row.get("shape", cases.SHAPE))


def inputs(model, graph, shape=cases.SHAPE) -> dict[str, torch.Tensor]:
    """Others than those of the example."""
    torch.manual_seed(1)
    random = {
        name: torch.rand(value.shape) if value.is_floating_point() else value
        for name, value in graph.inputs.items()
    }
    given = {
        "x": cases.images_for(model, 1, shape=shape),
        "mask": (torch.rand(1, 1, *shape[1:]) > 0.3).float(),
    }
    more = {name: torch.rand(3, *value.shape[1:]) for name, value in random.items() if name in graph.batched}
    return {name: given.get(name, more.get(name, value)) for name, value in random.items()}


@torch.no_grad()
def outputs(graph, given) -> dict[str, torch.Tensor]:
    found = graph.module(*given.values())
    return dict(zip(graph.outputs, found if isinstance(found, tuple) else (found,), strict=True))


@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
@torch.no_grad()
def test_terms_are_those_of_the_model_at_the_same_latents(row):
    model, made_graphs = made(row)
    graph = made_graphs["terms"]
    given = inputs(model, graph, row.get("shape", cases.SHAPE))
    found, y = outputs(graph, given), given.get("y")
    z = found["z"][:, None]
    assert z.shape == (N_SAMPLES, 1, model.latent_dim)
    q, p = model.encode(given["x"], y).condition_on(z), model.conditional_prior(y).condition_on(z)
    log_px = masking.masked_log_prob(model.decode(z, y), given["x"], given["mask"] > 0.5)
    assert torch.allclose(found["log_px"], log_px[:, 0], atol=1e-4)
    assert torch.allclose(found["log_pz"], p.log_prob[..., 0], atol=1e-4)
    assert torch.allclose(found["log_qz"], q.log_prob[..., 0], atol=1e-4)


@torch.no_grad()
def test_noise_of_a_normal_distribution_gives_the_posterior():
    model, made_graphs = made({"layer_dims": (2, 3)})
    graph = made_graphs["terms"]
    x = cases.images_for(model, 1)
    noise = torch.randn(300 * N_SAMPLES, 5)
    drawn = torch.cat([graph.module(x, torch.ones(1, 1, 6, 5), some)[0] for some in noise.split(N_SAMPLES)])
    expected = model.encode(x).rsample_layers((20_000,)).z[:, 0]
    assert torch.allclose(drawn.mean(0), expected.mean(0), atol=0.05)
    assert torch.allclose(drawn.std(0), expected.std(0), rtol=0.05)


@torch.no_grad()
def test_the_prior_keeps_the_chosen_layers():
    model, made_graphs = made({"layer_dims": (2, 3)})
    z, noise, none = torch.full((1, 5), 9.0), torch.randn(1, 5), torch.tensor(0)
    draw = made_graphs["prior"].module
    assert torch.equal(draw(z, noise, torch.ones(2), none), z)
    below = draw(z, noise, torch.tensor([1.0, 0.0]), none)
    assert torch.equal(below[:, :2], z[:, :2])
    layer = model.conditional_prior().condition_on(z).layers[1]
    assert torch.allclose(below[:, 2:], layer.mean + layer.stddev * noise[:, 2:], atol=1e-5)


@torch.no_grad()
def test_the_prior_samples_from_the_chosen_component():
    model, made_graphs = made({"prior": "vamp"})
    means = model.conditional_prior().top.components.mean
    for k in range(3):
        drawn = made_graphs["prior"].module(
            torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(1), torch.tensor(k)
        )
        assert torch.allclose(drawn[0], means[k], atol=1e-6)


def test_missing_packages_are_reported(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    _, made_graphs = made({})
    with pytest.raises(VaekitError, match=r'needs onnx and onnxscript, .* pip install "vaekit\[onnx\]"'):
        programs.to_onnx("encode", made_graphs["encode"])


# --------------------------------------------------------------------------------------------------- ONNX


def same_in_onnx(model, graph, name, shape=cases.SHAPE) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs pip install onnxruntime")
    pytest.importorskip("onnxscript", reason='needs pip install "vaekit[onnx]"')
    session = runtime.InferenceSession(programs.to_onnx(name, graph))
    given = inputs(model, graph, shape)
    assert [each.name for each in session.get_inputs()] == list(graph.inputs)
    found = session.run(None, {key: value.numpy() for key, value in given.items()})
    for key, ours in outputs(graph, given).items():
        theirs = found[graph.outputs.index(key)]
        assert np.abs(theirs - ours.numpy()).max() < 1e-5 * max(1, float(ours.abs().max())), key


@pytest.mark.parametrize("name", ["encode", "decode", "terms", "prior"])
def test_onnx_computes_the_same(name):
    model, made_graphs = made({})
    same_in_onnx(model, made_graphs[name], name)


@pytest.mark.slow
@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_onnx_computes_the_same_for_every_kind_of_model(row):
    model, made_graphs = made(row)
    for name, graph in made_graphs.items():
        same_in_onnx(model, graph, name, row.get("shape", cases.SHAPE))


def test_the_file_holds_no_paths_of_this_machine():
    pytest.importorskip("onnxscript", reason='needs pip install "vaekit[onnx]"')
    _, made_graphs = made({})
    content = programs.to_onnx("decode", made_graphs["decode"])
    assert b".py" not in content
    assert b"site-packages" not in content


class Eigenvalues(torch.nn.Module):
    """An operation that ONNX lacks."""

    def forward(self, x):
        return torch.linalg.eigvals(x)


def test_an_operation_missing_in_onnx_is_refused_in_one_line():
    pytest.importorskip("onnxscript", reason='needs pip install "vaekit[onnx]"')
    graph = programs.Graph(Eigenvalues(), {"x": torch.eye(3)}, ("y",))
    with pytest.raises(InvalidError, match=r"values: this model cannot be exported to ONNX \(") as caught:
        programs.to_onnx("values", graph)
    assert "\n" not in str(caught.value)
