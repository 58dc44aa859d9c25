from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from vaekit.utils.io import to_json, to_jsonable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (-math.inf, None),
        (0.1, 0.1),
        (True, True),
        ((1, [math.nan]), [1, [None]]),
        ({1: {"a": Path("x/y")}}, {"1": {"a": "x/y"}}),
    ],
)
def test_values_become_those_of_json(value, expected):
    assert to_jsonable(value) == expected
    assert json.loads(to_json(value)) == expected


def test_numbers_survive_exactly():
    assert json.loads(to_json([0.1 + 0.2, 1e-300]))[0] == 0.1 + 0.2
