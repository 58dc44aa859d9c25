from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.evaluation.latent import write_table


@pytest.fixture
def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    z, stddev = rng.normal(size=(2, 5, 3)).astype(np.float32)
    return {"z": z, "stddev": np.abs(stddev), "label": np.array(["a", "b, c", "é", 'say "d"', ""])}


def test_a_csv_has_column_names_and_exact_values(tmp_path, table):
    names, *rows = csv.reader(io.StringIO(write_table(tmp_path / "x.csv", table).read_text(encoding="utf-8")))
    assert names == ["z0", "z1", "z2", "stddev0", "stddev1", "stddev2", "label"]
    assert np.array_equal(np.array([row[:3] for row in rows], np.float32), table["z"])
    assert np.array_equal(np.array([row[3:6] for row in rows], np.float32), table["stddev"])
    assert [row[6] for row in rows] == table["label"].tolist()


def test_an_npz_has_every_column(tmp_path, table):
    arrays = np.load(write_table(tmp_path / "x.npz", table), allow_pickle=False)
    assert {name: arrays[name].tolist() for name in arrays} == {name: c.tolist() for name, c in table.items()}


def test_an_npy_has_only_the_means(tmp_path, table):
    assert np.array_equal(np.load(write_table(tmp_path / "x.npy", {"z": table["z"]})), table["z"])
    with pytest.raises(InvalidError, match=r"write .npz or .csv for z, stddev, label"):
        write_table(tmp_path / "y.npy", table)


def test_another_suffix_is_refused(tmp_path, table):
    with pytest.raises(InvalidError, match=r"x.txt: expected a file name that ends in .npy, .npz, .csv"):
        write_table(tmp_path / "x.txt", table)
