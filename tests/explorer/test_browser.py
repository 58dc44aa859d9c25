"""The page in a browser: user actions, and what the page then shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import cases
from explorer import browsing
from explorer.browsing import pixels, settle, until
from explorer.sessions import tiny_session
from vaekit.config.build import build
from vaekit.config.propose import propose
from vaekit.engine.model_files import load_model, save_model
from vaekit.explorer.session import ExplorerSession, open_session

pytestmark = [pytest.mark.browser, browsing.needed]

FOCUSED = """(() => {
  const element = document.activeElement;
  return (element.getAttribute("aria-label") || element.textContent).trim();
})()"""
UNNAMED = """[...document.querySelectorAll("button, input:not([type=file]), select, canvas.picture")]
  .filter((e) => !e.getAttribute("aria-label") && !e.textContent.trim() && !e.labels?.length)
  .filter((e) => !e.closest("[aria-hidden]"))
  .map((e) => e.outerHTML)"""
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def pair() -> Iterator[str]:
    """A hierarchical VampPrior on color images, beside a plain model."""
    shape = (3, 8, 7)
    deep = cases.make_vae(layer_dims=(2, 3), prior="vamp", shape=shape)
    with browsing.served(
        [tiny_session(deep, shape=shape), tiny_session(cases.make_vae(shape=shape), shape=shape)]
    ) as at:
        yield at


def state_of(page: Any, key: str) -> str | None:
    """The value of a key in the address; None if it is missing."""
    page.wait_for_timeout(300)  # the address is written once the state rests
    found = re.search(rf"[#&]{key}=([^&]*)", page.url)
    return found[1] if found else None


def latent(page: Any) -> list[float]:
    return [float(number) for number in (state_of(page, "z") or "0,0").split(",")]


def large(page: Any) -> np.ndarray:
    """The gray levels of the large image, in [0, 1]."""
    return pixels(page.locator(".picture.large").first)[..., 0] / 255


def decoded(demo: ExplorerSession, z: list[float], label: int) -> np.ndarray:
    with torch.no_grad():
        return demo.model.decode(torch.tensor([z]), torch.tensor([label])).mean[0, 0].numpy()


def point_at(page: Any, x: float, y: float) -> None:
    """Move over the map, x and y in shares of its width and height."""
    box = page.locator(".stage").first.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def slide(slider: Any, value: float) -> None:
    slider.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) }", str(value)
    )


def tool(page: Any, name: str) -> Any:
    page.get_by_role("tab", name=name).click()
    return page.get_by_role("tabpanel", name=name)


def test_the_map_shows_colored_points_and_a_legend(visit, address):
    page = visit(address)
    assert pixels(page.locator("canvas.points"))[..., 3].any()
    page.get_by_role("button", name="3", exact=True).click()
    assert state_of(page, "hidden") == "3"
    page.get_by_label("Color by").select_option("kl")
    assert "nats" in page.locator(".legend").inner_text()
    before = pixels(page.locator("canvas.points"))
    point_at(page, 0.5, 0.5)
    page.mouse.wheel(0, -400)
    until(lambda: (pixels(page.locator("canvas.points")) != before).any())
    assert state_of(page, "camera")


def test_density_and_backdrop_are_drawn(visit, address):
    page = visit(address)
    over, ground = pixels(page.locator("canvas.overlay")), pixels(page.locator("canvas.background"))
    page.get_by_role("button", name="Density").click()
    until(lambda: (pixels(page.locator("canvas.overlay")) != over).any())
    page.get_by_role("button", name="Backdrop").click()
    until(lambda: pixels(page.locator("canvas.background")).mean() > ground.mean() + 5)


def test_the_point_under_the_pointer_is_decoded_and_its_image_is_shown(visit, address, demo):
    page = visit(address)
    z, label = demo.latents.mean[7], int(demo.latents.labels[7])
    page.goto(f"{address}#camera={z[0]:.3f},{z[1]:.3f},0.05&label={label}")
    settle(page)
    point_at(page, 0.5, 0.5)
    page.get_by_text("under the pointer").wait_for()
    until(lambda: np.abs(large(page) - decoded(demo, z.tolist(), label)).max() < 0.02)
    until(lambda: page.locator(".beside .numbers dd").first.inner_text() == "7")
    assert (
        f"Nearest image of class {label}, at a distance of 0.0" in page.locator(".caption").last.inner_text()
    )
    until(lambda: (pixels(page.locator(".picture.small"))[..., 0] / 255 == demo.image(7)[0, 0].numpy()).all())


def test_images_are_decoded_while_the_pointer_moves(visit, address):
    page = visit(address)
    for step in range(30):
        point_at(page, 0.2 + 0.02 * step, 0.4)
        page.wait_for_timeout(20)
    timings = "performance.getEntriesByName('pointer to image').map(entry => entry.duration)"
    until(lambda: len(page.evaluate(timings)) >= 5)


def test_selecting_a_point_moves_to_its_latent_vector_and_class(visit, address, demo):
    page = visit(f"{address}#point=3")
    page.locator(".stage").press("n")
    until(lambda: state_of(page, "point") == "4")
    np.testing.assert_allclose(latent(page), demo.latents.mean[4], atol=6e-4)
    assert state_of(page, "label") in (
        str(demo.latents.labels[4]),
        None if demo.latents.labels[4] == 0 else "",
    )


def test_sliders_and_prior_samples_change_the_latent_vector(visit, address, demo):
    page = visit(address)
    panel = tool(page, "Sliders")
    slide(panel.get_by_label("z1"), 1.25)
    assert latent(page) == [0.0, 1.25]
    until(lambda: np.abs(large(page) - decoded(demo, [0.0, 1.25], 0)).max() < 0.01)
    panel.get_by_role("button", name="Sample from prior").click()
    until(lambda: latent(page) not in ([0.0, 1.25], [0.0, 0.0]))
    assert state_of(page, "seed") == "1"


def test_interpolation_goes_from_a_to_b_and_is_saved(visit, address, demo, tmp_path):
    page = visit(f"{address}#tool=interpolate&a=i1&b=i2&t=1")
    panel = page.get_by_role("tabpanel", name="Interpolate")
    panel.locator(".strip.shown").wait_for()
    until(lambda: np.abs(large(page) - decoded(demo, demo.latents.mean[2].tolist(), 0)).max() < 0.01)
    slide(panel.get_by_label("t", exact=True), 0)
    until(lambda: np.abs(large(page) - decoded(demo, demo.latents.mean[1].tolist(), 0)).max() < 0.01)
    panel.get_by_role("radio", name="Spherical").check()
    assert state_of(page, "path") == "spherical"
    panel.get_by_role("button", name="Play").click()
    until(lambda: float(panel.get_by_label("t", exact=True).input_value()) > 0.02)
    panel.get_by_role("button", name="Pause").click()
    for form, size in (("PNG", (9 * 28, 28)), ("GIF", None)):
        with page.expect_download() as download:
            panel.get_by_role("button", name=f"Save {form}").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        with Image.open(file) as picture:
            assert picture.format == form
            assert picture.size == size or (picture.width == picture.height and picture.n_frames > 9)


def test_an_end_is_picked_on_the_map(visit, address):
    page = visit(address)
    panel = tool(page, "Interpolate")
    panel.get_by_role("group", name="End A").get_by_role("button", name="Pick on map").click()
    point_at(page, 0.1, 0.9)
    page.mouse.down()
    page.mouse.up()
    until(lambda: re.match(r"[iz]", state_of(page, "a") or "") and state_of(page, "a") != "i0")


def test_a_drawing_is_encoded_and_its_masked_part_is_imputed(visit, address):
    page = visit(address)
    panel = tool(page, "Draw")
    canvas = panel.get_by_label("Drawing")
    stroke(page, canvas, [(0.5, 0.2), (0.5, 0.8)])
    panel.locator(".result .picture.shown").wait_for()
    assert {"log p(x | z)", "KL", "ELBO"} <= set(panel.locator(".bars th").all_inner_texts())
    panel.get_by_role("radio", name="Mask", exact=True).check()
    stroke(page, canvas, [(0.3, 0.5), (0.7, 0.5)])
    panel.locator(".imputations .picture.shown").last.wait_for()
    assert panel.locator(".imputations .picture.shown").count() == 6
    assert pixels(panel.locator(".imputations .picture").last).shape == (28, 28, 4)
    drawing = pixels(canvas)
    other = visit(page.url)
    until(lambda: (pixels(other.get_by_label("Drawing")) == drawing).all())


def stroke(page: Any, canvas: Any, places: list[tuple[float, float]]) -> None:
    box = canvas.bounding_box()
    for step, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)


def test_an_image_file_is_opened_and_other_files_are_refused(visit, address, tmp_path):
    page = visit(address)
    panel = tool(page, "Draw")
    picture = tmp_path / "bar.png"
    Image.fromarray(np.pad(np.full((20, 4), 255, np.uint8), ((4, 4), (12, 12)))).save(picture)
    panel.locator("input[type=file]").set_input_files(picture)
    panel.locator(".result .picture.shown").wait_for()
    assert pixels(panel.get_by_label("Drawing"))[10, 14, 0] == 255
    words = tmp_path / "words.png"
    words.write_text("no image")
    panel.locator("input[type=file]").set_input_files(words)
    page.get_by_role("alert").get_by_text("not a readable image").wait_for()


def test_the_same_latent_vector_is_decoded_in_every_class(visit, address, demo):
    page = visit(f"{address}#z=0.5,-0.5")
    panel = tool(page, "Classes")
    panel.locator(".tile .picture.shown").last.wait_for()
    tile = pixels(panel.locator(".tile .picture").nth(4))[..., 0] / 255
    assert np.abs(tile - decoded(demo, [0.5, -0.5], 4)).max() < 0.01
    panel.locator(".tile").nth(4).click()
    assert state_of(page, "label") == "4"
    until(lambda: np.abs(large(page) - decoded(demo, [0.5, -0.5], 4)).max() < 0.01)


def test_an_address_reproduces_the_page(visit, address):
    state = "#tool=sliders&color=kl&hidden=1,4&z=-1.1,0.4&label=6&camera=0.2,0.1,3"
    first, second = visit(f"{address}{state}"), visit(address)
    second.evaluate("hash => { location.hash = hash }", state)
    until(lambda: (pixels(first.locator("canvas.points")) == pixels(second.locator("canvas.points"))).all())
    until(lambda: (large(first) == large(second)).all())


@pytest.mark.parametrize(
    "fragment", ["#z=1,2,3", "#z=NaN,1&t=9", "#point=99999999&tool=x", "#a=i-1&camera=0,0,-1", "#%E0%A4%A"]
)
def test_an_invalid_address_is_ignored(visit, address, fragment):
    page = visit(f"{address}{fragment}")
    assert "z = (0.00, 0.00)" in page.locator(".source").inner_text()


@pytest.mark.parametrize("state", ["#z=0.3,-1.2&label=2", "#tool=interpolate&a=i1&b=z1,1&steps=5&label=3"])
def test_the_python_code_makes_the_same_image(visit, address, state, tmp_path):
    page = visit(f"{address}{state}")
    page.get_by_role("button", name="Copy as Python").click()
    lines = page.locator("dialog code").inner_text()
    source = str(Path(__file__).parents[2] / "src")
    subprocess.run([sys.executable, "-c", lines], cwd=tmp_path, env={"PYTHONPATH": source}, check=True)
    with Image.open(tmp_path / "image.png") as drawn:
        first = np.asarray(drawn.convert("L"), float)[2:226:8, 2:226:8][:28, :28] / 255
    assert np.abs(first - large(page)).max() < 0.01


def test_keys_move_the_latent_vector_and_zoom(visit, address):
    page = visit(address)
    stage = page.locator(".stage")
    stage.focus()
    for key in ("ArrowRight", "Shift+ArrowUp", "+"):
        page.keyboard.press(key)
    x, y = latent(page)
    assert 0 < x < y
    assert state_of(page, "camera")
    page.keyboard.press("Enter")
    until(lambda: state_of(page, "point") is not None)
    page.keyboard.press("a")
    assert state_of(page, "tool") == "interpolate"


def test_tab_reaches_every_part(visit, address):
    page = visit(address)
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    assert {
        "Skip the map",
        "Copy link",
        "Density",
        "Sample from prior",
        "Sliders",
        "Show the whole map",
    } <= reached
    assert page.evaluate(UNNAMED) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_page_needs_no_sideways_scrolling(visit, address, dark):
    scheme = "dark" if dark else "light"
    page = visit(
        address, NARROW, color_scheme=scheme, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    for name in ("Interpolate", "Draw", "Classes", "Sliders"):
        tool(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    page.locator(".stage").tap(position={"x": 100, "y": 100})
    until(lambda: latent(page) != [0.0, 0.0])


def test_a_lost_connection_is_reported_and_retried(visit, address):
    page = visit(address)
    page.route("**/api/**", lambda route: route.abort())
    tool(page, "Sliders").get_by_role("button", name="Sample from prior").click()
    page.get_by_role("alert").get_by_text("does not answer").wait_for()
    page.unroute("**/api/**")
    page.get_by_role("button", name="Try again").click()
    page.locator("#banner").wait_for(state="hidden")


def test_a_page_without_a_server_is_not_blank(visit, address):
    page = visit(address)
    page.route("**/api/**", lambda route: route.abort())
    page.reload()
    page.get_by_text("does not answer").wait_for()
    page.route("**/store.js", lambda route: route.abort())
    page.reload()
    page.get_by_text("Start vaekit explore again", exact=False).or_(
        page.get_by_text("reload")
    ).first.wait_for()


def test_two_models_are_shown_side_by_side_and_synchronized(visit, pair):
    page = visit(f"{pair}#point=5&tool=interpolate&a=i1&b=i2")
    assert page.locator(".stage").count() == page.locator(".picture.large.shown").count() == 2
    panel = page.get_by_role("tabpanel", name="Interpolate")
    until(lambda: panel.locator(".strip.shown").count() == 2)
    slide(panel.get_by_label("t", exact=True), 0.5)
    until(lambda: all("at 0.50" in text for text in page.locator(".source").all_inner_texts()))
    page.locator(".stage").first.press("n")
    until(lambda: state_of(page, "point") == "6")


def test_layers_are_resampled_and_pseudo_inputs_sampled(visit, pair):
    page = visit(pair)
    panel = tool(page, "Sliders")
    panel.get_by_role("button", name="Resample below").click()
    until(lambda: state_of(page, "z") is not None)
    upper, *lower = latent_of_first(page)
    panel.get_by_label("z0").first.evaluate("e => { e.value = 1; e.dispatchEvent(new Event('input')) }")
    until(lambda: latent_of_first(page)[0] == 1 and latent_of_first(page)[2:] != lower[1:])
    gallery = tool(page, "Pseudo-inputs")
    gallery.locator(".tile").nth(2).click()
    until(lambda: latent_of_first(page)[0] != 1)
    assert upper != 1


def latent_of_first(page: Any) -> list[float]:
    return [float(number) for number in (state_of(page, "z") or "").split(";")[0].split(",")]


def test_a_row_of_a_table_is_shown_by_its_values(visit, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{('red', 'blue')[i % 2]},{rng.normal(1000, 9):.2f},{rng.normal():.3f}" for i in range(60)]
    (tmp_path / "x.csv").write_text("color,size,other\n" + "\n".join(rows) + "\n")
    recipe = propose(tmp_path / "x.csv").recipe
    experiment = build(recipe)
    save_model(tmp_path / "model", experiment.model, recipe, experiment.dataset, experiment.preprocessing)
    with browsing.served([open_session(load_model(tmp_path / "model"), split="all")]) as at:
        page = visit(at)
        page.get_by_role("button", name="Random row").click()
        cells = page.locator("table.cells")
        until(lambda: cells.locator("td").count() == 6 and "–" not in cells.inner_text())
        assert cells.locator("th[scope=row]").all_inner_texts() == ["color", "size", "other"]
        decoded, data = cells.locator("tr").nth(2).locator("td").all_inner_texts()
        assert float(data) == pytest.approx(1000, abs=40)
        assert float(decoded) == pytest.approx(1000, abs=40)
        assert "60 rows of x.csv" in page.locator("#facts").inner_text()
        assert not page.get_by_role("tab", name="Draw").count()
