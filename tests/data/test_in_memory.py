"""Data that a program holds: arrays, tensors, frames, sparse matrices, datasets and loaders of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from vaekit.data.conform import conform
from vaekit.data.in_memory import dataset_of, is_reference
from vaekit.errors import DataError
from vaekit.spec import Column, Preprocessing

IMAGES = np.arange(6 * 64, dtype=np.uint8).reshape(6, 1, 8, 8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


class Pairs(Dataset):
    """Items (x, y) without an iterator, as PyTorch's datasets are."""

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        if index >= len(IMAGES):
            raise AssertionError("an item past the end was asked for")
        return torch.from_numpy(IMAGES[index]), int(LABELS[index])


@pytest.mark.parametrize(
    "data",
    [IMAGES, torch.from_numpy(IMAGES), list(IMAGES), DataLoader(TensorDataset(torch.from_numpy(IMAGES)), 4)],
    ids=["array", "tensor", "list", "loader"],
)
def test_the_values_are_those_given(data):
    if isinstance(data, DataLoader):
        data = DataLoader(torch.from_numpy(IMAGES), 4)
    found = dataset_of(data)
    np.testing.assert_array_equal(found.images, IMAGES)
    assert found.labels is None


@pytest.mark.parametrize(
    "data",
    [Pairs(), TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS)), DataLoader(Pairs(), 4)],
    ids=["dataset", "TensorDataset", "loader"],
)
def test_items_may_have_labels(data):
    found = dataset_of(data)
    np.testing.assert_array_equal(found.images, IMAGES)
    np.testing.assert_array_equal(found.labels, LABELS)


def test_labels_may_be_words():
    found = dataset_of(IMAGES, y=["b", "a", "b", "a", "b", "a"])
    assert found.label_names == ("a", "b")
    assert found.labels.tolist() == [1, 0, 1, 0, 1, 0]


def test_a_tensor_on_the_way_to_a_gradient_and_a_bfloat16_are_read():
    x = torch.rand(5, 3, requires_grad=True)
    np.testing.assert_allclose(dataset_of(x).images, x.detach().numpy())
    np.testing.assert_allclose(dataset_of(x.detach().bfloat16()).images, x.detach().numpy(), rtol=0.01)


def test_a_frame_keeps_its_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"size": [1.5, np.nan, 2.25, 7.5], "color": ["red", "blue", "red", None]})
    found = dataset_of(frame, y=[0, 1, 0, 1])
    assert [column.name for column in found.columns] == ["size", "color"]
    assert np.isnan(found.images).sum() == 2
    assert found.labels.tolist() == [0, 1, 0, 1]


def test_a_sparse_matrix_is_a_table():
    counts = np.array([[0, 3, 0], [1, 0, 0], [0, 0, 9], [2, 0, 1]])
    found = dataset_of(scipy.sparse.csr_matrix(counts))
    np.testing.assert_array_equal(found.images, counts)
    assert len(found.columns) == 3


@pytest.mark.parametrize(
    ("data", "y", "message"),
    [
        (np.zeros(5), None, "for one data point use X\\[None\\]"),
        ({"a": 1}, None, "got dict"),
        (3, None, "got int"),
        (None, None, "got NoneType"),
        ([], None, "at least one data point"),
        ([np.zeros(3), np.zeros(4)], None, "of one shape, got \\(3,\\), \\(4,\\)"),
        (np.zeros((4, 3)), [0, 1], "one label for each of 4 data points, got 2"),
        (np.zeros((4, 3)), np.zeros((4, 2)), "labels of shape \\(N,\\), or one-hot \\(N, classes\\), got"),
        (np.zeros((4, 3)), "kind", "for a column of a data frame use label='kind'"),
        (np.zeros((4, 3)), ["a", None, "a", "b"], "whole numbers or text, got NoneType, str"),
        (
            [{"image": IMAGES[0], "label": 1}],
            None,
            "expected items x or \\(x, y\\), got dicts of image, label",
        ),
        (TensorDataset(*[torch.zeros(4, 2)] * 3), None, "expected items x or \\(x, y\\), got 3 parts"),
        (["a.png", "b.png"], None, "array of numbers, got <U5"),
        (torch.zeros(4, 3, device="meta"), None, "expected a tensor of numbers"),
        (scipy.sparse.csr_matrix((10**6, 10**6)), None, "more than half of this machine's memory"),
        (np.array([["a", "b"]] * 4), None, "array of numbers"),
    ],
)
def test_anything_else_is_refused_in_one_line(data, y, message):
    with pytest.raises(DataError, match=message) as error:
        dataset_of(data, y)
    assert "\n" not in str(error.value)


def test_names_and_paths_are_references(tmp_path):
    assert is_reference("mnist")
    assert is_reference(tmp_path)
    assert not is_reference(IMAGES)


@pytest.mark.parametrize(
    "data",
    [
        TensorDataset(torch.arange(12.0).reshape(4, 3)),
        DataLoader(TensorDataset(torch.arange(12.0).reshape(4, 3)), batch_size=3),
        DataLoader(torch.arange(12.0).reshape(4, 3), batch_size=None),
        torch.arange(12.0).reshape(4, 3).to_sparse(),
        np.arange(12.0).reshape(4, 3).astype(object),
    ],
    ids=["items of one part", "batches of one part", "no batches", "sparse tensor", "objects"],
)
def test_rows_keep_their_shape_in_every_kind_of_container(data):
    found = dataset_of(data)
    np.testing.assert_array_equal(found.images, np.arange(12.0).reshape(4, 3))


def test_masked_values_are_missing():
    x = np.arange(12.0).reshape(4, 3)
    found = dataset_of(np.ma.masked_array(x, x == 5)).images
    np.testing.assert_array_equal(np.isnan(found), x == 5)
    np.testing.assert_array_equal(dataset_of(np.ma.masked_array(x.astype(int), x == 5)).images, found)


def test_a_sparse_matrix_of_whole_floats_holds_counts_as_its_file_does():
    counts = np.random.default_rng(0).poisson(1, (50, 4))
    found = dataset_of(scipy.sparse.csr_array(counts.astype(np.float32)))
    assert {column.kind for column in found.columns} == {"count"}


def test_a_list_of_pairs_of_an_array_and_a_label_is_read_as_items():
    found = dataset_of([(IMAGES[i], "ab"[i % 2]) for i in range(6)])
    np.testing.assert_array_equal(found.images, IMAGES)
    assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert dataset_of([(1.0, 2.5), (3.0, 4.0)] * 2).shape == (2,)


@pytest.mark.parametrize("form", ["words", "categorical", "column", "one-hot"])
def test_labels_come_in_the_forms_of_pandas_and_as_one_hot(form):
    pandas = pytest.importorskip("pandas")
    words = ["b", "a", "b", "a", "b", "a"]
    given = {
        "words": pandas.Series(words, index=range(7, 13)),
        "categorical": pandas.Categorical(words),
        "column": pandas.DataFrame({"k": words}),
        "one-hot": np.eye(2)[[1, 0, 1, 0, 1, 0]],
    }[form]
    assert dataset_of(IMAGES, given).labels.tolist() == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_a_model_of_columns_sees_the_same_numbers_in_every_type(dtype):
    model = Preprocessing((2,), (Column("a", high=1.0), Column("b", high=1.0)))
    x = np.array([[0, 1], [1, 1], [1, 0]])
    np.testing.assert_array_equal(conform(dataset_of(x.astype(dtype)), model, (2,)).images, x)
