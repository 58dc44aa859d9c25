"""Devices, threads, and the record of what a run took place on."""

from __future__ import annotations

import json
import platform
import subprocess

import pytest
import torch

from vaekit.errors import InvalidError
from vaekit.training import runtime
from vaekit.training.runtime import devices, environment, processor


def test_the_device_asked_for_is_here_or_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(runtime, "devices", lambda: ["cpu"])
    assert runtime.device("auto") == runtime.device("cpu") == torch.device("cpu")
    with pytest.raises(InvalidError, match=r"^device: 'cuda' is not available; here are auto, cpu$"):
        runtime.device("cuda")


def test_auto_takes_the_fastest(monkeypatch):
    monkeypatch.setattr(runtime, "devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    assert runtime.device("auto") == runtime.device("cuda") == torch.device("cuda:0")
    assert runtime.device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InvalidError, match="'cuda:2' is not available; here are auto, cuda:0, cuda:1, cpu"):
        runtime.device("cuda:2")


def test_there_is_always_a_cpu():
    assert devices()[-1] == "cpu"


def flushes() -> bool:
    return (torch.tensor(1e-39) * 1.0).item() == 0.0


def test_the_processor_is_as_before_afterwards():
    threads = torch.get_num_threads()
    assert not flushes()
    with processor(threads + 1):
        assert torch.get_num_threads() == threads + 1
        assert flushes()
        with processor():
            assert torch.get_num_threads() == threads + 1
        assert flushes()
    assert torch.get_num_threads() == threads
    assert not flushes()


def test_environment():
    facts = environment("vaekit train mnist", "cpu")
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
    assert runtime._commit(package) is None
    git(tmp_path, "init")
    assert runtime._commit(package) is None  # installed inside somebody else's checkout
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = runtime._commit(package)
    assert len(commit) == 40
    (package / "__init__.py").write_text("x = 1")
    assert runtime._commit(package) == f"{commit}-dirty"


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runtime._commit(tmp_path) is None
