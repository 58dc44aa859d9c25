"""Threads wait longer where nothing else wants the processor, and as the environment says where it does."""

from __future__ import annotations

import os

import pytest

from vaekit.utils import cpu


class Looks:
    """Stands for the file of the system's loads, which says another thing at each look."""

    def __init__(self, *running: int):
        self.left = list(running)

    def read_text(self) -> str:
        return f"0.50 0.40 0.30 {self.left.pop(0)}/200 4711\n"


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back, whatever is chosen
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)


def chosen() -> str | None:
    cpu.set_spin_wait()
    return os.environ.get("GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("running", "turns"),
    [([1], "10000"), ([3, 1], "10000"), ([3, 2, 1], "10000"), ([2, 2, 2], "3000"), ([9, 9, 9], "3000")],
)
def test_spin_wait_is_long_if_the_cores_are_free_at_one_look(monkeypatch, running, turns):
    monkeypatch.setattr(cpu, "_LOADS", Looks(*running))
    assert chosen() == turns


@pytest.mark.parametrize(("running", "turns"), [(7, "10000"), (8, "3000")])
def test_threads_on_other_cores_do_not_count(monkeypatch, running, turns):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(cpu, "_LOADS", Looks(*[running] * cpu.LOOKS))
    assert chosen() == turns


def test_spin_wait_is_short_if_the_load_is_unknown(monkeypatch, tmp_path):
    for loads in (tmp_path / "none", tmp_path):
        monkeypatch.setattr(cpu, "_LOADS", loads)
        monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
        assert chosen() == "3000"


@pytest.mark.parametrize(("name", "turns"), [("OMP_WAIT_POLICY", None), ("GOMP_SPINCOUNT", "7")])
def test_the_environment_takes_precedence(monkeypatch, name, turns):
    monkeypatch.setenv(name, "7")
    assert chosen() == turns
