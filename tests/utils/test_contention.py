"""Threads spin less while other programs want their cores, and the results stay the same."""

from __future__ import annotations

import sys
import threading
import time

import pytest
import torch

from vaekit.utils import contention

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system's waiting times are of Linux")


def until(condition) -> bool:
    """Whether a condition comes true within a minute."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def waiting(monkeypatch) -> dict[str, float]:
    """How fast the time without a core grows, in seconds per second."""
    rate = {"share": 0.0}
    monkeypatch.setattr(contention, "LOOK", 0.01)
    monkeypatch.setattr(contention, "seconds_without_core", lambda: rate["share"] * time.monotonic())
    return rate


def test_the_time_without_a_core_is_the_sum_over_the_threads(tmp_path):
    for name, line in (("1", "5 1000000000 3"), ("2", "9 500000000 1"), ("3", "not a number")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text(line + "\n")
    assert contention.seconds_without_core(tmp_path) == 1.5
    assert contention.seconds_without_core(tmp_path / "none") is None


def test_a_watch_notices_that_contention_begins_and_ends(waiting):
    watch = contention.ContentionWatch()
    watch.start()
    try:
        time.sleep(0.1)
        assert not watch.contended
        waiting["share"] = 0.9
        assert until(lambda: watch.contended)
        waiting["share"] = 0.0
        assert until(lambda: not watch.contended)
    finally:
        watch.stop()


def test_idle_threads_end_with_the_block(waiting):
    waiting["share"] = 0.9
    with contention.shorter_spins_under_contention(), contention.shorter_spins_under_contention():
        assert until(lambda: any(each.name == "vaekit-idle-team" for each in threading.enumerate()))
    assert not any(each.name.startswith("vaekit-") for each in threading.enumerate())


def test_a_wait_policy_of_the_environment_decides(waiting, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    with contention.shorter_spins_under_contention():
        assert not any(each.name == "vaekit-contention" for each in threading.enumerate())


def test_nothing_is_watched_where_the_system_reports_no_waiting(monkeypatch):
    monkeypatch.setattr(contention, "seconds_without_core", lambda: None)
    with contention.shorter_spins_under_contention():
        assert not any(each.name == "vaekit-contention" for each in threading.enumerate())


def test_results_are_the_same_bits_beside_idle_threads():
    x, w = torch.randn(300, 784), torch.randn(784, 600)
    alone = torch.softmax(x @ w, -1).sum(0)
    team = contention.IdleTeam()
    try:
        beside = torch.softmax(x @ w, -1).sum(0)
    finally:
        team.end()
    assert torch.equal(alone, beside)
