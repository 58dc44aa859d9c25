"""The folder and the single file: complete, and independent of any server."""

from __future__ import annotations

import base64
import gzip
import re

import pytest

from vaekit.errors import InvalidError
from vaekit.explorer.static_export import pages

DATA = {"models.json": b'{"models": []}', "0/images.png": b"\x89PNG"}
RUNTIME = {
    "ort.wasm.bundle.min.mjs": b'export default "./not-renamed.js"',
    "ort-wasm-simd-threaded.wasm": b"\0asm",
}
IMPORT = re.compile(r"""(?<!["'])(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"'\n]+)["']""")


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> str:
    return pages.write_file(tmp_path_factory.mktemp("site") / "page.html", DATA, RUNTIME).read_text()


def modules(page: str) -> dict[str, str]:
    """The modules of the single file, by their names."""
    imports = re.search(r'<script type="importmap">(.*?)</script>', page, re.S)[1]
    found = re.findall(r'"(vaekit/[^"]+)":"data:text/javascript;base64,([^"]+)"', imports)
    return {name: base64.b64decode(content).decode() for name, content in found}


def test_a_folder_holds_the_page_its_data_and_the_runtime(tmp_path):
    page = pages.write_folder(tmp_path / "site", DATA, RUNTIME)
    text = page.read_text()
    assert 'name="vaekit-backend" content="site"' in text
    assert "script-src 'self' 'wasm-unsafe-eval'" in text
    for name in (
        "main.js",
        "css/base.css",
        "data/models.json",
        "data/0/images.png",
        "ort/ort-wasm-simd-threaded.wasm",
    ):
        assert (page.parent / name).is_file()


def test_it_overwrites_an_earlier_page_but_no_other_files(tmp_path):
    pages.write_folder(tmp_path / "site", DATA, RUNTIME)
    pages.write_folder(tmp_path / "site", DATA, RUNTIME)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious.txt").write_text("x")
    with pytest.raises(InvalidError, match="other: expected a new or empty folder"):
        pages.write_folder(tmp_path / "other", DATA, RUNTIME)


def test_every_import_of_the_single_file_leads_to_a_module_in_it(single):
    known = modules(single)
    assert "vaekit/main.js" in known
    for name, source in known.items():
        if name != f"vaekit/{pages.LIBRARY}":
            assert {
                wanted for wanted in IMPORT.findall(source) if "types.js" not in wanted
            } <= known.keys(), name
    assert known[f"vaekit/{pages.LIBRARY}"] == RUNTIME["ort.wasm.bundle.min.mjs"].decode()


def test_the_single_file_fetches_nothing(single):
    assert not re.search(r'<link rel="stylesheet"', single)
    assert not re.search(r'(src|href)="(?!data:|#)', single)
    assert "https://" not in "".join(modules(single).values())
    assert single.count("<style>") == len(list((pages.STATIC / "css").glob("*.css")))


def test_the_single_file_holds_its_data(single):
    kept = dict(re.findall(r'<script type="text/plain" id="([^"]+)">([^<]*)</script>', single))
    content = {name: gzip.decompress(base64.b64decode(text)) for name, text in kept.items()}
    assert content["data/models.json"] == DATA["models.json"]
    assert content["data/0/images.png"] == DATA["0/images.png"]
    assert content["ort/ort-wasm-simd-threaded.wasm"] == b"\0asm"
