"""A table of attributes goes with the images it is about, and one that does not fit is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vaekit.data import import_data, load_dataset
from vaekit.data.attributes import with_attributes
from vaekit.data.dataset import Dataset
from vaekit.errors import DataError, NotFoundError


def dataset(n: int = 3, files: tuple[str, ...] = ()) -> Dataset:
    return Dataset("toy", "Toy", np.zeros((n, 1, 2, 2), np.uint8), None, (), files=files)


def table(tmp_path, text: str):
    file = tmp_path / "attributes.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_numbers_stay_columns_and_words_become_one_column_each(tmp_path, mark):
    text = "age,hair,smile\n30,red,0.5\n\n40,black,1\n50,red,-2\n".replace(",", mark)
    found = with_attributes(dataset(), table(tmp_path, text))
    assert found.attribute_names == ("age", "hair=black", "hair=red", "smile")
    assert found.attributes.dtype == np.float32
    assert found.attributes.tolist() == [[30, 0, 1, 0.5], [40, 1, 0, 1], [50, 0, 1, -2]]
    assert found.notes[-1] == "4 attributes from attributes.csv"


@pytest.mark.parametrize("name", ["{}", "b/{}"])
def test_rows_with_file_names_may_come_in_any_order(tmp_path, name):
    files = ("b/1.png", "b/2.png", "b/10.png")
    rows = "".join(f"{name.format(f'{i}.png')},{i}\n" for i in (10, 99, 1, 2))
    found = with_attributes(dataset(files=files), table(tmp_path, "file,age\n" + rows))
    assert found.attribute_names == ("age",)
    assert found.attributes[:, 0].tolist() == [1, 2, 10]


def test_a_folder_of_images_knows_the_names_of_its_files(tmp_path):
    for name in ("a/10.png", "a/9.png", "b/9.png"):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((4, 4), 50).save(file)
    assert load_dataset(tmp_path / "images").files == ("a/9.png", "a/10.png", "b/9.png")
    rows = table(tmp_path, "file,x\nb/9.png,3\na/9.png,1\na/10.png,2\n")
    assert with_attributes(load_dataset(tmp_path / "images"), rows).attributes[:, 0].tolist() == [1, 2, 3]
    twice = table(tmp_path, "file,x\n9.png,3\n10.png,2\n")  # which 9.png?
    with pytest.raises(DataError, match=r"has no row for 2 of 3 images, such as a/9\.png"):
        with_attributes(load_dataset(tmp_path / "images"), twice)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4\n", "a row for each of the 3 images of toy, got 2 rows of 2 columns"),
        ("", "got 0 rows of 0 columns"),
        ("a,b\n1,2\n3\n5,6\n", "expected 2 cells in every row, but row 2 has 1"),
        ("a,a\n1,2\n3,4\n5,6\n", "a different name for each column, but 'a' occurs twice"),
        ("a,b\n1,2\n,4\n5,6\n", "column 'a' is empty in row 2"),
        ("a,b\n1,2\n3,nan\n5,6\n", "finite attributes, got nan for 'b' of image 1"),
        ("a\n1\n3\ninf\n", "finite attributes, got inf for 'a' of image 2"),
    ],
)
def test_a_table_that_does_not_fit_is_an_error(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        with_attributes(dataset(), table(tmp_path, text))


def test_too_many_words_and_several_rows_of_one_image_are_refused(tmp_path):
    words = "name\n" + "".join(f"w{i}\n" for i in range(300))
    with pytest.raises(DataError, match="column 'name' has 300 different words, such as 'w0'"):
        with_attributes(dataset(300), table(tmp_path, words))
    with pytest.raises(DataError, match=r"expected one row per image, but 'x\.png' has several"):
        with_attributes(dataset(1, ("x.png",)), table(tmp_path, "file,a\nx.png,1\nx.png,2\n"))
    with pytest.raises(NotFoundError, match="no such file"):
        with_attributes(dataset(), tmp_path / "nowhere.csv")


# ------------------------------------------------------------------------------------------ inside .npz files


def test_an_npz_can_hold_attributes_and_labels_and_importing_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    attributes = np.arange(8.0).reshape(4, 2)
    images = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    np.savez(tmp_path / "x.npz", images=images, labels=[0, 1, 0, 1], attributes=attributes)
    for found in (
        load_dataset(tmp_path / "x.npz"),
        import_data(tmp_path / "x.npz", "mine"),
        load_dataset("mine"),
    ):
        assert found.attributes.tolist() == attributes.tolist()
        assert found.attribute_names == ("a0", "a1")
        assert found.classes == 2


def test_all_parts_of_an_npz_have_attributes_or_none(tmp_path):
    parts = {"x_train": np.zeros((3, 4, 4), np.uint8), "x_test": np.ones((2, 4, 4), np.uint8)}
    np.savez(tmp_path / "x.npz", **parts, attributes_train=[1.0, 2, 3], attributes_test=[4.0, 5])
    assert load_dataset(tmp_path / "x.npz").attributes[:, 0].tolist() == [1, 2, 3, 4, 5]
    np.savez(tmp_path / "y.npz", **parts, attributes_train=[1.0, 2, 3])
    with pytest.raises(DataError, match="only some of train and test have attributes"):
        load_dataset(tmp_path / "y.npz")


@pytest.mark.parametrize(
    "attributes", [np.zeros((3, 2)), np.full((4, 2), np.nan), np.array(["a", "b", "c", "d"])]
)
def test_attributes_of_another_shape_or_type_are_refused(tmp_path, attributes):
    images = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    np.savez(tmp_path / "x.npz", images=images, attributes=attributes)
    with pytest.raises(DataError, match=r"expected (finite )?attributes"):
        load_dataset(tmp_path / "x.npz")
