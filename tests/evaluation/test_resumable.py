"""What is kept of a measurement is taken up by the same one alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from cases import images, make_vae
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.results import PerImageMetrics
from vaekit.evaluation.resumable import ResumableResults, measurement_key


class Stop(BaseException):
    pass


def measured(kept: ResumableResults | None, batches: int = 4, stop: int | None = None) -> PerImageMetrics:
    def come():
        for number in range(batches):
            if number == stop:
                raise Stop
            yield images("binary", n=5, seed=number), None

    return measure_batches(make_vae(), come(), 7, results=kept)


@pytest.mark.parametrize("stop", [0, 1, 3])
def test_resuming_gives_identical_numbers(tmp_path: Path, stop: int):
    file = tmp_path / "p.npz"
    with pytest.raises(Stop):
        measured(ResumableResults(file, "a"), stop=stop)
    kept = ResumableResults(file, "a")
    assert (kept.batches, kept.images) == (stop, 5 * stop)
    for one, two in zip(measured(kept), measured(None), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
    kept.clear()
    assert not list(tmp_path.iterdir())


def test_each_key_has_its_file_and_damaged_ones_are_ignored(tmp_path: Path):
    file = tmp_path / "p.npz"
    measured(ResumableResults(file, "a"))
    assert ResumableResults(file, "b").batches == 0
    measured(ResumableResults(file, "b"), batches=2)
    assert (ResumableResults(file, "a").batches, ResumableResults(file, "b").batches) == (4, 2)
    own = tmp_path / "p-a.npz"
    own.rename(tmp_path / "p-c.npz")
    assert ResumableResults(file, "c").batches == 0  # of that name, but not of that key
    whole = (tmp_path / "p-b.npz").read_bytes()
    for content in (b"", b"nonsense", whole[:300]):
        (tmp_path / "p-b.npz").write_bytes(content)
        assert ResumableResults(file, "b").batches == 0


def test_any_damaged_byte_only_repeats_the_measurement(tmp_path: Path):
    file = tmp_path / "p.npz"
    measured(ResumableResults(file, "a"), batches=1)
    own = tmp_path / "p-a.npz"
    whole = own.read_bytes()
    for place in range(0, len(whole), 3):
        own.write_bytes(whole[:place] + bytes([whole[place] ^ 9]) + whole[place + 1 :])
        assert ResumableResults(file, "a").batches in (0, 1)


def test_the_time_before_an_interruption_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    first = ResumableResults(tmp_path / "p.npz", "a")
    now[0] += 70
    measured(first, batches=2)
    now[0] += 500  # nothing is measured
    second = ResumableResults(tmp_path / "p.npz", "a")
    now[0] += 30
    measured(second, batches=4)
    assert (first.seconds, second.seconds) == (600, 100)


def test_the_key_names_weights_and_settings():
    model, other = make_vae(), make_vae(seed=1)
    assert measurement_key(model, seed=0, samples=5) == measurement_key(model, samples=5, seed=0)
    assert (
        len({measurement_key(model, seed=0), measurement_key(model, seed=1), measurement_key(other, seed=0)})
        == 3
    )
