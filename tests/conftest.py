"""What every test starts from: one thread, a Ctrl-C that is heard, one state of torch's random numbers."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import torch

from required import pytest_runtest_makereport  # noqa: F401 (pytest finds it here)
from vaekit import trust


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell starts what runs in its background with Ctrl-C ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _nothing_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test allows is not allowed in the next one."""
    monkeypatch.setattr(trust, "_allowed", set(trust._allowed))


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)
