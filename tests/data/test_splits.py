from __future__ import annotations

import numpy as np
import pytest

from vaekit.data import Dataset, load_dataset, split
from vaekit.errors import DataError
from vaekit.spec import Column


def dataset(count: int = 100, **published: tuple[int, int]) -> Dataset:
    images = np.zeros((count, 1, 2, 2), np.uint8)
    return Dataset("toy", "Toy", images, None, (), published=published, source="memory")


@pytest.mark.parametrize(("validation", "train"), [(10_000, 50_000), (0, 60_000)])
def test_mnist_is_split_as_the_literature_does(validation: int, train: int) -> None:
    parts = split(load_dataset("mnist"), validation=validation)
    np.testing.assert_array_equal(parts.train, np.arange(train))
    np.testing.assert_array_equal(parts.validation, np.arange(train, 60_000))
    np.testing.assert_array_equal(parts.test, np.arange(60_000, 70_000))


def test_a_published_validation_part_is_used() -> None:
    parts = split(dataset(train=(0, 60), validation=(60, 80), test=(80, 100)), validation=5)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [60, 20, 20]
    np.testing.assert_array_equal(parts.validation, np.arange(60, 80))


def test_a_published_test_part_is_never_trained_on() -> None:
    parts = split(dataset(test=(80, 100)), validation=10)
    np.testing.assert_array_equal(parts.train, np.arange(70))
    np.testing.assert_array_equal(parts.validation, np.arange(70, 80))


def test_without_a_published_test_part_it_is_drawn_from_train() -> None:
    parts = split(dataset(train=(0, 80), validation=(80, 100)), test=0.25)
    assert len(parts.test) == 20
    assert parts.test.max() < 80
    np.testing.assert_array_equal(np.union1d(parts.train, parts.test), np.arange(80))


@pytest.mark.parametrize("sizes", [{}, {"validation": 7, "test": 0}, {"validation": 0.3, "test": 13}])
def test_drawn_parts_are_disjoint_sorted_and_whole(sizes: dict[str, float]) -> None:
    parts = split(dataset(), **sizes)
    pieces = (parts.train, parts.validation, parts.test)
    np.testing.assert_array_equal(np.sort(np.concatenate(pieces)), np.arange(100))
    for piece in pieces:
        assert piece.dtype == np.int64
        assert (np.diff(piece) > 0).all()


def test_the_seed_decides() -> None:
    first, again, other = (split(dataset(), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"validation": 50, "test": 50}, "leave no image of 100 for training"),
        ({"validation": 0.6, "test": 0.5}, "60 images for validation and 50 for testing"),
        ({"validation": 1.0}, "validation: expected a number of images"),
        ({"test": -1}, "test: expected a number of images"),
        ({"test": -0.5}, "got -0.5"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, float], says: str) -> None:
    with pytest.raises(DataError, match=says):
        split(dataset(), **sizes)


def test_published_train_cannot_be_used_up() -> None:
    with pytest.raises(DataError, match="leave no image of 80"):
        split(dataset(train=(0, 80), test=(80, 100)), validation=80)


def test_smaller_training_sets_are_nested_random_subsets() -> None:
    few, more, whole = (split(dataset(), train=n).train for n in (10, 30, 1000))
    assert (len(few), len(more), len(whole)) == (10, 30, 80)
    assert set(few) < set(more) < set(whole)
    assert (np.diff(more) > 0).all()
    np.testing.assert_array_equal(split(dataset(), train=10).test, split(dataset()).test)


def _table(rows: int, **per_row: np.ndarray) -> Dataset:
    return Dataset("t", "T", np.zeros((rows, 2)), None, (), columns=(Column("a"), Column("b")), **per_row)


def test_no_split_cuts_a_group() -> None:
    groups = np.random.default_rng(0).integers(0, 20, 400)
    for seed in range(5):
        parts = split(_table(400, groups=groups), validation=40, test=80, seed=seed)
        sets = [set(groups[indices]) for indices in vars(parts).values()]
        assert all(sets)
        assert sum(map(len, sets)) == 20
        assert np.array_equal(np.sort(np.concatenate(list(vars(parts).values()))), np.arange(400))
        assert abs(len(parts.test) - 80) <= 20
        assert abs(len(parts.validation) - 40) <= 20
    again = split(_table(400, groups=groups), validation=40, test=80, seed=4)
    assert np.array_equal(again.test, parts.test)


def test_groups_of_very_different_size_leave_each_part_one() -> None:
    groups = np.array([0] * 97 + [1, 2, 3])
    parts = split(_table(100, groups=groups), validation=0.1, test=0.1)
    assert all(len(indices) for indices in vars(parts).values())
    with pytest.raises(DataError, match="2 groups are too few for 3 parts"):
        split(_table(100, groups=np.array([0] * 97 + [1, 1, 1])), validation=0.1, test=0.1)


def test_the_last_rows_in_time_are_for_testing() -> None:
    times = np.random.default_rng(0).permutation(50).astype(np.float64)
    parts = split(_table(50, times=times), validation=0.2, test=10)
    assert sorted(times[parts.test]) == list(range(40, 50))
    assert sorted(times[parts.validation]) == list(range(30, 40))
    assert sorted(times[parts.train]) == list(range(30))


def test_a_split_is_by_group_or_by_time() -> None:
    with pytest.raises(DataError, match="by group or by time"):
        split(_table(5, times=np.arange(5.0), groups=np.arange(5)))
