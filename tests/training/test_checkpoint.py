"""A checkpoint is whole, or it is not used; and the folder holds only those that are needed."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from toy_runs import At, Killed, die, metrics, model, same, train
from vaekit.errors import InvalidError, NotFoundError, VaekitError
from vaekit.models import likelihoods
from vaekit.nn import networks
from vaekit.training import checkpoint
from vaekit.training.checkpoint import Checkpoints, load_weights
from vaekit.training.position import Position, parse_position

TENSORS = {"model/w": torch.arange(6.0).reshape(2, 3), "random/cpu": torch.arange(9, dtype=torch.uint8)}


def files(directory):
    return sorted((directory / "checkpoint").iterdir())


def write(directory, *states: Position) -> Checkpoints:
    checkpoints = Checkpoints(directory, pytest.fail)
    for state in states:
        checkpoints.save(state, TENSORS)
    return checkpoints


def rewrite(path, change) -> None:
    """Change a checkpoint and give it the name that fits its new content."""
    with safe_open(path, framework="pt") as content:
        metadata, names = content.metadata(), list(content.keys())
        tensors = {name: content.get_tensor(name) for name in names}
    change(metadata, tensors)
    data = save(tensors, metadata)
    path.unlink()
    stem = path.name.rsplit("-", 1)[0]
    (path.parent / f"{stem}-{checkpoint._digest(data)}.safetensors").write_bytes(data)


def test_a_checkpoint_is_read_as_written(tmp_path):
    state = Position(
        epoch=3, batch=2, step=12, seconds=0.1 + 0.2, best=1 / 3, best_epoch=2, learning_rate=1e-300 / 3
    )
    found = write(tmp_path, state).load_newest()
    assert found.position == state
    assert same(found.tensors, TENSORS)
    assert found.path.name.startswith("000001-step-12-")


def test_any_position_survives_json():
    for seed in range(200):
        value = torch.rand((), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).item() ** 9
        state = Position(best=-value, seconds=value)
        assert parse_position(json.dumps(asdict(state))) == state


def test_the_newest_checkpoint_is_the_last_written(tmp_path):
    checkpoints = write(tmp_path, Position(epoch=2, batch=4, step=9), Position(epoch=2, step=5))
    assert checkpoints.load_newest().position.step == 5


def test_only_two_and_the_newest_start_of_an_epoch_are_kept(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / ".000001-epoch-1-0123456789abcdef.safetensors.x1y2").write_text("cut short")
    (tmp_path / "checkpoint" / "notes.txt").write_text("mine")
    positions = [(1, 0, 0), (1, 1, 1), (2, 0, 5), (2, 1, 6), (2, 2, 7), (2, 3, 8)]
    write(tmp_path, *(Position(epoch=e, batch=b, step=s) for e, b, s in positions))
    names = [path.name[:13] for path in files(tmp_path)]
    assert names == ["000003-epoch-", "000005-step-7", "000006-step-8", "notes.txt"]


def test_the_newest_start_of_an_epoch(tmp_path):
    checkpoints = write(tmp_path, Position(epoch=2, step=5), Position(epoch=2, batch=1, step=6))
    assert checkpoints.load_newest(starts_epoch=True).position == Position(epoch=2, step=5)


def test_no_checkpoint(tmp_path):
    assert Checkpoints(tmp_path, pytest.fail).load_newest() is None
    with pytest.raises(NotFoundError, match="no checkpoint found; train the run first"):
        load_weights(tmp_path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def unknown_state(path):
    rewrite(path, lambda metadata, tensors: metadata.update(state='{"epoch": "second"}'))


def impossible_state(path):
    rewrite(path, lambda metadata, tensors: metadata.update(state='{"epoch": -1}'))


def no_state(path):
    rewrite(path, lambda metadata, tensors: metadata.clear())


@pytest.mark.parametrize("damage", [truncate, flip, empty, unknown_state, impossible_state, no_state])
def test_a_damaged_checkpoint_is_skipped(tmp_path, damage):
    write(tmp_path, Position(step=1, batch=1), Position(step=2, batch=2))
    older, newer = files(tmp_path)
    damage(newer)
    said = []
    assert Checkpoints(tmp_path, said.append).load_newest().path == older
    (warning,) = said
    assert newer.name.rsplit("-", 1)[0] in warning
    assert warning.endswith(f"; using {older.name} instead")
    assert "\n" not in warning


def test_all_damaged(tmp_path):
    write(tmp_path, Position(step=1, batch=1), Position(step=2, batch=2))
    for path in files(tmp_path):
        truncate(path)
    said = []
    with pytest.raises(InvalidError, match=r"all 2 checkpoints are damaged; restore one from a copy, or"):
        Checkpoints(tmp_path, said.append).load_newest()
    assert len(said) == 2


def test_damaged_checkpoints_do_not_count_as_kept(tmp_path):
    write(tmp_path, Position(step=1, batch=1), Position(step=2, batch=2))
    good, bad = files(tmp_path)
    truncate(bad)
    checkpoints = Checkpoints(tmp_path, lambda text: None)
    checkpoints.load_newest()
    checkpoints.save(Position(step=3, batch=3), TENSORS)
    assert good in files(tmp_path)
    assert bad not in files(tmp_path)


def test_training_continues_from_the_previous_checkpoint(tmp_path):
    train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "cut", log=At(11, die))
    truncate(files(tmp_path / "cut")[-1])
    train(tmp_path / "cut", resume=True)
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


def wider(tensors):
    tensors["model/decoder.network.join.linears.0.weight"] = torch.zeros(9, 9)


def retyped(tensors):
    tensors["optimizer/decoder.network.join.linears.0.weight/exp_avg"] = torch.zeros(8, 2, dtype=torch.int64)


def renamed(tensors):
    tensors["model/other"] = tensors.pop("sums")


def short_sums(tensors):
    tensors["sums"] = tensors["sums"][:2].clone()


def unseeded(tensors):
    tensors["random/cpu"] = torch.zeros_like(tensors["random/cpu"])


def part_of_the_best(tensors):
    tensors.pop(next(name for name in tensors if name.startswith("best/")))


@pytest.mark.parametrize("change", [wider, retyped, renamed, short_sums, unseeded, part_of_the_best])
def test_tensors_that_do_not_fit_are_refused_in_one_line(tmp_path, change):
    train(tmp_path)
    newest = files(tmp_path)[-1]
    rewrite(newest, lambda metadata, tensors: change(tensors))
    with pytest.raises(InvalidError, match=newest.name[:10]) as caught:
        train(tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_architecture(tmp_path):
    train(tmp_path)
    other = model()
    other.decoder.network = networks.Dense([(2,)], likelihoods.bernoulli().network_output((1, 4, 4)), (11,))
    with pytest.raises(
        InvalidError, match=r"belongs to another model or other settings: .*expected .* got .* resume with"
    ):
        train(tmp_path, resume=True, vae=other)


def test_a_checkpoint_of_other_settings(tmp_path):
    train(tmp_path)
    with pytest.raises(InvalidError, match=r"average/.*: expected none, got float32 \("):
        train(tmp_path, resume=True, ema=None)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_full_disk(tmp_path, monkeypatch, call):
    """It shows when a line of metrics is written, a checkpoint, or its folder."""
    train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "run", log=At(5, die))
    before, left = files(tmp_path / "run"), [call]
    sync = os.fsync

    def full(handle):
        left[0] -= 1
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(VaekitError) as caught:
            train(tmp_path / "run", resume=True)
    assert "No space left on device" in str(caught.value)
    assert str(tmp_path / "run") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert set(before) <= set(files(tmp_path / "run"))
    train(tmp_path / "run", resume=True)
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")


def test_load_weights_of_a_run_that_was_killed(tmp_path):
    vae = model()
    with pytest.raises(Killed):
        train(tmp_path, vae=vae, log=At(3, die), ema=None)
    assert not same(load_weights(tmp_path, "last"), dict(vae.state_dict()))  # step 3 was not saved any more
    vae.load_state_dict(load_weights(tmp_path))
    with pytest.raises(ValueError, match="expected 'best' or 'last', got 'first'"):
        load_weights(tmp_path, "first")
