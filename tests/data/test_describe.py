from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vaekit.data import catalog, import_data
from vaekit.data.describe import describe_dataset, list_datasets

pytestmark = pytest.mark.usefixtures("fresh_cache")


def test_the_overview_lists_catalog_and_imports(tmp_path: Path, levels: np.ndarray) -> None:
    np.save(tmp_path / "faces.npy", levels)
    import_data(tmp_path / "faces.npy")
    rows = list_datasets()
    assert [row["name"] for row in rows] == [*catalog.names(), "faces"]
    assert rows[-1] == {
        "name": "faces",
        "images": 20,
        "shape": [1, 8, 6],
        "found": "imported",
        "license": "your own",
    }
    json.dumps(rows)


def test_a_catalogd_dataset_is_described_from_row_and_content() -> None:
    facts = describe_dataset("digits")
    assert facts["found"] == "packaged"
    assert facts["sha256"] == catalog.find_entry("digits").sha256
    assert facts["classes"] == list("0123456789")
    assert facts["suggestion"]["observation"] == "discrete"
    json.dumps(facts)


def test_a_dataset_that_is_not_here_is_described_from_its_row() -> None:
    facts = describe_dataset("omniglot")
    assert facts["found"] == "download"
    assert facts["splits"] == {"train": 24_345, "test": 8_070}
    assert "suggestion" not in facts


def test_own_data_is_described_with_its_notes(tmp_path: Path, levels: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x_train=levels / 51, x_test=levels[:3] / 51)
    facts = describe_dataset(tmp_path / "a.npz")
    assert facts["splits"] == {"train": 20, "test": 3}
    assert (facts["offset"], facts["scale"]) == (0, 1)
    assert facts["values"] == "real numbers in units of the source"
