"""The worker: in order, the newest replaces older work of its key, background work only while idle."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError

import pytest

from vaekit.explorer import worker as workers
from vaekit.explorer.worker import Worker


def test_work_is_done_in_order_by_one_thread():
    worker = Worker()
    futures = [worker.submit(lambda i=i: (i, threading.get_ident())) for i in range(50)]
    results = [future.result(5) for future in futures]
    assert [i for i, _ in results] == list(range(50))
    assert len({thread for _, thread in results} - {threading.get_ident()}) == 1


def test_the_newest_work_of_a_key_replaces_waiting_work():
    worker, gate = Worker(), threading.Event()
    running = worker.submit(gate.wait, "a")
    while not running.running():
        pass
    stale, other, newest = (worker.submit(lambda i=i: i, key) for i, key in enumerate("aba"))
    gate.set()
    assert (running.result(5), other.result(5), newest.result(5)) == (True, 1, 2)
    with pytest.raises(CancelledError):
        stale.result(5)
    assert worker.submit(lambda: 3, "a").result(5) == 3


def test_an_error_reaches_its_future_and_the_worker_goes_on():
    worker = Worker()
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result(5)
    assert worker.submit(lambda: 1).result(5) == 1


def test_background_work_runs_while_idle_and_yields_to_submitted_work(monkeypatch):
    monkeypatch.setattr(workers, "IDLE", 0.01)
    steps, done = [], threading.Event()

    def background():
        for i in range(20):
            steps.append(i)
            yield i
        done.set()

    worker = Worker(background())
    assert worker.submit(lambda: len(steps)).result(5) < 20
    assert done.wait(5)
    assert steps == list(range(20))
    assert worker.submit(lambda: 1).result(5) == 1


def test_an_error_in_background_work_ends_only_that(monkeypatch):
    monkeypatch.setattr(workers, "IDLE", 0.001)
    failed = threading.Event()

    def background():
        yield 1
        failed.set()
        raise RuntimeError

    worker = Worker(background())
    assert failed.wait(5)
    assert worker.submit(lambda: 1).result(5) == 1


@pytest.mark.parametrize("background", [None, iter(int, 1)])
def test_stopping_finishes_the_current_work_and_does_no_more(background):
    worker, begun, ended = Worker(background), threading.Event(), []

    def work() -> None:
        begun.set()
        time.sleep(0.2)
        ended.append(True)

    worker.submit(work)
    begun.wait(5)
    worker.stop()
    assert ended == [True]
    assert not worker._thread.is_alive()
    assert not worker.submit(lambda: 1).running()
