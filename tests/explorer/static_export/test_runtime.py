"""ONNX Runtime: fetched once, checked, cached; and the message if it cannot be fetched."""

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
    assert runtime.runtime_files() == runtime.runtime_files() == expected
    assert calls == [["/usr/bin/npm", "pack", runtime.PACKAGE, "--silent"]]


def test_files_may_be_put_there_by_hand(monkeypatch, published):
    monkeypatch.setattr("shutil.which", lambda name: None)
    published.mkdir()
    for name in runtime.FILES:
        (published / name).write_bytes(name.encode())
    assert len(runtime.runtime_files()) == 2


def test_other_files_are_refused(monkeypatch):
    npm(monkeypatch, content=lambda name: b"evil")
    with pytest.raises(InvalidError, match=r"differs from the file of onnxruntime-web@"):
        runtime.runtime_files()


def test_a_missing_npm_is_reported(monkeypatch, published):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(VaekitError, match=r"npm is not installed; install Node\.js, or put ort") as caught:
        runtime.runtime_files()
    assert str(published) in str(caught.value)


def test_a_missing_network_is_reported(monkeypatch):
    npm(monkeypatch, fails="npm error\nnpm error network ENOTFOUND\n")
    with pytest.raises(VaekitError, match=r"npm could not fetch .* \(npm error network ENOTFOUND\)"):
        runtime.runtime_files()
