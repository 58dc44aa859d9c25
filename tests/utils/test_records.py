"""Files of one record a line."""

from __future__ import annotations

import pytest

from vaekit.errors import VaekitError
from vaekit.utils.io import append_record, read_records, trim_records


def test_appended_records_are_read_back(tmp_path):
    path = tmp_path / "a.jsonl"
    assert read_records(path) == []
    records = [{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "loss": None}]
    for record in records:
        append_record(path, record)
    assert read_records(path) == records


def test_an_incomplete_line_is_dropped(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3, "lo')
    trim_records(path, lambda record: record["epoch"] < 9)
    assert path.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
    trim_records(path, lambda record: record["epoch"] < 2)
    assert path.read_text() == '{"epoch": 1}\n'
    trim_records(tmp_path / "none", lambda record: True)
    assert not (tmp_path / "none").exists()


def test_a_number_that_is_not_finite_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        append_record(tmp_path / "a", {"loss": float("nan")})


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(VaekitError, match=r"cannot write .*: Is a directory; free some space, then resume"):
        append_record(tmp_path, {})
