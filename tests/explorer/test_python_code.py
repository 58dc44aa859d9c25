"""'Copy as Python': the code of each view is run, and makes what the view shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer import browsing
from explorer.browsing import pixels, until
from explorer.sessions import opened
from explorer.test_browser import settle
from vaekit.config.build import build
from vaekit.config.loading import load_recipe
from vaekit.engine.model_files import load_model, save_model
from vaekit.explorer.session import ExplorerSession, open_session
from vaekit.explorer.session import demo as packaged_model

pytestmark = [pytest.mark.browser, browsing.needed]

IMAGES = 120


@pytest.fixture(scope="module")
def e() -> ExplorerSession:
    """The demo model, as the command opens it."""
    return open_session(packaged_model(), "vaekit.demo()", images=IMAGES)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browsing.browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(e, chromium) -> Iterator[Any]:
    with browsing.served([e]) as address:
        opened_page = chromium.new_page(viewport={"width": 1280, "height": 800})
        opened_page.set_default_timeout(20_000)
        opened_page.address = address
        yield opened_page


def visit(page: Any, state: str) -> None:
    page.goto("about:blank")
    page.goto(page.address + state)
    settle(page)


def run(page: Any, view: str, folder: Path, monkeypatch: Any) -> dict[str, Any]:
    """The names that the code of a view defines, after it ran in a folder."""
    page.get_by_role("button", name="Copy as Python").click()
    page.get_by_label("What the code makes").select_option(view)
    code = page.locator("dialog code").inner_text()
    page.get_by_role("button", name="Close").click()
    monkeypatch.chdir(folder)
    found: dict[str, Any] = {}
    exec(compile(code, view, "exec"), found)
    return found


def gray(images: torch.Tensor) -> np.ndarray:
    """Images (n, 1, H, W) side by side, 0 to 1; what is not observed is gray."""
    return np.nan_to_num(np.concatenate(list(images[:, 0].numpy()), 1), nan=0.5)


def same(images: torch.Tensor, canvas: Any) -> bool:
    shown = pixels(canvas)[..., 0] / 255
    made = gray(images)
    return shown.shape == made.shape and np.abs(shown - made).max() < 0.006


def test_a_decoded_image_a_path_and_the_classes(page, tmp_path, monkeypatch):
    visit(page, "#z=0.3,-1.2&label=2")
    assert same(run(page, "latent", tmp_path, monkeypatch)["images"], page.locator(".picture.large"))
    visit(page, "#tool=interpolate&a=i1&b=z1,1&steps=5&label=3&path=spherical")
    page.locator(".strip.shown").wait_for()
    assert same(run(page, "interpolate", tmp_path, monkeypatch)["images"], page.locator(".strip-box canvas"))
    visit(page, "#tool=classes&z=0.5,-0.5")
    page.locator(".tile .picture.shown").last.wait_for()
    images = run(page, "classes", tmp_path, monkeypatch)["images"]
    for k in (0, 9):
        assert same(images[k : k + 1], page.get_by_label(f"Class {k}", exact=True))
    assert (tmp_path / "image.png").stat().st_size > 200


@pytest.mark.parametrize("masked", [False, True])
def test_a_drawing_and_its_imputations(page, tmp_path, monkeypatch, masked):
    visit(page, "#tool=draw&label=3")
    panel = page.get_by_role("tabpanel", name="Draw")
    panel.get_by_role("button", name="Take image").click()
    panel.locator(".result .picture.shown").wait_for()
    if masked:
        panel.get_by_role("radio", name="Mask", exact=True).check()
        box = panel.get_by_label("Drawing").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 0.6 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 0.6 * box["height"], steps=8)
        page.mouse.up()
        panel.locator(".imputations .picture.shown").last.wait_for()
        assert "log p(observed)" in panel.locator(".bars").inner_text()
        page.wait_for_load_state("networkidle")
    images = run(page, "draw", tmp_path, monkeypatch)["images"]
    until(lambda: same(images[1:2], panel.get_by_label("Reconstruction", exact=True)))
    if masked:
        assert images[0].isnan().any()
        for k, image in enumerate(images[2:]):
            until(lambda k=k, image=image: same(image[None], panel.locator(".imputations canvas").nth(k)))


def test_the_map_its_density_and_its_backdrop(page, e, tmp_path, monkeypatch):
    with page.expect_request("**/api/backdrop*") as shown:
        visit(page, "#backdrop=1&density=1&color=kl&camera=0.2,0.1,2&label=4")
    found = run(page, "map", tmp_path, monkeypatch)
    assert np.array_equal(found["points"], e.projection().points)
    assert np.allclose(found["values"], e.kl_per_layer.sum(0), atol=1e-5)
    made = run(page, "density", tmp_path, monkeypatch)["density"]
    served = page.request.get(f"{page.address}api/density?kind=latents").json()
    assert np.allclose(made["paths"][0], served["paths"][0])
    found = run(page, "backdrop", tmp_path, monkeypatch)
    tiles = np.asarray(opened(page.request.get(shown.value.url).body()).convert("L")) / 255
    rows = [gray(found["images"][k : k + found["n"]]) for k in range(0, found["n"] ** 2, found["n"])]
    assert np.abs(np.concatenate(rows) - tiles).max() < 0.006
    for name in ("map", "density", "backdrop"):
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


def test_a_selection(page, e, tmp_path, monkeypatch):
    visit(page, "#tool=select&query=class%20%3D%207")
    page.locator(".sheet .tile").first.wait_for()
    found = run(page, "select", tmp_path, monkeypatch)
    assert np.array_equal(found["chosen"], np.flatnonzero(e.latents.labels == 7))
    assert page.locator(".count").inner_text().startswith(f"{len(found['chosen'])} of ")
    mean = page.evaluate("document.querySelector('.latent-row .number').textContent")
    first = page.evaluate("document.querySelector('.latent-row .name').textContent")
    assert mean.replace("−", "-").startswith(f"{found['z'].mean(0)[int(first[1:])]:.2f}")


def test_pseudo_inputs(chromium, tmp_path, monkeypatch):
    """A small model with a VampPrior, saved, so that the code can load it."""
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe("digits", ["model.prior={kind: vamp, components: 60}"])
    experiment = build(recipe)
    folder = tmp_path / "model"
    save_model(folder, experiment.model, recipe, experiment.dataset, experiment.preprocessing)
    session = open_session(load_model(folder), f"vaekit.load({str(folder)!r}, device='cpu')", images=30)
    with browsing.served([session]) as address:
        page = chromium.new_page()
        page.address = address
        visit(page, "#tool=pseudo_inputs")
        page.locator(".tiles.ten .tile").nth(49).wait_for()
        page.get_by_role("button", name="Next").click()
        page.get_by_text("51 to 60 of 60").wait_for()
        images = run(page, "pseudo_inputs", tmp_path, monkeypatch)["images"]
        assert len(images) == 10
        for k in (0, 9):
            assert same(images[k : k + 1], page.locator(".tiles.ten canvas").nth(k))
