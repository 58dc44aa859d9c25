"""The explorer under hostile requests: it goes on answering, and the terminal stays quiet."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from hypothesis import given

from explorer.sessions import tiny_session
from hostile import requests
from hostile.budget import budget
from vaekit.explorer import connections
from vaekit.explorer.connections import BoundedProtocol
from vaekit.explorer.security import MAX_BODY, allowed_hosts
from vaekit.explorer.server import application, bind, uvicorn_server

HALF_A_BODY = b"POST /api/decode HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"


@contextmanager
def terminal() -> Iterator[list[str]]:
    """What the server and its libraries would write to the terminal."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    loggers = [logging.getLogger(), logging.getLogger("uvicorn")]  # records of uvicorn do not reach the root
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@contextmanager
def served(buffer: int = 1 << 20) -> Iterator[int]:
    listening = bind("127.0.0.1", 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)  # its connections inherit it
    number = listening.getsockname()[1]
    server = uvicorn_server(application([tiny_session()], allowed_hosts("127.0.0.1", number)))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield number
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as number:
        yield number


def exchange(port: int, sent: bytes, wait: float = 0.05) -> bytes:
    """Send bytes, end the stream, and return what comes back."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client, suppress(OSError):
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(wait)
        while piece := client.recv(1 << 16):
            received += piece
    return received


def is_alive(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/api/models", timeout=10).status_code == 200


@budget
@given(sent=requests.connections(b"127.0.0.1:8000"))
def test_hostile_requests_leave_nothing_on_the_terminal(port, sent):
    with terminal() as lines:
        answer = exchange(port, sent.replace(b"127.0.0.1:8000", b"127.0.0.1:%d" % port))
        assert is_alive(port)
    assert answer[:9] in (b"", b"HTTP/1.1 ")
    assert b"Traceback" not in answer
    assert lines == []


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(port):
    head = b"POST /api/decode HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n" % port
    with terminal() as lines:
        for _ in range(20):
            exchange(port, head + b'Content-Length: 100\r\n\r\n{"z"')
        assert is_alive(port)
    assert lines == []


@pytest.mark.parametrize("sent", [b"", b"GET /", HALF_A_BODY])
def test_half_open_connections_are_closed_after_a_while(monkeypatch, sent):
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.5)
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        started = time.monotonic()
        client.sendall(sent.replace(b"\r\n", b"\r\nHost: 127.0.0.1:%d\r\n" % port, 1))
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert time.monotonic() - started > 0.3
        assert is_alive(port)


def test_a_client_that_never_reads_is_left(monkeypatch):
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.5)
    ask, asked = b"GET /main.js HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 200
    with served(buffer=4096) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        with suppress(OSError):
            for _ in range(asked):
                client.sendall(ask % port)
        time.sleep(1.5)
        received = 0
        with suppress(ConnectionResetError):
            while piece := client.recv(1 << 16):
                received += len(piece)
        assert received < asked * 5000
        assert is_alive(port)


def trickle(client: socket.socket) -> None:
    for _ in range(600):
        client.sendall(b"G")
        time.sleep(0.1)


def test_bytes_that_trickle_do_not_keep_a_connection_open(monkeypatch):
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.5)
    with (
        served() as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
        pytest.raises(OSError, match=r"reset|[Bb]roken pipe"),
    ):
        trickle(client)


def test_a_connection_lives_on_while_requests_come(monkeypatch):
    monkeypatch.setattr(BoundedProtocol, "request_seconds", 0.5)
    with served() as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(4):
            assert client.get("/api/models").status_code == 200
            time.sleep(0.3)


def test_more_connections_than_the_limit_are_closed(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    with served() as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
        time.sleep(0.2)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as fourth,
            suppress(ConnectionResetError),
        ):
            assert fourth.recv(1) == b""
        for client in held:
            client.close()
        time.sleep(0.2)
        assert is_alive(port)


@pytest.mark.parametrize("size", [MAX_BODY + 1, 30_000_000])
def test_a_body_that_is_too_large_gets_a_readable_413(port, size):
    body = b'{"pixels": "' + b"A" * size + b'"}'
    answer = httpx.post(
        f"http://127.0.0.1:{port}/api/encode", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("body: expected at most 2,000,000 bytes")


def test_a_client_that_asks_first_is_refused_before_it_sends(port):
    head = (
        b"POST /api/encode HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n" % port
    )
    assert exchange(port, head, wait=2).startswith(b"HTTP/1.1 413 ")
