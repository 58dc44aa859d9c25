"""Which requests are accepted: the checks between the network and the routes.

A page on any other site can send requests to a server on this machine, and a site that points its own name
to this machine (DNS rebinding) can read the answers. Therefore:

- the Host header must be a name of this server, and if a request states its origin (Origin,
  Sec-Fetch-Site), that must be this server's own page;
- a request body must be JSON, which no form of another site can send;
- bodies are limited in size, counted as they arrive, and the refusal can be read;
- if other machines can reach the server, every request needs the token;
- the page may load and run only what comes from this server.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

import h11
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from vaekit.errors import first_line, printable

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 2_000_000
MAX_DROPPED = 100_000_000
COOKIE = "vaekit-token"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

FRAMES = "frame-ancestors http://localhost:* http://127.0.0.1:* vscode-webview:"
"""Who may show the page in a frame where a notebook asked for it: pages of this machine."""


class RefusedRequest(Exception):
    """A request that is refused, with an HTTP status and one line.

    Example:
        >>> RefusedRequest(403, "expected a token").status
        403
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, repr=False)
class Gate:
    """An ASGI application behind checks.

    Attributes:
        app: the application.
        hosts: accepted values of the Host header; empty for any, which only a token makes safe.
        token: a browser sends it once, as `?token=`, and then in a cookie; "" for none.
        framed: whether a notebook on this machine may show the page in a frame.

    Example:
        >>> Gate(app=None, hosts=frozenset(), token="secret")
        Gate(hosts=any, token=True)
    """

    app: App
    hosts: frozenset[str]
    token: str = ""
    framed: bool = False

    def __repr__(self) -> str:
        hosts = "{" + ", ".join(map(repr, sorted(self.hosts))) + "}" if self.hosts else "any"
        return f"Gate(hosts={hosts}, token={bool(self.token)})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        try:
            self._check(Headers(scope=scope), token)
        except RefusedRequest as refused:
            headed = _with_headers(send, framed=self.framed)
            await error_response(refused.status, str(refused))(scope, receive, headed)
            return
        answer = _Answer(_with_headers(send, self._cookie(token), self.framed))
        try:
            await self.app(scope, _limit_body(receive, Headers(scope=scope)), answer)
        except ClientDisconnect:
            _log.debug("a client left before its answer was complete")
        except Exception as error:  # one line on the terminal, whatever a request contains
            _log.error("%s: %s: %s", printable(scope["path"], 200), type(error).__name__, first_line(error))
            if not answer.begun:
                await error_response(500, f"internal error: {type(error).__name__}")(scope, receive, answer)

    def _check(self, headers: Headers, token: str) -> None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or (self.hosts and host.lower() not in self.hosts):
            raise RefusedRequest(403, "Host: this server answers at its own address only")
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            raise RefusedRequest(403, "Origin: requests from another origin are refused")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not _is_navigation(
            headers, self.framed
        ):
            raise RefusedRequest(403, "Sec-Fetch-Site: requests from another site are refused")
        if self.token and not any(map(self._is_token, (token, _token_cookie(headers)))):
            raise RefusedRequest(403, "token: expected the URL that vaekit explore printed, with its token")

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())

    def _cookie(self, token: str) -> str:
        if not self.token or not self._is_token(token):
            return ""
        return f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"


def allowed_hosts(host: str, port: int) -> frozenset[str]:
    """The values of the Host header that mean a server on this address.

    Args:
        host: the address that the server listens on.
        port: its port.

    Returns:
        The values; empty for a server on all addresses.

    Example:
        >>> sorted(allowed_hosts("127.0.0.1", 8000))
        ['127.0.0.1:8000', '[::1]:8000', 'localhost:8000']
    """
    if host in ("0.0.0.0", "::", ""):
        return frozenset()
    own = f"[{host}]" if ":" in host else host.lower()
    loopback = {"localhost", "127.0.0.1", "[::1]"} if is_loopback(host) else set()
    return frozenset(f"{name}:{port}" for name in {own, *loopback})


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only.

    Example:
        >>> is_loopback("localhost"), is_loopback("192.168.1.7")
        (True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def error_response(status: int, reason: str) -> Response:
    """One line as JSON.

    Args:
        status: the HTTP status.
        reason: the line.

    Returns:
        The response.

    Example:
        >>> error_response(404, "not found").body
        b'{"error":"not found"}'
    """
    return JSONResponse({"error": reason}, status)


def _is_navigation(headers: Headers, framed: bool) -> bool:
    """Whether a browser follows a link to the page, from any site, or opens it in a frame that may."""
    shown_in = ("document", "iframe") if framed else ("document",)
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in shown_in


def _token_cookie(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


class _Answer:
    """Sends the answer to one request, and knows whether it has begun."""

    def __init__(self, send: Send):
        self._send, self.begun = send, False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        try:
            await self._send(message)
        except h11.LocalProtocolError:  # what came after the request was no HTTP
            raise ClientDisconnect from None


def _limit_body(receive: Receive, headers: Headers) -> Receive:
    """The same stream of a body, refused once it is too large.

    The rest of such a body is read and dropped, up to MAX_DROPPED bytes: a client that still sends when the
    connection closes does not see the answer. One that asks first (Expect: 100-continue) is answered at once.
    """
    size = 0
    refusal = RefusedRequest(413, f"body: expected at most {MAX_BODY:,} bytes; send a smaller image")

    async def counted() -> Message:
        nonlocal size
        if headers.get("expect", "").lower() == "100-continue" and _length(headers) > MAX_BODY:
            raise refusal
        message = await receive()
        size += len(message.get("body", b""))
        while size > MAX_BODY:
            if not message.get("more_body") or size > MAX_DROPPED:
                raise refusal
            message = await receive()
            size += len(message.get("body", b""))
        return message

    return counted


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _with_headers(send: Send, cookie: str = "", framed: bool = False) -> Send:
    """The same responses, with the headers that restrict what the page may load."""

    async def extended(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if framed:
                policy = headers["Content-Security-Policy"]
                headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", FRAMES)
            if cookie:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return extended
