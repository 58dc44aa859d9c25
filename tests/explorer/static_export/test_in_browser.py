"""The static page, opened from a file without a network: it computes what Python computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import cases
from explorer import browsing
from explorer.sessions import base64_of, tiny_session
from vaekit.errors import VaekitError
from vaekit.explorer.session import ExplorerSession, demo, open_session
from vaekit.explorer.static_export import contents, pages, runtime
from vaekit.models.vae import interpolate

pytestmark = [pytest.mark.browser, browsing.needed]

RUN = """async ([m, name, given]) => {
  const { createRunner } = await import("vaekit/backend/site/onnx.js");
  const outputs = await createRunner(m)(name, given);
  return Object.fromEntries(Object.entries(outputs).map(([key, numbers]) => [key, [...numbers]]));
}"""
CALL = """async ([name, given]) => {
  const { siteBackend } = await import("vaekit/backend/site.js");
  return (await siteBackend())[name](...given);
}"""
SIZE = """async ([name, given]) => {
  const { siteBackend } = await import("vaekit/backend/site.js");
  const picture = await (await siteBackend())[name](...given);
  return [picture.width, picture.height];
}"""

IMPUTATIONS = """async (given) => {
  const { siteBackend } = await import("vaekit/backend/site.js");
  const { picture, ess, samples } = await (await siteBackend()).impute(...given);
  return [picture.width, picture.height, ess, samples];
}"""


@pytest.fixture(scope="module")
def models() -> list[ExplorerSession]:
    labeled = cases.make_vae(
        layer_dims=(2,), network="convolutional", conditioned_parts=("decoder",), shape=(1, 8, 8)
    )
    deep = cases.make_vae(layer_dims=(2, 3), prior="vamp", shape=(3, 8, 7))
    packaged = open_session(demo(), images=20)
    return [tiny_session(labeled, shape=(1, 8, 8)), tiny_session(deep, shape=(3, 8, 7)), packaged]


@pytest.fixture(scope="module")
def page(models, tmp_path_factory) -> Iterator[Any]:
    pytest.importorskip("onnxscript", reason='needs pip install "vaekit[onnx]"')
    try:
        library = runtime.runtime_files()
    except VaekitError as error:
        pytest.skip(str(error))
    file = pages.write_file(
        tmp_path_factory.mktemp("site") / "page.html", contents.site_files(models), library
    )
    with browsing.browser() as chromium:
        context = chromium.new_context(offline=True)
        opened, wrong = context.new_page(), []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        opened.goto(file.as_uri())
        opened.locator(".picture.large.shown").first.wait_for(timeout=60_000)
        yield opened
        assert not wrong


@torch.no_grad()
def test_it_decodes_as_python_does(page, models):
    z, y = torch.tensor([[0.3, -1.0], [2.0, 0.5]]), torch.eye(3)[[0, 2]]
    given = {"z": [z.flatten().tolist(), [2, 2]], "y": [y.flatten().tolist(), [2, 3]]}
    found = np.array(page.evaluate(RUN, [0, "decode", given])["image"])
    assert np.abs(found - models[0].model.decode(z, y).mean.flatten().numpy()).max() < 1e-4


@torch.no_grad()
def test_it_encodes_as_python_does(page, models):
    x = models[1].image(4)
    found = page.evaluate(RUN, [1, "encode", {"x": [x.flatten().tolist(), list(x.shape)]}])
    posterior = models[1].model.encode(x)
    assert np.abs(np.array(found["mean"]) - posterior.mean[0].numpy()).max() < 1e-4
    assert np.abs(np.array(found["stddev"]) - posterior.stddev[0].numpy()).max() < 1e-4


def test_a_point_has_its_posterior_and_its_numbers(page, models):
    found = page.evaluate(CALL, ["point", [0, 5, "latents"]])
    assert found["z"] == pytest.approx(models[0].latents.mean[5].tolist(), abs=1e-5)
    assert found["terms"]["reconstruction"] == pytest.approx(float(models[0].reconstruction[5]), rel=1e-5)
    sd = sorted(models[0].latents.stddev[5].tolist())
    assert [found["ellipse"]["b"], found["ellipse"]["a"]] == pytest.approx(sd, rel=1e-4)


def test_paths_are_those_of_python(page):
    ends = {"a": {"z": [1.0, 0.2]}, "b": {"z": [-0.3, 2.0]}, "steps": 5}
    for path in ("linear", "spherical"):
        expected = interpolate(torch.tensor([1.0, 0.2]), torch.tensor([-0.3, 2.0]), 5, path)
        assert np.allclose(
            page.evaluate(CALL, ["interpolate", [0, {**ends, "path": path}]]), expected, atol=1e-5
        )


def test_samples_have_the_variance_of_the_prior(page):
    drawn = np.array([page.evaluate(CALL, ["sample", [0, {"seed": k}]])["z"] for k in range(100)])
    assert drawn.std() == pytest.approx(1, abs=0.15)
    kept = page.evaluate(CALL, ["sample", [1, {"seed": 1, "layer": 0, "z": [1.0, 2, 3, 4, 5]}]])["z"]
    assert kept[:2] == [1, 2]
    assert kept[2:] != [3, 4, 5]


def test_every_image_has_its_size(page):
    whole = {"kind": "latents", "x": 0, "y": 0, "side": 4, "n": 5, "label": 1}
    assert page.evaluate(SIZE, ["image", [0, 7]]) == [8, 8]
    assert page.evaluate(SIZE, ["decode", [1, [[0] * 5] * 3, None]]) == [21, 8]
    assert page.evaluate(SIZE, ["backdrop", [0, whole]]) == [40, 40]
    assert page.evaluate(SIZE, ["classes", [0, [0, 0]]]) == [24, 8]


def test_masked_pixels_are_imputed(page, models):
    levels = (models[0].image(3)[0].numpy() * 255).astype(np.uint8)
    mask = np.ones((8, 8), np.uint8)
    mask[4:] = 0
    options = {"pixels": base64_of(levels), "mask": base64_of(mask), "label": 1, "n": 4}
    width, height, ess, samples = page.evaluate(IMPUTATIONS, [0, options])
    assert (width, height) == (32, 8)
    assert 1 <= ess <= samples
    answer = page.evaluate(CALL, ["encode", [0, {**options, "kind": "latents"}]])
    assert sum(answer["label_probabilities"]) == pytest.approx(1)
    assert answer["terms"]["elbo"] is None  # log p(observed) stands for it
    assert np.isfinite(answer["terms"]["log_likelihood"])


def test_half_a_drawing_on_the_packaged_demo_is_completed_and_measured(page, models):
    mask = np.ones((28, 28), np.uint8)
    mask[14:] = 0
    levels = np.rint(models[2].image(0)[0].numpy() * 255).astype(np.uint8)
    options = {"pixels": base64_of(levels), "mask": base64_of(mask), "label": 7, "n": 4}
    width, height, ess, samples = page.evaluate(IMPUTATIONS, [2, options])
    assert (width, height) == (4 * 28, 28)
    assert 1 <= ess <= samples
    answer = page.evaluate(CALL, ["encode", [2, {**options, "kind": "latents"}]])
    assert sum(answer["label_probabilities"]) == pytest.approx(1)
    assert answer["terms"]["elbo"] is None  # log p(observed) stands for it
    assert np.isfinite(np.hstack([value for value in answer["terms"].values() if value is not None])).all()
