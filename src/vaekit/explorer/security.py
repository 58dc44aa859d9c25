"""Who may ask, and how much: what stands between the network and the routes.

A page on any other site can send requests to a server on this machine, and one that makes its own name point
to this machine (DNS rebinding) can read the answers. So:

- the Host must be a name of this server, and where a request says where it comes from (Origin,
  Sec-Fetch-Site), that must be this server's own page;
- a question in a body must be JSON, which no form of another site can send;
- bodies are of limited size, counted as they come;
- where the server is reachable from elsewhere, whoever has not the token is refused;
- the page may load and run nothing that does not come from here.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 2_000_000
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


class RefusedRequest(Exception):
    """A request that is not answered: HTTP status and one line."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Gate:
    """What is let through to an application.

    Attributes:
        app: the application.
        hosts: the values of Host that are this server's; empty for any, which only a token makes safe.
        token: that a browser must show once, in `?token=`, and then has in a cookie; empty for none.
    """

    app: App
    hosts: frozenset[str]
    token: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        shown = _shown(scope)
        try:
            self._check(Headers(scope=scope), shown)
        except RefusedRequest as refused:
            await error_response(refused.status, str(refused))(scope, receive, _guarded(send))
            return
        await self.app(scope, _limited(receive), _guarded(send, self._cookie(shown)))

    def _check(self, headers: Headers, shown: str) -> None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or (self.hosts and host.lower() not in self.hosts):
            raise RefusedRequest(403, "this server answers on its own address only")
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            raise RefusedRequest(403, "a page of another origin may not ask")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not _visits(headers):
            raise RefusedRequest(403, "a page of another site may not ask")
        if self.token and not any(map(self._is_token, (shown, _kept(headers)))):
            raise RefusedRequest(403, "open the whole address that vaekit explore printed, with its token")

    def _is_token(self, word: str) -> bool:
        return secrets.compare_digest(word.encode(), self.token.encode())

    def _cookie(self, shown: str) -> str:
        if not self.token or not self._is_token(shown):
            return ""
        return f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"


def allowed_hosts(host: str, port: int) -> frozenset[str]:
    """The values of Host that mean a server on this address; empty for one on all addresses."""
    if host in ("0.0.0.0", "::", ""):
        return frozenset()
    own = f"[{host}]" if ":" in host else host.lower()
    loopback = {"localhost", "127.0.0.1", "[::1]"} if is_loopback(host) else set()
    return frozenset(f"{name}:{port}" for name in {own, *loopback})


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def error_response(status: int, reason: str) -> Response:
    """One line as JSON."""
    return JSONResponse({"error": reason}, status)


def _visits(headers: Headers) -> bool:
    """Whether somebody follows a link to the page, from wherever it is."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _shown(scope: Scope) -> str:
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]


def _kept(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _limited(receive: Receive) -> Receive:
    """The same stream of a body, which is refused once it is too large."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise RefusedRequest(413, f"body: expected at most {LARGEST_BODY} bytes")
        return message

    return counted


def _guarded(send: Send, cookie: str = "") -> Send:
    """The same answers, with the headers that tell a browser what the page may do."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if cookie:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return guarded
