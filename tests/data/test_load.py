from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vaekit.data import import_data, load_dataset
from vaekit.errors import DataError, NotFoundError

pytestmark = pytest.mark.usefixtures("fresh_cache")


@pytest.fixture
def file(tmp_path: Path, levels: np.ndarray) -> Path:
    path = tmp_path / "faces.npz"
    np.savez(path, x=levels, y=np.array(["cat", "dog"] * 10))
    return path


def test_an_import_is_found_by_its_name_after_the_file_is_gone(file: Path, levels: np.ndarray) -> None:
    imported = import_data(file)
    original = load_dataset(file)
    file.unlink()
    found = load_dataset("faces")
    for data in (imported, found):
        assert isinstance(data.images.base, np.memmap) or isinstance(data.images, np.memmap)
        np.testing.assert_array_equal(data.images, original.images)
        np.testing.assert_array_equal(data.labels, original.labels)
        assert data.label_names == ("cat", "dog")
        assert data.notes == original.notes
        assert data.source == str(file)


def test_an_import_can_be_named(file: Path) -> None:
    assert import_data(file, "pets").name == "pets"
    assert load_dataset("pets").title == "pets"


def test_an_import_is_replaced_only_by_force(file: Path, levels: np.ndarray) -> None:
    import_data(file)
    np.savez(file, x=255 - levels)
    with pytest.raises(DataError, match="'faces' is taken by an import"):
        import_data(file)
    import_data(file, force=True)
    np.testing.assert_array_equal(load_dataset("faces").images[:, 0], 255 - levels)
    assert load_dataset("faces").labels is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mnist", "belongs to the catalog"),
        ("a/b", "expected letters"),
        ("..", "expected letters"),
        ("", "letters"),
    ],
)
def test_invalid_import_names_are_refused(file: Path, name: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        import_data(file, name)


def test_a_bad_file_imports_nothing(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(DataError, match="cannot be read"):
        import_data(file)
    with pytest.raises(NotFoundError):
        load_dataset("faces")


def test_a_missing_path_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="neither a path nor a dataset"):
        import_data(tmp_path / "absent")


def test_catalog_names_come_before_paths(
    tmp_path: Path, levels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("digits", levels)
    Path("digits.npy").rename("digits")
    assert len(load_dataset("digits")) == 1797


def test_the_package_needs_no_torch() -> None:
    code = "import sys, vaekit.data; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
