"""Routes only: HTTP to views and back.

    GET  /                 the page, and its files
    GET  /api/models       what the models are
    *    /api/NAME         a call of `views.CALLS`

One worker thread answers the calls, so that the server itself always has time to listen.

The server on a port: found, bound, announced, and stopped.
"""

from __future__ import annotations

import asyncio
import json
import logging
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
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vaekit.errors import InvalidError, NotFoundError, VaekitError
from vaekit.explorer import requests, security, views
from vaekit.explorer.security import Gate, RefusedRequest, error_response
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.worker import Worker
from vaekit.utils.io import to_jsonable

STATIC = Path(__file__).parent / "static"
_log = logging.getLogger(__name__)


def application(
    explored: Sequence[ExplorerSession], hosts: frozenset[str], token: str = "", worker: Worker | None = None
) -> Gate:
    """The server's application.

    Args:
        explored: one model, or two side by side.
        hosts, token: see `safety.Gate`.
        worker: what answers, to be stopped by who made it; one that lasts as the program without it.
    """
    worker = measuring(explored) if worker is None else worker
    routes = [_models(explored, worker), *(_route(call, explored, worker) for call in views.CALLS), *_pages()]
    handlers = {
        HTTPException: _unknown,
        RefusedRequest: _refused,
        VaekitError: _wrong,
        Exception: _unforeseen,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Gate(app, hosts, token)


def measuring(explored: Sequence[ExplorerSession]) -> Worker:
    """A worker that measures the images of all models while nothing is asked."""
    return Worker(chain.from_iterable(one.measure() for one in explored))


def _models(explored: Sequence[ExplorerSession], worker: Worker) -> Route:
    async def answer(request: Request) -> Response:
        return _response(await _worked(worker, partial(views.models, explored)))

    return Route("/api/models", answer, methods=["GET"])


def _route(call: views.Call, explored: Sequence[ExplorerSession], worker: Worker) -> Route:
    """The route of a call; where only the newest counts, what still waits of the same client gives way."""

    async def answer(request: Request) -> Response:
        ask = requests.parse_request(call.ask, await _values(request))
        if ask.m >= len(explored):
            raise NotFoundError(f"m: there is no model {ask.m}")
        client = request.headers.get("x-vaekit-client")
        key = (client, call.name, ask.m) if client and call.latest else None
        return _response(await _worked(worker, partial(call.view, explored[ask.m], ask), key))

    return Route(f"/api/{call.name}", answer, methods=[call.method])


def _pages() -> list[Route]:
    """A route for each file of the page: no path that is asked for reaches the file system."""
    files = {f"/{file.relative_to(STATIC).as_posix()}": file for file in STATIC.rglob("*") if file.is_file()}
    routes = [Route(path, partial(_page, file), methods=["GET"]) for path, file in files.items()]
    return [*routes, Route("/", partial(_page, STATIC / "index.html"), methods=["GET"])]


async def _page(file: Path, request: Request) -> Response:
    media = {".js": "text/javascript"}.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return Response(file.read_bytes(), media_type=media)


async def _values(request: Request) -> Any:
    """What is asked: the query of a GET, the JSON of a POST."""
    if request.method != "POST":
        return dict(request.query_params)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedRequest(415, "expected Content-Type: application/json")
    try:
        return json.loads(await request.body(), parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        raise RefusedRequest(400, "body: expected JSON") from None


def _not_a_number(name: str) -> None:
    raise ValueError(name)


async def _worked(worker: Worker, work: Any, key: Hashable | None = None) -> Any:
    """The result of the worker's work."""
    future = worker.submit(work, key)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise RefusedRequest(409, "superseded") from None


def _response(answer: views.Response) -> Response:
    if isinstance(answer, views.ImageResponse):
        notes = {f"X-Vaekit-{name}": json.dumps(note) for name, note in answer.notes.items()}
        return Response(answer.content, media_type=answer.media, headers=notes)
    return JSONResponse(to_jsonable(answer))


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, RefusedRequest)
    return error_response(refused.status, str(refused))


async def _wrong(request: Request, wrong: Exception) -> Response:
    return error_response(404 if isinstance(wrong, NotFoundError) else 400, str(wrong))


async def _unknown(request: Request, unknown: Exception) -> Response:
    assert isinstance(unknown, HTTPException)
    return error_response(unknown.status_code, unknown.detail.lower())


async def _unforeseen(request: Request, fault: Exception) -> Response:
    if isinstance(fault, ClientDisconnect):
        return Response(status_code=499)
    _log.error("%s: %s: %s", request.url.path, type(fault).__name__, fault)
    return error_response(500, f"internal error: {type(fault).__name__}: {fault}")


def serve(
    explored: Sequence[ExplorerSession],
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        host: the address to listen on; one that others can reach gets a token.
        port: which one is wished; another that is free where it is taken, or where it is 0.
        ready: called with the address to open, once the server listens.

    Raises:
        InvalidError: nobody can listen on that address.
    """
    listening = bind(host, port)
    port = listening.getsockname()[1]
    token = "" if security.is_loopback(host) else secrets.token_urlsafe(16)
    worker = measuring(explored)
    app = application(explored, security.allowed_hosts(host, port), token, worker)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    ready(address(host, port, token))
    with suppress(KeyboardInterrupt):  # which is how it ends
        try:
            uvicorn.Server(config).run([listening])
        finally:
            worker.stop()


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens, on a free port where the wished one is taken.

    Raises:
        InvalidError: nobody can listen on that address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wished in (port, 0):
        # Only where the protocol is named does asyncio send small answers at once.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, wished))
            listening.listen(128)
        except OSError as error:
            listening.close()
            reason = error.strerror or str(error)
        else:
            return listening
    raise InvalidError(
        f"host {host!r}: cannot listen there ({reason}); leave --host out for this machine alone"
    )


def address(host: str, port: int, token: str = "") -> str:
    """What to open in a browser."""
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
