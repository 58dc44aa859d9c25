"""Chromium, and servers for it to open."""

from __future__ import annotations

import base64
import io
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vaekit.explorer.security import allowed_hosts
from vaekit.explorer.server import application, bind, page_url, uvicorn_server
from vaekit.explorer.session import ExplorerSession

WIDE = {"width": 1280, "height": 800}
CHROMIUM = os.environ.get("VAEKIT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
needed = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium on the PATH: `make browser` installs it, or set VAEKIT_CHROMIUM"
)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def served(models: Sequence[ExplorerSession]) -> Iterator[str]:
    """The address of a server of these models, in a thread."""
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    app = application(models, allowed_hosts("127.0.0.1", port))
    server = uvicorn_server(app)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield page_url("127.0.0.1", port)
    server.should_exit = True
    thread.join(10)


def pixels(canvas: Any) -> np.ndarray:
    """The (height, width, 4) bytes of a canvas."""
    _, _, content = canvas.evaluate("canvas => canvas.toDataURL()").partition(",")
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        return np.asarray(picture.convert("RGBA"))


def until(holds: Any, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "timeout"
        time.sleep(0.05)


def settle(page: Any) -> None:
    """Wait until points and image are shown."""
    page.locator(".legend > *").first.wait_for()
    page.locator(".picture.large.shown").first.wait_for()
    page.wait_for_load_state("networkidle")
