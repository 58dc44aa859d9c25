"""The fingerprint covers all that a number can depend on, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaekit.data import fingerprint as module
from vaekit.data.dataset import Dataset
from vaekit.data.fingerprint import covers_all, fingerprint, is_same_data, sample_digest
from vaekit.spec import Column


def make(**changes: object) -> Dataset:
    noise = np.random.default_rng(0)
    whole = {
        "images": noise.integers(0, 256, (600, 1, 3, 2), dtype=np.uint8),
        "labels": np.arange(600) % 3,
        "label_names": ("a", "b", "c"),
        "published": {"test": (500, 600)},
        "attributes": noise.normal(size=(600, 2)).astype(np.float32),
        "attribute_names": ("x", "y"),
        "weights": noise.uniform(1, 2, 600),
        "groups": np.arange(600) // 2,
        "times": np.arange(600.0),
        "name": "made",
        "title": "Made",
    }
    return Dataset(**{**whole, **changes})


@given(st.integers(0, 3599), st.integers(1, 255))
def test_each_byte_of_an_image_counts(place, change):
    images = make().images.copy()
    images.reshape(-1)[place] ^= change
    assert fingerprint(make(images=images)) != fingerprint(make())


@pytest.mark.parametrize(
    "change",
    [
        {"labels": (np.arange(600) + 1) % 3},
        {"labels": None, "label_names": ()},
        {"label_names": ("a", "c", "b")},
        {"published": {"test": (400, 600)}},
        {"published": {}},
        {"attributes": np.zeros((600, 2), np.float32)},
        {"attribute_names": ("y", "x")},
        {"weights": None},
        {"groups": np.arange(600)},
        {"times": np.arange(600.0)[::-1]},
        {"offset": 1.0},
        {"scale": 2.0},
        {"images": make().images.astype(np.uint16), "levels": 256},
        {"images": make().images.reshape(600, 1, 2, 3)},
        {"images": make().images[::-1]},
    ],
    ids=lambda change: "+".join(f"{key}" for key in change),
)
def test_each_part_counts(change):
    assert fingerprint(make(**change)) != fingerprint(make())


def test_names_of_files_and_sources_do_not_count():
    other = make(name="b", title="B", source="elsewhere", notes=("read anew",), files=("x.png",) * 600)
    assert fingerprint(other) == fingerprint(make())


def test_kinds_of_columns_count_but_their_scaling_does_not():
    table = replace(
        make(images=np.zeros((4, 1)), labels=None, label_names=(), attributes=None, attribute_names=(),
             weights=None, groups=None, times=None, published={}, scaled=False),
        columns=(Column("age"),),
    )  # fmt: skip
    scaled = replace(table, columns=(Column("age", scaling="standard", offset=40.0, scale=10.0),))
    assert fingerprint(scaled) == fingerprint(table)
    assert fingerprint(replace(table, columns=(Column("height"),))) != fingerprint(table)
    assert fingerprint(replace(table, columns=(Column("age", "integer"),))) != fingerprint(table)


def test_a_mapped_file_has_the_digest_of_its_array_and_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 100)
    np.save(tmp_path / "images.npy", make().images)
    opened = lambda: make(images=np.load(tmp_path / "images.npy", mmap_mode="r"))
    assert fingerprint(opened()) == fingerprint(make())
    read = []
    monkeypatch.setattr(module, "_digest", lambda array: read.append(array.shape) or "")
    fingerprint(opened())
    assert (600, 1, 3, 2) not in read
    np.save(tmp_path / "images.npy", make().images[::-1])
    fingerprint(opened())
    assert (600, 1, 3, 2) in read


def test_a_part_of_a_mapped_file_is_not_taken_for_the_whole(tmp_path):
    np.save(tmp_path / "images.npy", make().images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    plain = {"labels": None, "label_names": (), "attributes": None, "attribute_names": (), "weights": None}
    plain |= {"groups": None, "times": None, "published": {}}
    first, last = make(images=mapped[:300], **plain), make(images=mapped[300:], **plain)
    assert fingerprint(first) != fingerprint(last)
    assert fingerprint(first) == fingerprint(make(images=make().images[:300], **plain))


def test_the_digest_of_images_is_the_sha256_of_their_bytes():
    images = np.asarray(make().images, order="F")
    assert module._digest(images) == hashlib.sha256(make().images.tobytes()).hexdigest()


def test_a_sample_recorded_by_an_earlier_version_is_compared():
    recorded = sample_digest(make())
    images = make().images[::-1]
    assert covers_all(fingerprint(make()))
    assert not covers_all(recorded)
    assert is_same_data(recorded, make())
    assert not is_same_data(recorded, make(images=images))
    assert is_same_data("", make(images=images))
