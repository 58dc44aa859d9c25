"""Both back ends answer the calls of `backend/contract.js` alike; those that run ONNX are tested beside."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import cases
from explorer import browsing
from explorer.sessions import base64_of, tiny_session
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.static_export import contents, pages

pytestmark = [pytest.mark.browser, browsing.needed]

ASK = """async ([at, calls]) => {
  const { ANSWERS, differences } = await import(`${at}contract.js`);
  const isSite = at === "vaekit/backend/";
  const module = await import(`${at}${isSite ? "site" : "server"}.js`);
  const backend = isSite ? await module.siteBackend() : module.serverBackend("/api");
  async function plain(value) {
    if (value instanceof Blob) return [...new Uint8Array(await value.arrayBuffer())];
    if (ArrayBuffer.isView(value)) return [...value];
    if (value instanceof ImageBitmap) {
      const { width, height } = value;
      const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      context.drawImage(value, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      return { size: [width, height], reds: [...data].filter((_, k) => k % 4 === 0), z: value.z };
    }
    if (Array.isArray(value)) return Promise.all(value.map(plain));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(async ([key, part]) => [key, await plain(part)]);
    return Object.fromEntries(await Promise.all(entries));
  }
  const answers = [];
  for (const [name, given] of calls) {
    const answer = await backend[name](...given);
    answers.push([name, differences(answer, ANSWERS[name]), await plain(answer)]);
  }
  const called = new Set(calls.map(([name]) => name));
  return { answers, uncalled: Object.keys(ANSWERS).filter((name) => !called.has(name)) };
}"""


def calls(session: ExplorerSession) -> list[tuple[str, list[Any]]]:
    """Every call that needs no graph."""
    z, kind = session.latents.mean[4].tolist(), session.projection().kind
    chosen = base64_of(np.packbits(np.isin(np.arange(len(session.images)), [0, 2, 9]), bitorder="little"))
    return [
        ("map", [0, kind, 2]),
        ("map", [0, kind, 3]),
        ("values", [0]),
        ("waiting", [0, kind, 2]),
        ("density", [0, kind]),
        ("image", [0, 3]),
        ("thumbnails", [0, [3, 1, 4, 5]]),
        ("point", [0, 3, kind, 2]),
        ("neighbors", [0, z, kind, 2, 5, None]),
        ("unproject", [0, kind, 0.3, 0.2, z]),
        ("interpolate", [0, {"a": {"index": 1}, "b": {"z": z}, "steps": 4, "path": "linear"}]),
        ("summary", [0, chosen]),
        ("exported", [0, chosen, "npz"]),
    ]


def bytes_of(numbers: list[int]) -> io.BytesIO:
    return io.BytesIO(bytes(numbers))


def compare(name: str, ours: Any, theirs: Any, at: str = "") -> None:
    """Both answers are equal: numbers to four digits, gray levels to one step."""
    where = f"{name}{at}"
    if isinstance(ours, dict):
        for key in ours.keys() & theirs.keys():
            compare(name, ours[key], theirs[key], f"{at}.{key}")
    elif isinstance(ours, list) and ours and isinstance(ours[0], int | float):
        step = 1.01 if at.endswith("reds") else 0
        assert np.allclose(ours, theirs, rtol=1e-4, atol=max(step, 2e-4)), where
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for k, pair in enumerate(zip(ours, theirs, strict=True)):
            compare(name, *pair, at=f"{at}[{k}]")
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=2e-4), where
    else:
        assert ours == theirs, where


def test_both_back_ends_answer_alike(monkeypatch, tmp_path):
    monkeypatch.setattr(contents, "to_onnx", lambda name, graph: b"")
    session = tiny_session(cases.make_vae(layer_dims=(5,)))
    library = {"ort.wasm.bundle.min.mjs": b"", "ort-wasm-simd-threaded.wasm": b""}
    file = pages.write_file(tmp_path / "page.html", contents.site_files([session]), library)
    with browsing.served([session]) as address, browsing.browser() as chromium:
        answers = []
        for at, home in ((address, "/backend/"), (file.as_uri(), "vaekit/backend/")):
            page = chromium.new_page()
            page.goto(at)
            answers.append(page.evaluate(ASK, [home, calls(session)])["answers"])
    for (name, wrong, ours), (_, other, theirs) in zip(*answers, strict=True):
        assert wrong == other == [], name
        if name == "exported":
            with np.load(bytes_of(ours)) as first, np.load(bytes_of(theirs)) as second:
                assert {"images", "z", "std", "index", "label", "error"} <= set(second.files)
                for key in second.files:
                    assert np.allclose(first[key], second[key], atol=4e-3), key
        elif name == "summary":
            compare(name, {**ours, "image": 0}, {**theirs, "image": 0})
        else:
            compare(name, ours, theirs)
