"""HTTP routes to views, and the server on a port.

    GET  /                 the page, and its files
    GET  /api/models       a description of the models
    *    /api/NAME         a call of `views.CALLS`

One worker thread computes the answers, so the event loop always accepts new requests.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import secrets
import socket
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vaekit.errors import InvalidError, NotFoundError, VaekitError, first_line
from vaekit.explorer import requests, security, views
from vaekit.explorer.connections import BoundedProtocol
from vaekit.explorer.security import Gate, RefusedRequest, error_response
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.training import training_routes
from vaekit.explorer.worker import Worker
from vaekit.utils.io import to_jsonable

STATIC = Path(__file__).parent / "static"


def application(
    sessions: Sequence[ExplorerSession],
    hosts: frozenset[str],
    token: str = "",
    worker: Worker | None = None,
    framed: bool = False,
) -> Gate:
    """The ASGI application of the explorer.

    Args:
        sessions: one model, or up to four. hosts, token: see `security.Gate`. worker: the thread that
        answers, stopped by the caller; None for one that lives as long as the program. framed: see
        `security.Gate`.

    Returns:
        The application, behind its gate.

    Example:
        >>> application([], frozenset({"127.0.0.1:8000"}))
        Gate(hosts={'127.0.0.1:8000'}, token=False)
    """
    worker = background_worker(sessions) if worker is None else worker
    routes = [
        _models_route(sessions, worker),
        *(_call_route(call, sessions, worker) for call in views.CALLS),
        *training_routes([session.trained.source for session in sessions]),
        *file_routes(),
    ]
    handlers = {
        HTTPException: _on_http_error,
        RefusedRequest: _on_refused,
        VaekitError: _on_invalid,
        Exception: _on_unexpected,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Gate(app, hosts, token, framed)


def background_worker(sessions: Sequence[ExplorerSession]) -> Worker:
    """A worker that measures log-likelihoods and errors of all models while no request waits.

    Args:
        sessions: the models.

    Returns:
        The worker, started.

    Example:
        >>> worker = background_worker([])
        >>> worker.submit(lambda: "answer").result()
        'answer'
        >>> worker.stop()
    """
    return Worker(chain.from_iterable(session.measure() for session in sessions))


def _models_route(sessions: Sequence[ExplorerSession], worker: Worker) -> Route:
    async def endpoint(http: Request) -> Response:
        return _http_response(await _run(worker, partial(views.models, sessions)))

    return Route("/api/models", endpoint, methods=["GET"])


def _call_route(call: views.Call, sessions: Sequence[ExplorerSession], worker: Worker) -> Route:
    """The route of a call; if only the newest counts, it replaces waiting requests of the same client."""

    async def endpoint(http: Request) -> Response:
        request = requests.parse_request(call.request, await _values(http))
        if request.model >= len(sessions):
            raise NotFoundError(
                f"model: expected an index from 0 to {len(sessions) - 1}, got {request.model}"
            )
        client = http.headers.get("x-vaekit-client")
        key = (client, call.name, request.model) if client and call.latest else None
        return _http_response(await _run(worker, partial(call.view, sessions[request.model], request), key))

    return Route(f"/api/{call.name}", endpoint, methods=[call.method])


def file_routes() -> list[Route]:
    """A route per file of the page: no requested path reaches the file system.

    Example:
        >>> "/main.js" in {route.path for route in file_routes()}
        True
    """
    files = {f"/{file.relative_to(STATIC).as_posix()}": file for file in STATIC.rglob("*") if file.is_file()}
    routes = [Route(path, partial(_send_file, file), methods=["GET"]) for path, file in files.items()]
    return [*routes, Route("/", partial(_send_file, STATIC / "index.html"), methods=["GET"])]


async def _send_file(file: Path, http: Request) -> Response:
    media_type = {".js": "text/javascript"}.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return Response(file.read_bytes(), media_type=media_type)


async def _values(http: Request) -> Any:
    """The fields of a request: the query of a GET, the JSON of a POST."""
    if http.method != "POST":
        return dict(http.query_params)
    if http.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedRequest(415, "expected Content-Type: application/json")
    try:
        return json.loads(await http.body(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedRequest(400, "body: expected JSON") from None


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are not JSON."""
    raise ValueError(name)


async def _run(worker: Worker, work: Any, key: Hashable | None = None) -> Any:
    future = worker.submit(work, key)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise RefusedRequest(409, "superseded") from None


def _http_response(answer: views.Response) -> Response:
    if isinstance(answer, views.ImageResponse):
        headers = {f"X-Vaekit-{name}": json.dumps(value) for name, value in answer.headers.items()}
        return Response(answer.content, media_type=answer.media_type, headers=headers)
    return JSONResponse(to_jsonable(answer))


async def _on_refused(http: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedRequest)
    return error_response(error.status, str(error))


async def _on_invalid(http: Request, error: Exception) -> Response:
    return error_response(404 if isinstance(error, NotFoundError) else 400, str(error))


async def _on_http_error(http: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, error.detail.lower())


async def _on_unexpected(http: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer; `Gate` writes it in one line."""
    return error_response(500, f"internal error: {type(error).__name__}: {first_line(error)}")


def serve(
    sessions: Sequence[ExplorerSession],
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        sessions: one model, or up to four side by side.
        host: the address to listen on; an address that other machines can reach requires a token.
        port: the preferred port; a free one is used if it is taken, or if it is 0.
        ready: called with the URL to open once the server listens.

    Raises:
        InvalidError: the address cannot be listened on.

    Example:
        >>> serve([], host="no such host")
        Traceback (most recent call last):
        vaekit.errors.InvalidError: host 'no such host': cannot listen there ...
    """
    listening = bind(host, port)
    port = listening.getsockname()[1]
    token = token_for(host)
    worker = background_worker(sessions)
    app = application(sessions, security.allowed_hosts(host, port), token, worker)
    ready(page_url(host, port, token))
    with suppress(KeyboardInterrupt):  # Ctrl-C is the normal end
        try:
            uvicorn_server(app).run([listening])
        finally:
            worker.stop()


def token_for(host: str) -> str:
    """The token of a server: none if only this machine can reach it.

    Example:
        >>> token_for("127.0.0.1")
        ''
    """
    return "" if security.is_loopback(host) else secrets.token_urlsafe(16)


def uvicorn_server(app: Gate) -> uvicorn.Server:
    """The server that runs an application, silent but for errors.

    Args:
        app: the application.

    Returns:
        The server, not running.

    Example:
        >>> uvicorn_server(application([], frozenset())).started
        False
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, on a free port if the preferred one is taken.

    Args:
        host: the address to listen on.
        port: the preferred port.

    Returns:
        The socket.

    Raises:
        InvalidError: the address cannot be listened on.

    Example:
        >>> with bind("127.0.0.1", 0) as listening:
        ...     listening.getsockname()[0]
        '127.0.0.1'
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (port, 0):
        # asyncio disables Nagle's algorithm only if the protocol is given: small answers go at once.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(128)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
        else:
            return listening
    raise InvalidError(
        f"host {host!r}: cannot listen there ({reason}); omit --host to serve this machine only"
    )


def page_url(host: str, port: int, token: str = "") -> str:
    """The URL to open in a browser.

    Args:
        host: the address that the server listens on.
        port: its port.
        token: the token that the server asks for, or "".

    Returns:
        The URL.

    Example:
        >>> page_url("127.0.0.1", 8000)
        'http://127.0.0.1:8000/'
        >>> page_url("::1", 8000, "abc")
        'http://[::1]:8000/?token=abc'
    """
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
