"""Damaged Matrix Market files, on which scipy's own reader crashes the process."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.io import mmwrite

from vaekit.data import load_dataset
from vaekit.errors import DataError

HEAD = "%%MatrixMarket matrix coordinate integer general\n3 4 2\n"


@pytest.mark.parametrize(
    "body",
    ["1 1 5\n3 4 7B", "1 1 5\x003 4 7\n", "1 1 5\n", "1 1 5\n3 5 7\n", "0 1 5\n3 4 7\n", "1 1 5\n3 4\n",
     "1 1 5\n3 4 7\n1 2 3\n", "1.5 1 5\n3 4 7\n", "1 1 5\n3 4 --7\n", ""],
)  # fmt: skip
def test_a_damaged_entry_is_refused_in_one_line(body, tmp_path):
    file = tmp_path / "genes.mtx"
    file.write_text(HEAD + body)
    with pytest.raises(DataError, match=r"genes\.mtx") as caught:
        load_dataset(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [sparse.coo_matrix, np.asarray], ids=["coordinate", "array"])
@pytest.mark.parametrize("dtype", [int, float])
def test_a_sound_file_is_read_as_scipy_wrote_it(make, dtype, tmp_path):
    counts = np.random.default_rng(0).poisson(0.7, (9, 5)).astype(dtype) * (1 if dtype is int else 0.5)
    mmwrite(tmp_path / "genes.mtx", make(counts), symmetry="general")
    np.testing.assert_allclose(load_dataset(str(tmp_path / "genes.mtx")).images, counts)
