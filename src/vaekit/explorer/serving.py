"""The server on a port: found, bound, announced, and stopped."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvicorn

from vaekit.errors import InvalidError
from vaekit.explorer import safety
from vaekit.explorer.explored import Explored
from vaekit.explorer.server import application, measuring


def serve(
    explored: Sequence[Explored],
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
    token = "" if safety.is_loopback(host) else secrets.token_urlsafe(16)
    worker = measuring(explored)
    app = application(explored, safety.names(host, port), token, worker)
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
