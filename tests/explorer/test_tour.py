"""The guided tour: its models are those of its recipes, and each step shows what it says."""

from __future__ import annotations

import re

import pytest

import vaekit
from explorer import browsing
from explorer.browsing import pixels, until
from vaekit.config.loading import load_recipe
from vaekit.explorer.session import TOUR, TOUR_FOLDER, TOUR_IMAGES, open_session


@pytest.mark.parametrize("name", TOUR)
def test_the_models_were_made_by_their_recipes(name):
    trained, recipe = vaekit.demo(name), load_recipe(f"tour-{name}")
    assert (trained.recipe.model, trained.recipe.objective) == (recipe.model, recipe.objective)
    assert trained.recipe.training.model_copy(
        update={"threads": 1, "device": "auto"}
    ) == recipe.training.model_copy(update={"threads": 1, "device": "auto"})


def test_the_models_are_small():
    assert sum(file.stat().st_size for file in TOUR_FOLDER.rglob("*") if file.is_file()) < 1_500_000


def test_another_name_is_refused():
    with pytest.raises(
        vaekit.errors.NotFoundError, match="expected conditional, vae, ae, beta-vae; got 'gan'"
    ):
        vaekit.demo("gan")


@pytest.mark.slow
@pytest.mark.browser
@browsing.needed
def test_every_step_shows_its_part(visit):
    sessions = [open_session(vaekit.demo(name), images=TOUR_IMAGES) for name in TOUR]
    with browsing.served(sessions) as address:
        page = visit(address, browsing.WIDE)
        assert page.locator(".map:visible").count() == 1
        page.get_by_role("button", name="Tour").click()
        titles = set()
        for step in range(1, 9):
            strip = page.locator("#tour")
            until(lambda step=step, strip=strip: strip.locator(".tour-count").inner_text() == f"{step} / 8")
            titles.add(strip.locator("h2").inner_text())
            browsing.settle(page)
            if step == 3:
                slider = page.get_by_label("t", exact=True)
                until(lambda slider=slider: float(slider.input_value()) > 0.02)
            if step == 6:
                page.locator(".imputations .picture.shown").last.wait_for()
                box = page.locator(".imputations .picture").last.bounding_box()
                assert box["y"] + box["height"] / 2 < browsing.WIDE["height"]
            if step < 8:
                page.get_by_role("button", name="Next").click()
        assert len(titles) == 8
        assert (
            page.locator(".map:visible").count() == page.locator(".picture.large.shown:visible").count() == 3
        )
        page.get_by_role("button", name="End").click()
        until(lambda: page.locator(".map:visible").count() == 1)


@pytest.mark.slow
@pytest.mark.browser
@browsing.needed
def test_parts_are_embedded_without_the_rest(visit):
    with browsing.served([open_session(vaekit.demo("vae"), images=200)]) as address:
        page = visit(f"{address}#embed=tool&tool=computation&point=3")
        assert not page.locator(".top").is_visible()
        assert page.locator(".network").first.is_visible()
        page.evaluate("location.hash = 'embed=map'")
        until(lambda: not page.locator("#panel").is_visible())
        assert pixels(page.locator("canvas.points"))[..., 3].any()
        assert re.search("embed=map", page.url)
