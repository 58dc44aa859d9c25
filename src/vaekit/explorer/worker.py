"""One thread computes, so that random numbers have one owner; and nobody waits behind what is stale.

Work queues up in order. Work with a key takes the place of work of the same key that still waits, whose
future is cancelled. When nothing was asked for a moment, the thread goes on with what can be done ahead, a
short step at a time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from typing import Any

Work = Callable[[], Any]
QUIET = 0.25  # seconds without a question, after which the thread works ahead


class Worker:
    """A thread that lives until it is stopped.

    A program that ends while the thread is within torch is aborted: stop it before.

    Args:
        ahead: what to do when nothing is asked: `next` does a step of it.
    """

    def __init__(self, ahead: Iterator[Any] | None = None):
        self._ahead = ahead
        self._queue: queue.Queue[tuple[Future, Work]] = queue.Queue()
        self._waiting: dict[Hashable, Future] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="explorer", daemon=True)
        self._thread.start()

    def submit(self, work: Work, key: Hashable | None = None) -> Future:
        """The future result of `work()`; it is cancelled where work of the same key comes before it began."""
        future: Future = Future()
        if key is not None:
            if stale := self._waiting.get(key):
                stale.cancel()
            self._waiting[key] = future
            future.add_done_callback(lambda done: self._forget(key, done))
        self._queue.put((future, work))
        return future

    def stop(self, patience: float = 10.0) -> None:
        """Let what is being done come to its end, for so many seconds, and do no more."""
        self._stopped.set()
        self.submit(lambda: None)  # which wakes a thread that waits for work
        self._thread.join(patience)

    def _forget(self, key: Hashable, done: Future) -> None:
        if self._waiting.get(key) is done:
            del self._waiting[key]

    def _run(self) -> None:
        pause = QUIET
        while not self._stopped.is_set():
            try:
                future, work = self._queue.get(timeout=pause if self._ahead else None)
            except queue.Empty:
                self._step()
                pause = 0.001
            else:
                _do(future, work)
                pause = QUIET

    def _step(self) -> None:
        assert self._ahead is not None
        try:
            next(self._ahead)
        except Exception:  # also where it is done: what was worked out so far is kept, and no more is tried
            self._ahead = None


def _do(future: Future, work: Work) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
