"""What runs ONNX in a browser: fetched once, checked, kept; and what is said where it cannot be had."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer.static_export import runtime


@pytest.fixture(autouse=True)
def published(tmp_path, monkeypatch) -> Path:
    """A cache of its own, and small files as those that were published."""
    contents = {name: name.encode() for name in runtime.FILES}
    monkeypatch.setattr(
        runtime, "FILES", {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    )
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path))
    return tmp_path / runtime.PACKAGE


def npm(monkeypatch, content=lambda name: name.encode(), fails: str = "") -> list:
    """An npm that packs these contents."""
    calls = []

    def run(words, cwd, **options):
        calls.append(words)
        if not fails:
            with tarfile.open(Path(cwd) / "package.tgz", "w:gz") as archive:
                for name in runtime.FILES:
                    member = tarfile.TarInfo(f"package/dist/{name}")
                    member.size = len(content(name))
                    archive.addfile(member, io.BytesIO(content(name)))
        return subprocess.CompletedProcess(words, int(bool(fails)), "", fails)

    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    monkeypatch.setattr("subprocess.run", run)
    return calls


def test_npm_is_asked_once(monkeypatch):
    calls = npm(monkeypatch)
    expected = {name: name.encode() for name in runtime.FILES}
    assert runtime.files() == runtime.files() == expected
    assert calls == [["/usr/bin/npm", "pack", runtime.PACKAGE, "--silent"]]


def test_files_may_be_put_there_by_hand(monkeypatch, published):
    monkeypatch.setattr("shutil.which", lambda name: None)
    published.mkdir()
    for name in runtime.FILES:
        (published / name).write_bytes(name.encode())
    assert len(runtime.files()) == 2


def test_other_files_are_refused(monkeypatch):
    npm(monkeypatch, content=lambda name: b"evil")
    with pytest.raises(InvalidError, match=r"not the file that onnxruntime-web@.* published"):
        runtime.files()


def test_without_npm_it_is_said_what_to_do(monkeypatch, published):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(VaekitError, match=r"npm is not installed; install Node\.js, or put ort") as caught:
        runtime.files()
    assert str(published) in str(caught.value)


def test_without_a_network_too(monkeypatch):
    npm(monkeypatch, fails="npm error\nnpm error network ENOTFOUND\n")
    with pytest.raises(VaekitError, match=r"npm could not fetch .* \(npm error network ENOTFOUND\)"):
        runtime.files()
