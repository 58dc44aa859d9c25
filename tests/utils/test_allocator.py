"""Memory that was freed is kept for the next step, if the C library allows it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from vaekit.utils import cpu
from vaekit.utils.cpu import keep_freed_memory

FAULTS = """
import resource, torch
from vaekit.utils.cpu import keep_freed_memory

def faults(times):
    for _ in range(times):
        torch.empty(1 << 24).fill_(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

{}
print(-faults(20) + faults(5))
"""


def page_faults(line: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(line)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_blocks_are_reused(monkeypatch):
    """Five blocks of 64 MB are 80,000 pages of 4 kB, or none where they are the one that was freed before."""
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)
    assert page_faults("") > 30_000 > 1000 > page_faults("keep_freed_memory()")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_unused_large_pages_take_no_memory():
    script = """
from pathlib import Path
from vaekit.utils.cpu import keep_freed_memory
keep_freed_memory()
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # kB


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()


@pytest.mark.parametrize(
    ("name", "value"),
    [("MALLOC_TRIM_THRESHOLD_", "0"), ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=0")],
)
def test_the_environment_takes_precedence(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert not keep_freed_memory()


class OldLibrary:
    """glibc before 2.35, which refuses a threshold above 32 MiB."""

    def __init__(self):
        self.options = {}

    def mallopt(self, option, value):
        if option == cpu.MMAP_THRESHOLD and value > 1 << 25:
            return 0
        self.options[option] = value
        return 1


def test_an_old_glibc_gets_the_largest_threshold_it_accepts(monkeypatch):
    old = OldLibrary()
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    monkeypatch.setattr(cpu.ctypes, "CDLL", lambda name: old)
    monkeypatch.setattr(cpu, "_prefer_large_pages", lambda library: None)
    assert keep_freed_memory()
    assert old.options == {cpu.MMAP_THRESHOLD: 1 << 25, cpu.TRIM_THRESHOLD: 1 << 30}
