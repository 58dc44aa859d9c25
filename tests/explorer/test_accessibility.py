"""axe-core finds nothing serious in any view of the page. npm fetches it once, as it fetches ONNX Runtime."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from typing import Any

import pytest

from explorer import browsing
from explorer.sessions import tiny_session
from vaekit.data import cache

import cases  # isort: skip

pytestmark = [pytest.mark.browser, pytest.mark.slow, browsing.needed]

AXE = "axe-core@4.11.0"
SHA256 = "e9e5863c33a874f09bc01acd9234b7e3c871479f5eef8802fa582544465e6d01"
RUN = """axe.run(document).then((found) => found.violations
  .filter(({ impact }) => impact === "serious" || impact === "critical" || impact === "moderate")
  .map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))]))"""
NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """The source of axe-core."""
    file = cache.cache_folder() / AXE / "axe.min.js"
    if not file.is_file():
        npm = shutil.which("npm") or pytest.skip("npm is not installed")
        folder = tmp_path_factory.mktemp("axe")
        packed = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True)
        archive = next(folder.glob("*.tgz"), None) or pytest.skip(
            f"npm could not fetch {AXE}: {packed.stderr}"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as opened:
            file.write_bytes(opened.extractfile("package/axe.min.js").read())
    content = file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    return content.decode()


def violations(page: Any, axe: str) -> list:
    page.evaluate(axe)
    return page.evaluate(RUN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tool", ["sliders", "interpolate", "draw", "computation", "classes"])
def test_each_tool_is_accessible(visit, address, axe, tool, scheme):
    page = visit(f"{address}#tool={tool}&point=3&density=1", color_scheme=scheme)
    if tool == "draw":
        page.get_by_role("button", name="Take image").click()
        page.locator(".result .picture.shown").wait_for()
    assert violations(page, axe) == []


@pytest.mark.parametrize("dialog", ["Help", "Save figure", "Copy as Python"])
def test_each_dialog_is_accessible(visit, address, axe, dialog):
    page = visit(address)
    page.get_by_role("button", name=dialog).click()
    page.get_by_role("dialog").wait_for()
    assert violations(page, axe) == []


def test_a_narrow_page_and_an_enlarged_map_are_accessible(visit, address, axe):
    page = visit(f"{address}#color=kl", NARROW, is_mobile=True, has_touch=True)
    assert violations(page, axe) == []
    page = visit(f"{address}#backdrop=1&camera=0,0,1")
    assert violations(page, axe) == []


def test_models_side_by_side_are_accessible(visit, axe):
    shape = (3, 8, 7)
    deep = cases.make_vae(layer_dims=(2, 3), prior="vamp", shape=shape)
    models = [tiny_session(deep, shape=shape), tiny_session(cases.make_vae(shape=shape), shape=shape)]
    with browsing.served(models) as address:
        for tool in ("sliders", "pseudo_inputs", "computation"):
            assert violations(visit(f"{address}#tool={tool}"), axe) == []
