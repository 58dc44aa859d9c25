"""One thread computes, so that random numbers have one owner, and no request waits behind an outdated one.

Work is done in order of submission. Work with a key replaces waiting work with the same key, whose future is
cancelled. When no work came for a moment, the thread does background work in short steps.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from typing import Any

Work = Callable[[], Any]
IDLE = 0.25  # seconds without work before background work starts


class Worker:
    """A thread that does the submitted work, one piece at a time.

    Stop it before the program ends: a program that exits while the thread runs torch is aborted.

    Args:
        background: an iterator of which `next` is called while the thread is idle.

    Example:
        >>> worker = Worker()
        >>> worker.submit(lambda: 6 * 7).result()
        42
        >>> worker.stop()
    """

    def __init__(self, background: Iterator[Any] | None = None):
        self._background = background
        self._queue: queue.Queue[tuple[Future, Work]] = queue.Queue()
        self._waiting: dict[Hashable, Future] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="explorer", daemon=True)
        self._thread.start()

    def submit(self, work: Work, key: Hashable | None = None) -> Future:
        """Queue work.

        Args:
            work: called without arguments on the thread.
            key: work that still waits with the same key is cancelled.

        Returns:
            The future result of `work()`.
        """
        future: Future = Future()
        if key is not None:
            if outdated := self._waiting.get(key):
                outdated.cancel()
            self._waiting[key] = future
            future.add_done_callback(lambda done: self._forget(key, done))
        self._queue.put((future, work))
        return future

    def stop(self, timeout: float = 60.0) -> None:
        """Finish the current work, waiting at most `timeout` seconds, and do no more."""
        self._stopped.set()
        self.submit(lambda: None)  # wakes a thread that waits for work
        self._thread.join(timeout)

    def _forget(self, key: Hashable, done: Future) -> None:
        if self._waiting.get(key) is done:
            del self._waiting[key]

    def _run(self) -> None:
        pause = IDLE
        while not self._stopped.is_set():
            try:
                future, work = self._queue.get(timeout=pause if self._background else None)
            except queue.Empty:
                self._step()
                pause = 0.001
            else:
                _resolve(future, work)
                pause = IDLE

    def _step(self) -> None:
        assert self._background is not None
        try:
            next(self._background)
        except Exception:  # finished or failed: results so far stay, and no further step is tried
            self._background = None


def _resolve(future: Future, work: Work) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
