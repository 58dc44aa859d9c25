"""Figures that the page saves, pictures of one's own, and the view of how a model computes."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer import browsing
from explorer.browsing import pixels, until

pytestmark = [pytest.mark.browser, browsing.needed]


def saved(page: Any, part: str, form: str, folder: Any) -> Any:
    """The path of a saved figure."""
    page.get_by_role("button", name="Save figure").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Part of the page").select_option(part)
    with page.expect_download() as download:
        dialog.get_by_role("button", name=form, exact=True).click()
    download.value.save_as(folder / download.value.suggested_filename)
    dialog.get_by_role("button", name="Close").click()
    return folder / download.value.suggested_filename


def test_figures_are_as_wide_as_a_column_and_keep_text_as_text(visit, address, demo, tmp_path):
    page = visit(f"{address}#point=3&density=1", color_scheme="dark")
    svg = saved(page, "map", "SVG", tmp_path).read_text()
    assert 'width="85mm"' in svg
    assert svg.count("<circle") == len(demo.images) + len(demo.trained.label_names)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"z0", "z1", *demo.trained.label_names} <= set(texts)
    pdf = saved(page, "image", "PDF", tmp_path).read_bytes()
    width = float(re.search(rb"/MediaBox \[0 0 ([\d.]+)", pdf)[1])
    assert width / 72 * 25.4 == pytest.approx(85, abs=0.1)
    streams = re.findall(rb"/Length (\d+) >>\nstream\n", pdf)
    assert len(streams) == 3  # two images and the page
    content = zlib.decompress(pdf[pdf.rindex(b"stream\n", 0, pdf.rindex(b"endstream")) + 7 :])
    assert b"(log p\\(x|z\\)) Tj" in content
    assert pdf[int(re.search(rb"startxref\n(\d+)", pdf)[1]) :].startswith(b"xref")
    with Image.open(saved(page, "tool", "PNG", tmp_path)) as picture:
        assert picture.width == round(85 / 25.4 * 600)
        assert np.asarray(picture.convert("L")).max() == 255


def test_large_pictures_are_shrunk_and_white_paper_is_inverted(visit, address, tmp_path):
    page = visit(f"{address}#tool=draw")
    panel = page.get_by_role("tabpanel", name="Draw")
    noise = np.random.default_rng(0).integers(200, 256, (1400, 1400), dtype=np.uint8)
    noise[300:1100, 600:800] = 20
    Image.fromarray(noise).save(tmp_path / "ink.png")
    assert (tmp_path / "ink.png").stat().st_size > 1.4e6
    Image.new("L", (50, 40), 0).save(tmp_path / "black.png")
    panel.get_by_label("Open files").set_input_files([tmp_path / "ink.png", tmp_path / "black.png"])
    panel.get_by_text("The paper is white").wait_for()
    panel.get_by_role("button", name="Invert").click()
    until(lambda: pixels(panel.get_by_label("Drawing"))[0, 0, 0] < 60)
    assert pixels(panel.get_by_label("Drawing"))[14, 14, 0] > 200
    tiles = panel.get_by_role("button", name="on the canvas")
    until(lambda: tiles.count() == 2 and re.fullmatch(r"−\d+\.\d", tiles.last.inner_text().strip()))


def test_the_view_of_the_computation_shows_the_numbers_of_the_image(visit, address, demo):
    page = visit(f"{address}#tool=computation&point=5")
    panel = page.get_by_role("tabpanel", name="How it computes")
    row = panel.locator(".latent-table tr").nth(1)
    until(lambda: row.locator("td").first.inner_text() != "–")
    mean, std = demo.latents.mean[5][0], demo.latents.stddev[5][0]
    texts = [text.replace("−", "-") for text in row.locator("td.number").all_inner_texts()]
    assert [float(text) for text in texts] == pytest.approx([mean, std, mean], abs=0.006)
    row.get_by_role("slider").evaluate("e => { e.value = 2; e.dispatchEvent(new Event('input')) }")
    z = row.locator("td").last
    until(lambda: abs(float(z.inner_text().replace("−", "-")) - (mean + 2 * std)) < 0.011)
    assert "Linear → 48" in panel.locator(".network").last.inner_text()
    bars = panel.locator(".bars").inner_text()
    assert "ELBO" in bars
