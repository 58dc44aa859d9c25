"""The page of the packaged conditional model in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from explorer import browsing
from vaekit.explorer.session import ExplorerSession, Source, create_session
from vaekit.explorer.session import demo as packaged_model

IMAGES = 600


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browsing.browser() as started:
        yield started


@pytest.fixture(scope="module")
def demo() -> ExplorerSession:
    """The demo model, conditional with two latents, and a part of MNIST."""
    trained = packaged_model()
    source = Source("mnist", "test", "vaekit.demo()", trained.label_names)
    return create_session(trained, trained.load_split("test", None, IMAGES), source)


@pytest.fixture(scope="module")
def address(demo) -> Iterator[str]:
    with browsing.served([demo]) as address:
        yield address


@pytest.fixture
def visit(chromium) -> Iterator[Any]:
    """Open an address; afterwards the page must have raised no errors."""
    contexts, wrong = [], []

    def open_page(address: str, size: dict[str, int] = browsing.WIDE, **options: Any) -> Any:
        context = chromium.new_context(viewport=size, accept_downloads=True, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Policy" in message.text else None)
        page.goto(address)
        browsing.settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong
