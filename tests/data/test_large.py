"""Data larger than memory stay in their files, and every container gives the same data and the same run."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.data import load_dataset, observe
from vaekit.data.cache import store_dataset
from vaekit.data.fingerprint import _digest, fingerprint
from vaekit.data.lazy import ChunkedArray, LazyArray, MappedArray, StackedArray
from vaekit.data.read_ahead import Hint, ReadAhead
from vaekit.errors import DataError
from vaekit.runs.train import resume, train
from vaekit.training.batches import epoch_visits, iterate_batches, read_ahead
from vaekit.training.display import SilentLogger
from vaekit.utils import memory
from vaekit.utils.random import block_order

LABELS = np.arange(60) % 3


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch, tmp_path):
    """Arrays of any size stay in their files, and all data are shuffled by blocks."""
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    for module in ("lazy", "readers.hdf5", "readers.image_folder"):
        monkeypatch.setattr(f"vaekit.data.{module}.LAZY_BYTES", 0)
    monkeypatch.setattr("vaekit.data.observation.SHUFFLED_WHOLE", 0)
    monkeypatch.setattr("vaekit.data.observation.BLOCK_BYTES", 320)
    monkeypatch.setattr("vaekit.data.observation.GROUP", 2)


def levels(channels: int = 1) -> np.ndarray:
    shape = (60, 8, 8) if channels == 1 else (60, 8, 8, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def png(values: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, "png")
    return content.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_npy(folder: Path, x: np.ndarray) -> None:
    for n in range(0, 60, 25):
        np.save(folder / f"images-{n}.npy", x[n : n + 25])
        np.save(folder / f"labels-{n}.npy", LABELS[n : n + 25])


def write_npz(folder: Path, x: np.ndarray, save=np.savez) -> None:
    for n in range(0, 60, 25):
        save(folder / f"{n}.npz", x=x[n : n + 25], y=LABELS[n : n + 25])


def write_packed_npz(folder: Path, x: np.ndarray) -> None:
    write_npz(folder, x, np.savez_compressed)


def write_tars(folder: Path, x: np.ndarray) -> None:
    for n in range(0, 60, 25):
        with tarfile.open(folder / f"{n}.tar", "w") as archive:
            for i in range(n, min(n + 25, 60)):
                add(archive, f"part/{i:03}.png", png(x[i]))
                add(archive, f"part/{i:03}.cls", str(LABELS[i]).encode())
                add(archive, f"part/{i:03}.json", b"{}")


def write_zarr(folder: Path, x: np.ndarray) -> None:
    group = pytest.importorskip("zarr").open_group(str(folder), mode="w")
    group.create_array("x", data=x, chunks=(7, *x.shape[1:]))
    group.create_array("y", data=LABELS)


def write_parquet(folder: Path, x: np.ndarray) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["0", "1", "2"])}
    )
    rows = {"image": [{"bytes": png(row), "path": None} for row in x], "label": LABELS}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "x.parquet")


WRITERS = [write_npy, write_npz, write_packed_npz, write_tars, write_zarr, write_parquet]


def packed(write, folder: Path, x: np.ndarray) -> Path:
    folder.mkdir()
    write(folder, x)
    return folder


def in_memory(folder: Path, x: np.ndarray):
    np.savez(folder / "whole.npz", x=x, y=LABELS)
    return load_dataset(str(folder / "whole.npz"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_container_holds_the_same_data(write, channels, tmp_path):
    x = levels(channels)
    found, whole = load_dataset(str(packed(write, tmp_path / "many", x))), in_memory(tmp_path, x)
    assert isinstance(found.images, LazyArray)
    assert isinstance(whole.images, np.ndarray)
    assert found.images.dtype == whole.images.dtype
    for rows in (np.array([59, 0, 26]), slice(20, 31), -1, LABELS == 1):
        np.testing.assert_array_equal(found.images[rows], whole.images[rows])
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert fingerprint(found) == fingerprint(whole)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_folder_of_pictures_is_decoded_once_into_the_cache(channels, tmp_path, monkeypatch):
    x = levels(channels)
    for part, rows in (("train", range(40)), ("test", range(40, 60))):
        for i in rows:
            place = tmp_path / "many" / part / str(LABELS[i])
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i:02}.png").write_bytes(png(x[i]))
    (tmp_path / "many" / "train" / "0" / "broken.png").write_bytes(png(x[0])[:60])
    found = load_dataset(str(tmp_path / "many"))
    assert isinstance(found.images, LazyArray)
    assert any("1 of 61 images skipped" in note for note in found.notes)
    order = [int(Path(name).stem) for name in found.files]
    whole = in_memory(tmp_path, x)
    np.testing.assert_array_equal(found.images[:], whole.images[order])
    np.testing.assert_array_equal(found.labels, LABELS[order])
    assert found.published == {"train": (0, 40), "test": (40, 60)}
    monkeypatch.setattr(
        "vaekit.data.readers.image_folder._decode", lambda *args: pytest.fail("decoded again")
    )
    again = load_dataset(str(tmp_path / "many"))
    assert fingerprint(again) == fingerprint(found)
    assert again.notes == found.notes


@pytest.mark.parametrize("values", ["unit", "signed", "units", "holes"])
def test_real_numbers_are_converted_as_they_are_read(values, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.random((60, 8, 8))
    x = {"unit": x.astype(np.float32), "signed": 2 * x - 1, "units": 1e4 * x, "holes": x}[values]
    if values == "holes":
        x[3, 4, 5] = np.nan
    found, whole = load_dataset(str(packed(write_npy, tmp_path / "many", x))), in_memory(tmp_path, x)
    np.testing.assert_array_equal(found.images[:], whole.images)
    assert (found.offset, found.scale, found.scaled) == (whole.offset, whole.scale, whole.scaled)
    assert found.has_missing == whole.has_missing == (values == "holes")
    assert fingerprint(found) == fingerprint(whole)


def test_hdf5_is_read_in_pieces(tmp_path):
    h5py = pytest.importorskip("h5py")
    x = levels()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(7, 8, 8), compression="gzip")
        file.create_dataset("y", data=LABELS)
    found = load_dataset(str(tmp_path / "x.h5"))
    assert isinstance(found.images, LazyArray)
    assert fingerprint(found) == fingerprint(in_memory(tmp_path, x))


def test_large_data_are_imported_without_being_held(tmp_path):
    found = load_dataset(str(packed(write_npy, tmp_path / "many", levels())))
    stored = store_dataset(tmp_path / "store", found)
    assert isinstance(stored.images, np.memmap)
    assert fingerprint(stored) == fingerprint(found)


def test_a_changed_shard_is_read_again(tmp_path):
    folder = packed(write_npy, tmp_path / "many", levels())
    before = fingerprint(load_dataset(str(folder)))
    assert fingerprint(load_dataset(str(folder))) == before
    changed = levels()[25:50]
    changed[0, 0, 0] ^= 1
    np.save(folder / "images-25.npy", changed)
    os.utime(folder / "images-25.npy", ns=(1, 1))
    assert fingerprint(load_dataset(str(folder))) != before


def test_what_is_known_is_not_read_again(tmp_path, monkeypatch):
    folder = packed(write_tars, tmp_path / "many", levels())
    known = fingerprint(load_dataset(str(folder)))
    monkeypatch.setattr("vaekit.data.infer._scan", lambda *args: pytest.fail("read again"))
    digest = _digest
    monkeypatch.setattr(
        "vaekit.data.fingerprint._digest",
        lambda array: pytest.fail("read again") if isinstance(array, LazyArray) else digest(array),
    )
    monkeypatch.setattr("vaekit.data.readers.webdataset._index", lambda *args: pytest.fail("read again"))
    assert fingerprint(load_dataset(str(folder))) == known


def test_the_parts_of_a_split_are_folders_or_the_names_of_tar_files(tmp_path):
    for part, count in (("train", 40), ("test", 20)):
        (tmp_path / "npy" / part).mkdir(parents=True)
        np.save(tmp_path / "npy" / part / "x.npy", levels()[:count])
        (tmp_path / "tar").mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "tar" / f"{part}-0.tar", "w") as archive:
            for i in range(count):
                add(archive, f"{i}.png", png(levels()[i]))
    for name in ("npy", "tar"):
        assert load_dataset(str(tmp_path / name)).published == {"train": (0, 40), "test": (40, 60)}


def test_shards_that_do_not_fit_are_refused_in_one_line(tmp_path):
    def refused(words: str, **files: np.ndarray) -> None:
        folder = tmp_path / words.replace(" ", "")
        folder.mkdir()
        for name, array in files.items():
            np.save(folder / f"{name}.npy", array)
        with pytest.raises(DataError, match=words):
            load_dataset(str(folder))

    x = levels()
    refused("shard 1 has uint8 of \\(4, 8\\)", a1=x, a2=x[:, :4])
    refused("shard 1 has float64", b1=x, b2=x / 2)
    refused("1 shards of values, but 2 of labels", x1=x, y1=LABELS, y2=LABELS)
    refused("has 60 data points, but 59 labels", x1=x, y1=LABELS[1:])
    cut = tmp_path / "cut"
    cut.mkdir()
    np.save(cut / "x.npy", x)
    (cut / "x.npy").write_bytes((cut / "x.npy").read_bytes()[:-1])
    with pytest.raises(DataError, match="is shorter"):
        load_dataset(str(cut))


def test_zarr_that_would_run_code_is_refused(tmp_path):
    zarr = pytest.importorskip("zarr")
    zarr.create_array(str(tmp_path / "x.zarr"), shape=(4, 8, 8), chunks=(4, 8, 8), dtype="u1", zarr_format=2)
    file = tmp_path / "x.zarr" / ".zarray"
    file.write_text(
        json.dumps({**json.loads(file.read_text()), "filters": [{"id": "pickle", "protocol": 5}]})
    )
    with pytest.raises(DataError):
        load_dataset(str(tmp_path / "x.zarr"))


# ----------------------------------------------------------------------------------------------- the order


def test_an_order_by_blocks_is_a_permutation_that_stays_within_a_group(tmp_path):
    starts = [0, 10, 20, 30, 35]
    order, groups = block_order(3, 1, starts, group=2)
    assert sorted(order.tolist()) == list(range(35))
    assert sorted(block for group in groups for block in group) == [0, 1, 2, 3]
    first = {int(np.searchsorted(starts, image, "right")) - 1 for image in order[:15].tolist()}
    assert first <= set(groups[0])
    assert not torch.equal(order, block_order(3, 2, starts, 2)[0])
    assert torch.equal(order, block_order(3, 1, starts, 2)[0])


def test_the_order_is_the_same_for_every_container_and_memory(tmp_path):
    x = levels()
    whole = observe(in_memory(tmp_path, x), np.arange(0, 60, 2), "discrete", resident=True)
    found = load_dataset(str(packed(write_npy, tmp_path / "many", x)))
    lazy = observe(found, np.arange(0, 60, 2), "discrete", resident=False)
    assert torch.equal(whole.epoch_order(5, 2), lazy.epoch_order(5, 2))
    seen = []
    for images in (whole, lazy):
        order = epoch_visits(images, 5, 2)
        read_ahead(images, order[14:], 7)
        seen.append(torch.cat([batch for batch, _ in iterate_batches(images, order, 7, first=2)]))
    assert torch.equal(*seen)


def test_reading_ahead_gives_what_is_asked_for_and_announces_rows():
    announced = []
    order = torch.randperm(100)
    hints = [Hint(0, [(0, 50)]), Hint(50, [(50, 100)])]
    ahead = ReadAhead(
        lambda rows: rows * 2, np.arange(100), order.split(10), 10, hints, lambda *r: announced.append(r)
    )
    for batch in order.split(10):
        assert torch.equal(ahead.take(batch), batch * 2)
    assert ahead.take(order[:10]) is None
    assert sorted(announced) == [(0, 50), (50, 100)]


def test_an_error_while_reading_ahead_reaches_the_training(tmp_path):
    folder = packed(write_npy, tmp_path / "many", levels())
    images = observe(load_dataset(str(folder)), np.arange(60), "discrete", resident=False)
    images._read_images = lambda rows: (_ for _ in ()).throw(DataError("gone"))
    order = epoch_visits(images, 0, 1)
    read_ahead(images, order, 10)
    with pytest.raises(DataError, match="gone"):
        images.batch(order[:10])


class Interrupting(SilentLogger):
    """Stops a training after some steps, without a last checkpoint."""

    def __init__(self, steps: int):
        self.left = steps

    def step(self, state, so_far) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_training_on_shards_that_is_killed_and_resumed_is_that_on_an_array_in_memory(tmp_path):
    x = levels()
    shards = packed(write_npy, tmp_path / "many", x)
    in_memory(tmp_path, x)
    settings = {"epochs": 2, "batch_size": 8, "checkpoint_steps": 2, "sample_every": 0}
    options = {"figures": False, "overrides": ["data.validation=12", "data.test=0"]}

    def run(name: str, data: Path, log: SilentLogger):
        return train("digits", data=str(data), run_dir=tmp_path / name, log=log, **settings, **options)

    whole = run("whole", tmp_path / "whole.npz", SilentLogger())
    with pytest.raises(KeyboardInterrupt):
        run("killed", shards, Interrupting(9))  # in the middle of the second epoch
    resumed = resume(tmp_path / "killed", figures=False, log=SilentLogger())
    for a, b in zip(whole.trained.model.parameters(), resumed.trained.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert whole.environment["data"] == resumed.environment["data"]


# -------------------------------------------------------------------------------------------- lazy arrays


def test_pieces_are_read_once_while_they_are_kept():
    reads = []

    def piece(first, last):
        reads.append(first)
        return np.arange(first, last)

    array = ChunkedArray(piece, (10,), np.int64, ("x",), 4)
    assert array[np.array([9, 1, 8, 0, 5])].tolist() == [9, 1, 8, 0, 5]
    assert array[np.array([2, 7])].tolist() == [2, 7]
    assert reads == [0, 4, 8]


def test_indices_outside_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", levels())
    array = MappedArray(tmp_path / "x.npy", (60, 8, 8), np.uint8, 128)
    array.will_need(10, 60)
    for wrong in (60, -61, np.array([3, 60])):
        with pytest.raises(IndexError):
            array[wrong]
    stacked = StackedArray([array, array])
    np.testing.assert_array_equal(stacked[[0, 60, 119, -1]], levels()[[0, 0, 59, 59]])


def test_the_limit_of_a_control_group_counts_as_memory(monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: [(1 << 30, 1 << 29)])
    assert memory.total_memory() == 1 << 30
    assert memory.available_memory() <= 1 << 29
