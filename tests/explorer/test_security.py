"""Which requests are accepted: hosts, origins, sizes, tokens; and what the page may load."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from explorer.sessions import Client, tiny_session
from vaekit.explorer import security
from vaekit.explorer.server import application
from vaekit.explorer.worker import Worker

HOST = "127.0.0.1:8000"
ZERO = {"z": [[0, 0]]}


@pytest.fixture(scope="module")
def e():
    return tiny_session()


def client(e, host: str = HOST, token: str = "", **headers: str) -> Client:
    hosts = security.allowed_hosts("0.0.0.0" if token else "127.0.0.1", 8000)
    app = application([e], hosts, token, Worker())
    return Client(app, host, headers)


@pytest.fixture(scope="module")
def page(e) -> Client:
    return client(e)


def refused(answer, status: int) -> str:
    assert answer.status_code == status, answer.text
    [line] = answer.json()["error"].splitlines()
    return line


# ------------------------------------------------------------------------------------------------ who may ask


@pytest.mark.parametrize("host", [HOST, "localhost:8000", "[::1]:8000", "LOCALHOST:8000"])
def test_its_own_hosts_are_accepted(page, host):
    assert page.get("/api/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1:80", "127.0.0.1", "localhost.evil.example:8000", ""]
)
def test_another_host_is_refused(page, host):
    assert "own address" in refused(page.get("/api/models", headers={"host": host}), 403)
    assert "own address" in refused(page.get("/", headers={"host": host}), 403)


def test_its_own_page_is_accepted(page):
    answer = page.post(
        "/api/decode", json=ZERO, headers={"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_a_page_of_another_site_is_refused(page, headers):
    assert "are refused" in refused(page.get("/api/models", headers=headers), 403)
    assert "are refused" in refused(page.post("/api/decode", json=ZERO, headers=headers), 403)


def test_a_link_from_any_site_is_followed(page):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert page.get("/", headers=link).status_code == 200


def test_a_form_is_refused(page):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = page.post("/api/decode", content=json.dumps(ZERO), headers={"content-type": kind})
        assert "application/json" in refused(answer, 415)


# ----------------------------------------------------------------------------------------------------- tokens


def test_another_machine_sends_the_token_once(e):
    away = client(e, "192.168.1.7:8000", "secret")
    assert "token" in refused(away.get("/api/models"), 403)
    assert "token" in refused(away.get("/?token=wrong"), 403)
    first = away.get("/?token=secret")
    assert first.status_code == 200
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert away.get("/api/models").status_code == 200
    assert client(e, "192.168.1.7:8000", "secret", cookie="vaekit-token=wrong").get("/").status_code == 403


def test_hosts_are_those_of_the_address():
    assert security.allowed_hosts("127.0.0.1", 80) == {"127.0.0.1:80", "localhost:80", "[::1]:80"}
    assert security.allowed_hosts("192.168.1.7", 80) == {"192.168.1.7:80"}
    assert security.allowed_hosts("fe80::1", 80) == {"[fe80::1]:80"}
    assert security.allowed_hosts("0.0.0.0", 80) == frozenset()
    local = {
        host: security.is_loopback(host)
        for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "::", "x.example")
    }
    assert [host for host, is_local in local.items() if is_local] == [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "localhost",
    ]


# ----------------------------------------------------------------------------------------- how much, and what


def test_a_body_that_is_too_large_is_refused(page):
    large = json.dumps({"pixels": "A" * security.MAX_BODY})
    answer = page.post("/api/encode", content=large, headers={"content-type": "application/json"})
    assert "at most 2,000,000 bytes" in refused(answer, 413)


def test_a_body_without_a_length_is_counted_as_it_arrives(page):
    async def endless():
        while True:
            yield b"[" * 100_000

    answer = page.post("/api/encode", content=endless(), headers={"content-type": "application/json"})
    assert "at most 2,000,000 bytes" in refused(answer, 413)


def test_every_response_restricts_what_the_page_may_load(page):
    for answer in (
        page.get("/"),
        page.get("/api/models"),
        page.get("/nothing"),
        page.get("/", headers={"host": "x"}),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/../security.py",
        "/..%2fsecurity.py",
        "/%2e%2e/security.py",
        "/static/../../views.py",
        "//etc/passwd",
        "/api/../../x",
        "/index.html/",
        "/api/__init__",
    ],
)
def test_no_path_reaches_another_file(page, path):
    assert refused(page.get(path), 404) == "not found"


def test_other_protocols_pass_the_gate(e):
    async def lifespan() -> None:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive():
            return messages.pop(0)

        async def send(message):
            assert message["type"].endswith("complete")

        await application([e], frozenset(), worker=Worker())({"type": "lifespan"}, receive, send)

    asyncio.run(lifespan())


def test_it_still_serves_after_a_thousand_malformed_requests(page):
    chance = random.Random(0)
    names = [
        "map",
        "point",
        "decode",
        "sample",
        "interpolate",
        "strip",
        "encode",
        "impute",
        "classes",
        "pseudo_inputs",
        "x",
    ]
    pieces = [
        '{"z": [[1e999, 0]]}',
        '{"z": NaN}',
        "[" * 5000,
        '{"model": 7}',
        "\x00\xff",
        '{"index": "x"}',
        "null",
        '"z"',
        "",
        '{"point": [0, "a"], "z": {"a": 1}}',
        '{"a": {"index": -1}, "b": 3}',
        '{"pixels": "====", "mask": 1}',
    ]
    for _ in range(1000):
        method, name, body = (
            chance.choice(["GET", "POST", "PUT"]),
            chance.choice(names),
            chance.choice(pieces),
        )
        headers = {"content-type": chance.choice(["application/json", "text/plain", "\x01"])}
        answer = page.request(method, f"/api/{name}?q={chance.random()}", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (method, name, body, answer.text)
        assert "\n" not in answer.json()["error"]
    assert page.post("/api/decode", json=ZERO).status_code == 200


# ---------------------------------------------------------------------------------------------- in a notebook


def test_only_a_notebook_of_this_machine_may_show_the_page_in_a_frame(e):
    opened = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    hosts = security.allowed_hosts("127.0.0.1", 8000)
    framed = Client(application([e], hosts, "", Worker(), framed=True), HOST, {})
    answer = framed.get("/", headers=opened)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors http://localhost:* http://127.0.0.1:* vscode-webview:")
    refused(
        framed.get("/api/models", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}), 403
    )
    refused(client(e).get("/", headers=opened), 403)
    assert "frame-ancestors 'none'" in client(e).get("/").headers["content-security-policy"]
