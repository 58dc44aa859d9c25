"""Connections of the explorer's server: none stays open unused, and no input leaves a traceback.

The protocol is that of uvicorn over h11. It closes a connection

- on which no complete request arrived within REQUEST_SECONDS, however slowly its bytes come;
- whose client does not read its answers for as long;
- that comes when MAX_CONNECTIONS are open;
- whose bytes are no HTTP, after an answer of status 400 where one is still possible.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 30.0
MAX_CONNECTIONS = 256

_log = logging.getLogger(__name__)


class BoundedProtocol(H11Protocol):
    """One connection.

    >>> BoundedProtocol.request_seconds
    30.0
    """

    request_seconds = REQUEST_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Accept a connection, or close it at once if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a client that reads more slowly than it is answered."""
        super().pause_writing()
        self._reading = self.loop.call_later(self.request_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; whatever they cause ends the connection at worst."""
        try:
            super().data_received(data)
        except Exception as error:
            _log.debug("connection closed: %s: %s", type(error).__name__, error)
            self.transport.abort()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._start_deadline()
        else:
            self._stop_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP; close the connection if an answer has begun."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no further request came."""
        self.transport.close()

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
