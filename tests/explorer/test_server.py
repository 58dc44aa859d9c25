"""The routes: HTTP to views and back; one real port."""

from __future__ import annotations

import base64
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from PIL import Image

import cases
from explorer.explored_models import Client, explored, opened, pixels
from vaekit.errors import InvalidError
from vaekit.explorer import requests, views
from vaekit.explorer.security import allowed_hosts
from vaekit.explorer.server import address, application, bind


@pytest.fixture(scope="module")
def page() -> Client:
    models = [explored(), explored(cases.make_vae(levels=(2, 3)))]
    app = application(models, allowed_hosts("127.0.0.1", 8000))
    return Client(app)


def error(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_it_says_what_the_models_are(page):
    answer = page.get("/api/models").json()
    assert [model["levels"] for model in answer["models"]] == [[2], [2, 3]]
    assert answer["models"][0]["python"] == "vaekit.load('runs/toy')"


def test_a_picture_comes_with_its_notes(page):
    answer = page.post("/api/decode", json={"at": [0.5, 1], "m": 0})
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-vaekit-z"] == "[0.5, 1.0]"
    same = views.CALLS[[call.name for call in views.CALLS].index("decode")].view(
        explored(), requests.Decode(at=(0.5, 1))
    )
    assert (pixels(answer.content) == pixels(same.content)).all()


def test_the_second_model_is_asked_by_its_number(page):
    assert len(page.post("/api/draw", json={"m": 1}).json()["z"]) == 5
    assert len(page.get("/api/map", params={"m": 1}).json()["x"]) > 10


def test_the_page_itself(page):
    answer = page.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert page.get("/index.html").text == answer.text


def test_errors_are_one_line_of_json(page):
    assert error(page.get("/api/nothing"), 404) == "not found"
    assert error(page.get("/api/decode"), 405) == "method not allowed"
    assert error(page.get("/api/image?i=99"), 404) == "image 99: there are images 0 to 29"
    assert error(page.get("/api/image?i=x"), 400).startswith("i: Input should be a valid integer")
    bad = page.post("/api/decode", content="{", headers={"content-type": "application/json"})
    assert error(bad, 400) == "body: expected JSON"
    nan = page.post("/api/decode", content='{"z": [[NaN, 0]]}', headers={"content-type": "application/json"})
    assert error(nan, 400) == "body: expected JSON"


def test_with_one_model_there_is_no_second():
    app = application([explored()], frozenset())
    assert error(Client(app).post("/api/draw", json={"m": 1}), 404) == "m: there is no model 1"


def test_what_nobody_foresaw_is_said_and_does_not_end_it(page, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("by zero")

    broken = application([explored()], frozenset())
    monkeypatch.setattr("vaekit.explorer.views.map.png", fails)
    client = Client(broken)
    assert "ZeroDivisionError" in error(client.get("/api/image?i=0"), 500)
    assert client.get("/api/models").status_code == 200


# ------------------------------------------------------------------------------------------------ image files


def dropped(page: Client, content: bytes):
    return page.post("/api/encode", json={"file": base64.b64encode(content).decode()})


def saved(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_of_any_size_may_be_dropped(page, form, mode):
    answer = dropped(page, saved(Image.new(mode, (300, 200), "white"), form))
    image = opened(base64.b64decode(answer.json()["image"]))
    assert image.size == (5, 6)
    assert image.getextrema() == (255, 255)


def test_a_picture_with_transparency_lies_on_white(page):
    answer = dropped(page, saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"))
    assert opened(base64.b64decode(answer.json()["image"])).getextrema() == (255, 255)


def test_an_image_bomb_is_refused_by_its_header(page):
    bomb = saved(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    started = time.perf_counter()
    assert error(dropped(page, bomb), 400) == "file: has far more pixels; expected at most 4096 x 4096"
    assert time.perf_counter() - started < 2


def test_a_picture_that_is_a_little_too_large_is_refused(page):
    large = saved(Image.new("1", (8192, 2049)), "PNG")
    assert error(dropped(page, large), 400) == "file: has 8192 x 2049 pixels; expected at most 4096 x 4096"


def test_a_header_that_lies_is_refused(page):
    header = bytearray(saved(Image.new("1", (64, 64)), "PNG"))
    header[16:24] = (2**31 - 1).to_bytes(4, "big") * 2
    assert error(dropped(page, bytes(header)), 400).startswith("file: ")


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg/>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + b"\0" * 99]
)
def test_what_is_no_picture_is_refused(page, content):
    assert error(dropped(page, content), 400).startswith("file: not an image that can be read")


def test_a_picture_that_is_cut_off_is_refused(page):
    content = saved(Image.effect_noise((200, 200), 50), "PNG")
    assert error(dropped(page, content[: len(content) // 2]), 400).startswith("file: not an image")


# ------------------------------------------------------------------------------------------------ a real port


@pytest.fixture
def port():
    """A server on a free port, in a thread."""
    listening = bind("127.0.0.1", 0)
    number = listening.getsockname()[1]
    app = application([explored()], allowed_hosts("127.0.0.1", number))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield number
    server.should_exit = True
    thread.join(10)


def test_on_a_port_it_answers_at_once(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/api/models").status_code == 200
        seconds = []
        for k in range(30):
            started = time.perf_counter()
            assert client.post("/api/decode", json={"at": [k / 10, 0]}).status_code == 200
            seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[15] < 0.03


def test_the_newest_question_of_a_client_takes_the_place_of_those_that_wait(port):
    def ask(k: int) -> int:
        headers = {"x-vaekit-client": "one"}
        answer = httpx.post(
            f"http://127.0.0.1:{port}/api/decode", json={"at": [k, 0]}, headers=headers, timeout=30
        )
        if answer.status_code == 409:
            assert answer.json() == {"error": "superseded"}
        return answer.status_code

    slow = threading.Thread(target=httpx.get, args=[f"http://127.0.0.1:{port}/api/backdrop?n=40"])
    slow.start()
    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(ask, range(40)))
    slow.join()
    assert set(codes) <= {200, 409}
    assert 200 in codes


def test_a_port_that_is_taken_is_not_waited_for():
    taken = bind("127.0.0.1", 0)
    with taken, bind("127.0.0.1", taken.getsockname()[1]) as other:
        assert other.getsockname()[1] != taken.getsockname()[1]


def test_an_address_that_is_not_this_machines_is_refused():
    with pytest.raises(InvalidError, match=r"host '192.0.2.1': cannot listen there"):
        bind("192.0.2.1", 0)
    with pytest.raises(InvalidError, match="host 'no such host'"):
        bind("no such host", 0)


def test_the_address_is_what_to_open():
    assert address("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert address("::1", 80) == "http://[::1]:80/"
    assert address("192.168.1.7", 80, "abc") == "http://192.168.1.7:80/?token=abc"


@pytest.mark.slow
def test_fifty_clients_for_twenty_seconds(port):
    deadline = time.monotonic() + 20

    def visit(number: int) -> int:
        asked = 0
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while time.monotonic() < deadline:
                k = (number + asked) % 30
                answers = [
                    client.get("/api/models"),
                    client.get(f"/api/image?i={k}"),
                    client.post("/api/point", json={"i": k}),
                    client.post("/api/decode", json={"at": [k / 10, number / 50]}),
                    client.post("/api/draw", json={"seed": k}),
                ]
                assert [answer.status_code for answer in answers] == [200] * 5
                asked += 5
        return asked

    with ThreadPoolExecutor(50) as pool:
        assert min(pool.map(visit, range(50))) > 0
