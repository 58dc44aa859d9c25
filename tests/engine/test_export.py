"""Exported files compute what the model computes, also far out; a folder says what is in it."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cases
import vaekit
from vaekit.engine.export import files, linalg
from vaekit.engine.export.files import compare, export_files
from vaekit.engine.export.graphs import Graph, model_graphs
from vaekit.engine.export.programs import to_onnx, to_program
from vaekit.errors import InvalidError, VaekitError
from vaekit.models.context import Context
from vaekit.models.likelihoods import bernoulli
from vaekit.nn.columns import ColumnFeatures
from vaekit.spec import Column
from vaekit.training.display import SilentLogger

FAR = torch.tensor([-100.0, -88.0, -40.0, -18.0, -3.0, 0.0, 3.0, 18.0, 40.0, 88.0, 100.0])
KINDS = {
    "plain": {},
    "full-covariance": {"posterior": "full_covariance"},
    "flow-posterior": {"posterior": "flow"},
    "flow-prior": {"prior": "flow"},
    "vamp": {"prior": "vamp"},
    "hierarchy": {"layer_dims": (2, 3)},
    "labeled": {"conditioned_parts": ("prior", "encoder", "decoder")},
    "gray-levels": {"likelihood": "discretized_logistic", "network": "convolutional", "shape": (1, 8, 8)},
}


@pytest.fixture
def runtime():
    pytest.importorskip("onnxscript", reason='needs pip install "vaekit[onnx]"')
    return pytest.importorskip("onnxruntime", reason="needs pip install onnxruntime")


def runner(runtime, name: str, graph: Graph):
    session = runtime.InferenceSession(to_onnx(name, graph))
    return lambda inputs: session.run(None, dict(inputs))


class Far(nn.Module):
    """What likelihoods compute of logits."""

    def forward(self, x):
        px = bernoulli()(x[None])
        return px.log_prob(torch.zeros_like(x)[None]), F.logsigmoid(x), F.softplus(x), torch.sigmoid(x)


def test_far_logits_have_a_finite_log_probability(runtime):
    graph = Graph(Far(), {"x": FAR[:, None, None]}, ("log_prob", "log_sigmoid", "softplus", "sigmoid"))
    log_prob, log_sigmoid, softplus, _ = runner(runtime, "far", graph)({"x": FAR[:, None, None].numpy()})
    exact = np.logaddexp(0, FAR.double().numpy())
    np.testing.assert_allclose(softplus.ravel(), exact, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(log_sigmoid.ravel(), FAR.numpy() - exact, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(log_prob.sum(), -exact.sum(), rtol=1e-6)


def test_triangular_matrices_in_elementary_operations():
    torch.manual_seed(0)
    root = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    matrix, right = root @ root.mT + torch.eye(5), torch.randn(2, 3, 5, 4, dtype=torch.float64)
    lower = torch.linalg.cholesky(matrix)
    torch.testing.assert_close(linalg.cholesky(matrix), lower)
    for upper in (False, True):
        given = lower.mT if upper else lower
        for left in (True, False):
            for unit in (False, True):
                b = right if left else right.mT
                expected = torch.linalg.solve_triangular(given, b, upper=upper, left=left, unitriangular=unit)
                found = linalg.solve_triangular(given, b, upper=upper, left=left, unitriangular=unit)
                torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_the_terms_are_those_of_the_bound():
    model = cases.make_vae(layer_dims=(2, 3)).eval()
    graph, x = model_graphs(model, cases.SHAPE)["terms"], cases.images_for(model, 4)
    x[1, :, :3] = torch.nan
    noise = torch.randn(6, 4, 5)
    z, log_px, log_pz, log_qz = graph.module(x, noise)
    mask = ~x.isnan()
    terms = model.elbo_terms(x, Context(mask=mask), noise=noise)
    torch.testing.assert_close(log_px, terms.log_px)
    torch.testing.assert_close(log_pz - log_qz, -terms.log_ratio)
    assert (z.shape, log_qz.shape) == ((6, 4, 5), (2, 6, 4))
    mean, stddev = model_graphs(model, cases.SHAPE)["encoder"].module(x)
    torch.testing.assert_close(z[:, :, :2], mean[:, :2] + stddev[:, :2] * noise[:, :, :2])


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    wrong = lambda name, graph, format: (b"", lambda inputs: [value + 1 for value in run(graph, inputs)])
    run = lambda graph, inputs: files._arrays(graph.module(*map(torch.from_numpy, inputs.values())))
    monkeypatch.setattr(files, "_make", wrong)
    with pytest.raises(VaekitError, match=r"encoder\.onnx: differs from the model by 1.0e\+00"):
        export_files(vaekit.demo(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InvalidError, match="expected a new or empty folder, got one with other files"):
        vaekit.demo().export_onnx(tmp_path)


def test_discrete_latents_are_refused():
    model = cases.make_vae()
    model.prior.layers[0].forward = lambda: torch.distributions.Independent(
        torch.distributions.Bernoulli(torch.ones(3) / 2), 1
    )
    with pytest.raises(InvalidError, match="Bernoulli: its samples cannot be written as a function of noise"):
        model_graphs(model, cases.SHAPE)


@pytest.mark.slow
@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_onnx_computes_the_same_for_every_kind_of_model(row, runtime):
    model = cases.make_vae(**row).eval()
    for name, graph in model_graphs(model, row.get("shape", cases.SHAPE)).items():
        assert compare(graph, model, runner(runtime, name, graph)) < 1e-5, name


@pytest.mark.slow
def test_the_shipped_demo_is_finite_far_out(runtime):
    trained = vaekit.demo()
    graph = model_graphs(trained.model, trained.shape)["terms"]
    x = trained.model.sample(20, seed=0, sample_pixels=True)
    y, noise = trained.model.labels.values[torch.arange(20) % 10], 5 * torch.randn(8, 20, 2)
    with torch.no_grad():
        logits = trained.model.decode(noise[0], y).base_dist.logits
        expected = graph.module(x, noise, y)
    assert logits.min() < -40
    found = runner(runtime, "terms", graph)({"x": x.numpy(), "noise": noise.numpy(), "y": y.numpy()})
    for ours, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "torch"])
def test_the_folder_of_a_table_says_how_to_use_it(format, tmp_path, monkeypatch, runtime):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(200, 4))
    trained = vaekit.fit(
        rows, latent_dim=2, epochs=1, overrides={"model.prior.components": 2}, log=SilentLogger()
    )
    folder = export_files(trained, tmp_path / "out", format)
    assert export_files(trained, folder, format) == folder  # again
    facts = json.loads((folder / "model.json").read_text())
    assert max(parts["largest_difference"] for parts in facts["files"].values()) < 1e-5
    [noise] = facts["files"][f"prior.{files.SUFFIXES[format]}"]["inputs"]
    assert noise["shape"] == ["n", 3]  # two latents, and the choice of the component
    readme = (folder / "README.md").read_text()
    assert (
        f"| x1 | real | (value - {trained.columns[1].offset:.9g}) / {trained.columns[1].scale:.9g} |"
        in readme
    )
    [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(folder)
    names = {}
    exec(example, names)
    assert names["x"].shape == (4, 4)


def test_words_and_counts_of_a_table_become_a_program():
    columns = [Column("color", "category", ("red", "blue")), Column("visits", "count", scaling="none")]
    features, x = ColumnFeatures(columns), torch.tensor([[1.0, 3.0], [2.0, 0.0], [0.0, 7.0]])
    graph = Graph(features, {"x": x}, ("features",), {"x": {0: "n"}})
    found = to_program("features", graph).module()(x[:2])
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0, math.log(4)], [0.0, 1.0, 0.0]]))


def test_a_program_takes_batches_of_any_size():
    model = cases.make_vae().eval()
    graph = model_graphs(model, cases.SHAPE)["decoder"]
    program = to_program("decoder", graph).module()
    z = torch.randn(11, 3)
    torch.testing.assert_close(program(z), graph.module(z))
