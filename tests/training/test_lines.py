"""Files of one record a line."""

from __future__ import annotations

import pytest

from vaekit.errors import VaekitError
from vaekit.training import lines


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    assert lines.read(path) == []
    records = [{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "loss": None}]
    for record in records:
        lines.append(path, record)
    assert lines.read(path) == records


def test_a_line_that_was_cut_short_goes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3, "lo')
    lines.trim(path, lambda record: record["epoch"] < 9)
    assert path.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
    lines.trim(path, lambda record: record["epoch"] < 2)
    assert path.read_text() == '{"epoch": 1}\n'
    lines.trim(tmp_path / "none", lambda record: True)
    assert not (tmp_path / "none").exists()


def test_a_number_that_is_not_finite_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        lines.append(tmp_path / "a", {"loss": float("nan")})


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(VaekitError, match=r"cannot write .*: Is a directory; free the space and resume"):
        lines.append(tmp_path, {})
