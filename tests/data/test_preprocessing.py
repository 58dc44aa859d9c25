"""What a preprocessing is fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.in_memory import dataset_of
from vaekit.data.preprocessing import fit_preprocessing
from vaekit.errors import DataError


@pytest.mark.parametrize("shape", [(6, 4), (6, 1, 4, 4)], ids=["table", "images"])
@pytest.mark.parametrize(("value", "says"), [(7.0, "all values for training are 7"), (np.nan, "missing")])
def test_there_must_be_something_to_learn(shape: tuple[int, ...], value: float, says: str):
    with pytest.raises(DataError, match=says):
        fit_preprocessing(dataset_of(np.full(shape, value)))


def test_a_part_of_constant_rows_is_no_data_to_learn_from():
    rows = np.zeros((6, 2))
    rows[4:] = 1.0
    with pytest.raises(DataError, match="all values for training are 0"):
        fit_preprocessing(dataset_of(rows), np.arange(4))
