"""The page of a training."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest

from explorer.browsing import browser, needed, until
from vaekit.explorer.watch import Watch
from vaekit.runs.history import EpochHistory, read_state
from vaekit.runs.train import train
from vaekit.training.callbacks import Callback
from vaekit.training.display import SilentLogger

SMALL = ["data.train=100", "data.validation=20", "model.latent_dim=2"]


def ask(page: Watch, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{page.port}/api/{path}", timeout=10) as answer:
        return json.loads(answer.read())


class During(Callback):
    """Asks the page after each epoch, while the training runs."""

    def __init__(self, page):
        self.page, self.found = page, []

    def on_epoch_end(self, record, model):
        self.found.append(ask(self.page, "training"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    page, directory = Watch(port=0), tmp_path_factory.mktemp("runs") / "a"
    during = During(page)
    callbacks = [EpochHistory(), page, during]
    run = train(
        "digits", SMALL, run_dir=directory, figures=False, log=SilentLogger(), epochs=3, callbacks=callbacks
    )
    yield run, page, during
    page.stop()


def test_the_page_follows_a_training_while_it_runs(watched):
    run, page, during = watched
    assert [state["running"] for state in during.found] == [True, True, True]
    assert [len(state["kept"]) for state in during.found] == [1, 2, 3]
    last = ask(page, "training")
    assert not last["running"]
    assert [r["loss"] for r in last["records"]] == pytest.approx([r["loss"] for r in run.metrics])
    assert last["epochs"] == 3
    assert len(last["labels"]) == 20


def test_an_epoch_is_shown_as_it_was_kept(watched):
    run, page, _ = watched
    found, kept = ask(page, "training/epoch?epoch=2"), read_state(run.path, 2)
    np.testing.assert_allclose([found["x"], found["y"]], kept.plane.T, atol=1e-3)
    assert base64.b64decode(found["samples"].partition(",")[2]) == kept.samples


@pytest.mark.parametrize("epoch", ["9", "", "-1", "1e3", "9999999999999", "..%2f1"])
def test_an_epoch_that_is_not_kept_is_refused(watched, epoch):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(watched[1], f"training/epoch?epoch={epoch}")
    assert caught.value.code == 404


@pytest.mark.slow
@pytest.mark.browser
@needed
def test_every_epoch_can_be_shown_again_in_a_browser(watched):
    _, page, _ = watched
    with browser() as chromium:
        view = chromium.new_page(viewport={"width": 1440, "height": 900})
        problems: list[str] = []
        view.on("pageerror", lambda error: problems.append(str(error)))
        view.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        view.goto(page.address)
        until(lambda: view.inner_text("#shown") == "epoch 3 of 3")
        first = view.get_attribute("#samples", "src")
        view.fill("#epoch", "0")
        until(lambda: view.inner_text("#shown") == "epoch 1 of 3")
        assert view.get_attribute("#samples", "src") != first
        assert view.get_attribute("#follow", "aria-pressed") == "false"
        assert view.locator(".chart h3").all_inner_texts()[0].startswith("ELBO")
        view.click("#play")
        until(lambda: view.inner_text("#shown") == "epoch 3 of 3")
        assert problems == []
