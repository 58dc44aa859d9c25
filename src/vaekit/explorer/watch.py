"""A callback that serves the page of a training while it runs, from a thread of the same program."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vaekit.explorer import security, server
from vaekit.explorer.training import PAGE, run_routes
from vaekit.training.callbacks import Callback, Training


class Watch(Callback):
    """A callback that serves the page of a training while it runs.

    Args:
        host, port: where to listen; see `vaekit.explorer.server.serve`.
        ready: called with the address to open, once the server listens.

    Example:
        >>> Watch().address
        ''
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 8000, ready: Callable[[str], None] = lambda address: None
    ):
        self.host, self.port, self._ready = host, port, ready
        self.address = ""
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def on_train_start(self, training: Training) -> None:
        """Listen, in a thread that ends with the program."""
        if self._thread is not None:
            return
        listening = server.bind(self.host, self.port)
        self.port = listening.getsockname()[1]
        token = server.token_for(self.host)
        routes = [*run_routes(training.directory), *server.file_routes()[:-1], Route("/", _to_page)]
        gate = security.Gate(Starlette(routes=routes), security.allowed_hosts(self.host, self.port), token)
        self._server = server.uvicorn_server(gate)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        address = server.page_url(self.host, self.port, token)
        self.address = address.replace("/?token=", f"{PAGE}?token=") if token else f"{address[:-1]}{PAGE}"
        self._ready(self.address)

    def stop(self) -> None:
        """Stop listening."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
            self._thread = None


async def _to_page(http: Request) -> Response:
    return RedirectResponse(PAGE)
