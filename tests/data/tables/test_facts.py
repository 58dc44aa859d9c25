from __future__ import annotations

from pathlib import Path

import numpy as np

from vaekit.data import load_dataset
from vaekit.data.describe import describe_dataset


def test_the_facts_about_columns_are_those_of_their_values(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,color,size,mass\n1,red,0.5,1000\n2,blue,1.5,3000\n3,red,,9000\n4,red,1.0,4000\n")
    facts = describe_dataset(path)
    color, size, mass = facts["columns"]
    assert color == {
        "name": "color", "kind": "category", "missing": 0, "shares": {"blue": 0.25, "red": 0.75}
    }  # fmt: skip
    known = np.array([0.5, 1.5, 1.0])
    assert (size["kind"], size["missing"], size["resolution"]) == ("real", 0.25, 0.5)
    np.testing.assert_allclose([size["mean"], size["sd"]], [known.mean(), known.std()])
    assert (mass["low"], mass["high"], mass["kind"]) == (1000, 9000, "integer")
    assert facts["set_aside"] == {"id": "a running index"}
    assert facts["scales"].startswith("deviations from 0.408 (size) to")
    assert "offset" not in facts


def test_other_data_have_no_columns() -> None:
    assert "columns" not in describe_dataset(load_dataset("digits"))
