"""Devices, threads, and the record of what a run took place on."""

from __future__ import annotations

import json
import platform
import subprocess

import pytest
import torch

from vaekit.errors import InvalidError
from vaekit.utils import device
from vaekit.utils.device import _commit, available_devices, choose_device, cpu_settings, describe_environment


def test_a_missing_device_is_an_error(monkeypatch):
    monkeypatch.setattr(device, "available_devices", lambda: ["cpu"])
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(InvalidError, match=r"^device: 'cuda' is not available; expected one of auto, cpu$"):
        choose_device("cuda")


def test_auto_chooses_the_fastest_device(monkeypatch):
    monkeypatch.setattr(device, "available_devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda:0")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(
        InvalidError, match="'cuda:2' is not available; expected one of auto, cuda:0, cuda:1, cpu"
    ):
        choose_device("cuda:2")


def test_the_cpu_is_always_available():
    assert available_devices()[-1] == "cpu"


def flushes() -> bool:
    return (torch.tensor(1e-39) * 1.0).item() == 0.0


def test_cpu_settings_are_restored():
    threads = torch.get_num_threads()
    assert not flushes()
    with cpu_settings(threads + 1):
        assert torch.get_num_threads() == threads + 1
        assert flushes()
        with cpu_settings():
            assert torch.get_num_threads() == threads + 1
        assert flushes()
    assert torch.get_num_threads() == threads
    assert not flushes()


def test_environment():
    facts = describe_environment("vaekit train mnist", "cpu")
    assert list(facts) == [
        *("vaekit", "python", "torch", "numpy", "platform", "cpu"),
        *("device", "threads", "commit", "command", "started"),
    ]
    assert facts["python"] == platform.python_version()
    assert facts["device"] == "cpu"
    assert facts["command"] == "vaekit train mnist"
    assert facts["started"].endswith("+00:00")
    assert json.loads(json.dumps(facts)) == facts


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_checkout_of_the_package(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert _commit(package) is None
    git(tmp_path, "init")
    assert _commit(package) is None  # installed inside somebody else's checkout
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = _commit(package)
    assert len(commit) == 40
    (package / "__init__.py").write_text("x = 1")
    assert _commit(package) == f"{commit}-dirty"


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _commit(tmp_path) is None
