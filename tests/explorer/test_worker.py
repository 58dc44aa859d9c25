"""The worker: in order, the latest wins, and what nobody asked for only in quiet moments."""

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


def test_the_latest_of_a_key_takes_the_place_of_what_waits():
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


def test_an_error_is_the_askers_and_the_worker_goes_on():
    worker = Worker()
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result(5)
    assert worker.submit(lambda: 1).result(5) == 1


def test_it_works_ahead_in_quiet_moments_and_stops_for_a_question(monkeypatch):
    monkeypatch.setattr(workers, "QUIET", 0.01)
    steps, done = [], threading.Event()

    def ahead():
        for i in range(20):
            steps.append(i)
            yield i
        done.set()

    worker = Worker(ahead())
    assert worker.submit(lambda: len(steps)).result(5) < 20
    assert done.wait(5)
    assert steps == list(range(20))
    assert worker.submit(lambda: 1).result(5) == 1


def test_an_error_while_working_ahead_ends_that_alone(monkeypatch):
    monkeypatch.setattr(workers, "QUIET", 0.001)
    failed = threading.Event()

    def ahead():
        yield 1
        failed.set()
        raise RuntimeError

    worker = Worker(ahead())
    assert failed.wait(5)
    assert worker.submit(lambda: 1).result(5) == 1


@pytest.mark.parametrize("ahead", [None, iter(int, 1)])
def test_once_stopped_it_has_ended_what_it_did_and_does_no_more(ahead):
    worker, begun, ended = Worker(ahead), threading.Event(), []

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
