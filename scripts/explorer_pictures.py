"""Screenshots of the explorer for the documentation: the page in Chromium, with the demo model.

    python scripts/explorer_pictures.py

Requires Chromium, and Playwright from the development extra.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from vaekit.utils.io import write_whole

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
VIEWS = {  # one file each: the color scheme, and the state in the address
    "explorer": ("light", "#point=61&density=1"),
    "explorer-interpolate": ("light", "#tool=interpolate&a=i61&b=i5&t=0.5&label=3"),
    "explorer-backdrop": ("dark", "#tool=classes&backdrop=1&z=0.6,-0.4&label=8"),
}


def main() -> None:
    with served("--demo") as address, chromium() as browser:
        for name, (scheme, state) in VIEWS.items():
            print(write_whole(IMAGES / f"{name}.png", screenshot(browser, scheme, address + state)))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        sys.exit("chromium is not on the PATH; install it, for example with: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The URL of a server started with these arguments of `vaekit explore`."""
    command = [sys.executable, "-m", "vaekit", "explore", *arguments, "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()


def screenshot(browser: Browser, scheme: str, address: str) -> bytes:
    """The page at an address, once everything is loaded."""
    page = browser.new_page(viewport=SIZE, color_scheme="dark" if scheme == "dark" else "light")
    page.add_init_script("localStorage.setItem('vaekit-hint-seen', '1')")
    page.goto(address)
    page.locator(".picture.large.shown").wait_for()
    page.wait_for_timeout(1500)
    page.wait_for_load_state("networkidle")
    content = page.screenshot()
    page.close()
    return content


if __name__ == "__main__":
    main()
