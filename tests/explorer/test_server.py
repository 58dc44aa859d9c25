"""The routes, without a port and on one."""

from __future__ import annotations

import base64
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import httpx
import pytest
from PIL import Image

import cases
from explorer.sessions import Client, opened, pixels, tiny_session
from vaekit.errors import InvalidError
from vaekit.explorer import requests, views
from vaekit.explorer.security import allowed_hosts
from vaekit.explorer.server import application, bind, page_url, uvicorn_server
from vaekit.explorer.worker import Worker


@pytest.fixture(scope="module")
def page() -> Client:
    models = [tiny_session(), tiny_session(cases.make_vae(layer_dims=(2, 3)))]
    app = application(models, allowed_hosts("127.0.0.1", 8000), worker=Worker())
    return Client(app)


def error(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_it_describes_the_models(page):
    answer = page.get("/api/models").json()
    assert [model["layer_dims"] for model in answer["models"]] == [[2], [2, 3]]
    assert answer["models"][0]["python"] == "vaekit.load('runs/toy')"


def test_an_image_comes_with_its_headers(page):
    answer = page.post("/api/decode", json={"point": [0.5, 1], "model": 0})
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-vaekit-z"] == "[0.5, 1.0]"
    same = views.CALLS[[call.name for call in views.CALLS].index("decode")].view(
        tiny_session(), requests.Decode(point=(0.5, 1))
    )
    assert (pixels(answer.content) == pixels(same.content)).all()


def test_the_second_model_is_addressed_by_its_index(page):
    assert len(page.post("/api/sample", json={"model": 1}).json()["z"]) == 5
    assert len(page.get("/api/map", params={"model": 1}).json()["x"]) > 10


def test_the_page_itself(page):
    answer = page.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert page.get("/index.html").text == answer.text


def test_errors_are_one_line_of_json(page):
    assert error(page.get("/api/nothing"), 404) == "not found"
    assert error(page.get("/api/decode"), 405) == "method not allowed"
    assert error(page.get("/api/image?index=99"), 404) == "image 99: expected an index from 0 to 29"
    assert error(page.get("/api/image?index=x"), 400).startswith("index: Input should be a valid integer")
    bad = page.post("/api/decode", content="{", headers={"content-type": "application/json"})
    assert error(bad, 400) == "body: expected JSON"
    nan = page.post("/api/decode", content='{"z": [[NaN, 0]]}', headers={"content-type": "application/json"})
    assert error(nan, 400) == "body: expected JSON"


def test_with_one_model_there_is_no_second():
    app = application([tiny_session()], frozenset(), worker=Worker())
    assert (
        error(Client(app).post("/api/sample", json={"model": 1}), 404)
        == "model: expected an index from 0 to 0, got 1"
    )


def test_an_unexpected_error_is_reported_and_the_server_goes_on(page, monkeypatch):
    def fails(*_, **__):
        raise ZeroDivisionError("by zero")

    broken = application([tiny_session()], frozenset(), worker=Worker())
    monkeypatch.setattr("vaekit.explorer.views.map.png", fails)
    client = Client(broken)
    assert "ZeroDivisionError" in error(client.get("/api/image?index=0"), 500)
    assert client.get("/api/models").status_code == 200


# ------------------------------------------------------------------------------------------------ image files


def upload(page: Client, content: bytes):
    return page.post("/api/encode", json={"file": base64.b64encode(content).decode()})


def saved(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_image_of_any_size_is_accepted(page, form, mode):
    answer = upload(page, saved(Image.new(mode, (300, 200), "white"), form))
    image = opened(base64.b64decode(answer.json()["image"]))
    assert image.size == (5, 6)
    assert image.getextrema() == (255, 255)


def test_transparency_becomes_white(page):
    answer = upload(page, saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"))
    assert opened(base64.b64decode(answer.json()["image"])).getextrema() == (255, 255)


def test_an_image_bomb_is_refused_by_its_header(page):
    bomb = saved(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    with patch.object(Image.Image, "load", side_effect=AssertionError("its pixels were read")):
        assert error(upload(page, bomb), 400) == "file: expected at most 4096 x 4096 pixels, got far more"


def test_an_image_that_is_slightly_too_large_is_refused(page):
    large = saved(Image.new("1", (8192, 2049)), "PNG")
    assert error(upload(page, large), 400) == "file: expected at most 4096 x 4096 pixels, got 8192 x 2049"


def test_a_wrong_header_is_refused(page):
    header = bytearray(saved(Image.new("1", (64, 64)), "PNG"))
    header[16:24] = (2**31 - 1).to_bytes(4, "big") * 2
    assert error(upload(page, bytes(header)), 400).startswith("file: ")


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg/>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + b"\0" * 99]
)
def test_a_file_that_is_not_an_image_is_refused(page, content):
    assert error(upload(page, content), 400).startswith("file: not a readable image")


def test_a_truncated_image_is_refused(page):
    content = saved(Image.effect_noise((200, 200), 50), "PNG")
    assert error(upload(page, content[: len(content) // 2]), 400).startswith("file: not a readable image")


# ------------------------------------------------------------------------------------------------ a real port


@pytest.fixture
def port():
    """A server on a free port, in a thread."""
    listening = bind("127.0.0.1", 0)
    number = listening.getsockname()[1]
    app = application([tiny_session()], allowed_hosts("127.0.0.1", number))
    server = uvicorn_server(app)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield number
    server.should_exit = True
    thread.join(10)


def test_it_answers_on_a_port(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/api/models").status_code == 200
        for k in range(3):
            assert client.post("/api/decode", json={"point": [k / 10, 0]}).status_code == 200


def test_the_newest_request_of_a_client_replaces_waiting_ones(port):
    def post(k: int) -> int:
        headers = {"x-vaekit-client": "one"}
        answer = httpx.post(
            f"http://127.0.0.1:{port}/api/decode", json={"point": [k, 0]}, headers=headers, timeout=30
        )
        if answer.status_code == 409:
            assert answer.json() == {"error": "superseded"}
        return answer.status_code

    slow = threading.Thread(target=httpx.get, args=[f"http://127.0.0.1:{port}/api/backdrop?n=40"])
    slow.start()
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(post, range(40)))
    slow.join()
    assert set(codes) <= {200, 409}
    assert 200 in codes


def test_a_taken_port_is_replaced_by_a_free_one():
    taken = bind("127.0.0.1", 0)
    with taken, bind("127.0.0.1", taken.getsockname()[1]) as other:
        assert other.getsockname()[1] != taken.getsockname()[1]


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(InvalidError, match=r"host '192.0.2.1': cannot listen there"):
        bind("192.0.2.1", 0)
    with pytest.raises(InvalidError, match="host 'no such host'"):
        bind("no such host", 0)


def test_the_url_is_the_one_to_open():
    assert page_url("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert page_url("::1", 80) == "http://[::1]:80/"
    assert page_url("192.168.1.7", 80, "abc") == "http://192.168.1.7:80/?token=abc"


@pytest.mark.slow
def test_fifty_clients_for_twenty_seconds(port):
    deadline = time.monotonic() + 20

    def visit(number: int) -> int:
        sent = 0
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while time.monotonic() < deadline:
                k = (number + sent) % 30
                answers = [
                    client.get("/api/models"),
                    client.get(f"/api/image?index={k}"),
                    client.post("/api/point", json={"index": k}),
                    client.post("/api/decode", json={"point": [k / 10, number / 50]}),
                    client.post("/api/sample", json={"seed": k}),
                ]
                assert [answer.status_code for answer in answers] == [200] * 5
                sent += 5
        return sent

    with ThreadPoolExecutor(50) as pool:
        assert min(pool.map(visit, range(50))) > 0
