import os

import pytest

from vaekit.errors import VaekitError
from vaekit.utils.io import write_whole


def test_a_file_and_its_folders_are_written(tmp_path):
    path = write_whole(tmp_path / "a" / "b.bin", b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == ["b.bin"]


def test_the_old_file_stays_if_writing_fails(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "b.bin", b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VaekitError, match=r"cannot write .*b\.bin: No space left on device; free"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["b.bin"]


def test_a_folder_of_the_same_name_is_an_error(tmp_path):
    (tmp_path / "b.bin").mkdir()
    with pytest.raises(VaekitError, match="cannot write"):
        write_whole(tmp_path / "b.bin", b"new")
