from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from vaekit.runs import doctor
from vaekit.runs.train import train
from vaekit.training.display import SilentLogger


@pytest.fixture(autouse=True)
def _sound(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """A machine without any of the troubles."""
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "cores", lambda: 4)
    for name in (*doctor.THREAD_VARIABLES, "VAEKIT_DATA"):
        monkeypatch.delenv(name, raising=False)


def troubles() -> list[str]:
    return [trouble for check in doctor.CHECKS for trouble in check()]


def test_facts_are_plain_values():
    facts = doctor.examine()
    assert set(facts) == {"versions", "extras", "machine", "data", "warnings"}
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["machine"]["cores"] == 4
    assert facts["data"]["cache_size"] == 0
    assert facts["data"]["found"]["mnist"] == "packaged"


def test_data_folders_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("VAEKIT_DATA", f"{tmp_path}:{tmp_path}/gone")
    assert [f"VAEKIT_DATA names {tmp_path}/gone, which is not a folder"] == [
        text.partition(";")[0] for text in troubles() if "VAEKIT_DATA" in text
    ]


def test_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert any("8 threads on 4 cores" in text for text in troubles())


def test_threads_limited_by_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "OMP_NUM_THREADS=1 leaves 3 of 4 cores unused; unset it" in troubles()


def test_another_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert any("default dtype is torch.float64" in text for text in troubles())
    finally:
        torch.set_default_dtype(torch.float32)


def test_disabled_argument_validation(monkeypatch):
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", False)
    assert any("does not validate the arguments" in text for text in troubles())


@pytest.mark.parametrize(("built_for", "message"), [(None, "CPU-only build"), ("12.4", "no GPU")])
def test_an_unused_gpu(monkeypatch, built_for, message):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built_for)
    assert any(message in text for text in troubles())


def test_an_old_torch(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.1.0")
    assert any("older than 2.6" in text for text in troubles())


def test_a_cache_that_cannot_be_written(monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert any("is not writable; set VAEKIT_CACHE" in text for text in troubles())


def test_little_disk(monkeypatch):
    usage = type("Usage", (), {"free": 5 << 20})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert sum("has 5 MiB left" in text for text in troubles()) == 2


def test_each_check_reports_only_its_problem():
    assert all(isinstance(check(), Iterator) for check in doctor.CHECKS)
    assert [text for text in troubles() if "GPU" not in text and "NVIDIA" not in text] == []


def test_a_marker_of_other_weights_is_said(tmp_path):
    run = train(
        "digits", {"data.train": 40, "data.validation": 10}, run_dir=tmp_path / "run", figures=False,
        log=SilentLogger(), epochs=1, sample_every=0,
    )  # fmt: skip
    assert not [text for text in doctor.examine_run(run.path)["problems"] if "finished.json" in text]
    (run.path / "finished.json").write_text('{"weights": "00"}')
    facts = doctor.examine_run(run.path)
    assert facts["finished"] is False
    assert any("of other weights; write it again with: vaekit train --resume" in p for p in facts["problems"])
