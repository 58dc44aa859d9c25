"""Downloads from a server of this test on 127.0.0.1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from idx_files import FILES, write_quartet
from vaekit.data import download
from vaekit.data.catalog import CatalogEntry
from vaekit.data.locate import find_source, load_entry
from vaekit.errors import NotFoundError


class Server(ThreadingHTTPServer):
    """Serves a folder; the first requests fail in the given way, as often as asked."""

    folder: Path
    asked = 0
    failures = 0
    way = "cut"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        content = (self.server.folder / self.path[1:]).read_bytes()
        failing = self.server.asked <= self.server.failures
        self.send_response(503 if failing and self.server.way == "503" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if failing else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    server = Server(("127.0.0.1", 0), Handler)
    server.folder = tmp_path / "served"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
    assert list(scratch.iterdir()) == [], "a download left something behind"


def served(server: Server) -> CatalogEntry:
    entry = write_quartet(server.folder)
    return replace(entry, files={name: f"http://127.0.0.1:{server.server_port}/{name}" for name in FILES})


def test_a_dataset_is_downloaded_checked_and_cached(fresh_cache: Path, server: Server) -> None:
    entry = served(server)
    assert find_source(entry) == "download"
    data = load_entry(entry)
    assert data.images.shape == (10, 1, 3, 2)
    assert isinstance(data.images, np.memmap)
    assert server.asked == 4
    load_entry(entry)
    assert server.asked == 4


@pytest.mark.parametrize("way", ["cut", "503"])
def test_a_failing_download_is_retried(fresh_cache: Path, server: Server, way: str) -> None:
    server.failures, server.way = download.RETRIES, way
    assert len(load_entry(served(server))) == 10
    assert server.asked == 4 + download.RETRIES


@pytest.mark.parametrize(
    ("way", "says"), [("cut", "the connection broke off"), ("503", "the server answered 503")]
)
def test_a_failed_download_explains_the_manual_steps(
    fresh_cache: Path, server: Server, way: str, says: str
) -> None:
    server.failures, server.way = 99, way
    entry = served(server)
    with pytest.raises(NotFoundError, match=says) as caught:
        load_entry(entry)
    assert f"toy: http://127.0.0.1:{server.server_port}/{FILES[0]}" in str(caught.value)
    assert f"put it into FOLDER/toy/ as {FILES[0]}, and set VAEKIT_DATA=FOLDER" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert find_source(entry) == "download"


def test_no_server_at_all(fresh_cache: Path, server: Server) -> None:
    with pytest.raises(NotFoundError, match="no connection to the server"):
        load_entry(write_quartet(server.folder))
