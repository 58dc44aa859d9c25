from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit.data import OBSERVATIONS, Dataset, load_dataset, observe
from vaekit.data import observation as module
from vaekit.data.masks import observed_pixels, pixels
from vaekit.data.observation import _free_bytes
from vaekit.errors import DataError


def dataset(images: np.ndarray, labels: np.ndarray | None = None) -> Dataset:
    names = () if labels is None else tuple(map(str, range(labels.max() + 1)))
    return Dataset("toy", "Toy", images, labels, names, source="memory")


@pytest.fixture
def gray() -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), dtype=np.uint8)
    return dataset(images, np.arange(50) % 3)


@pytest.fixture
def real() -> Dataset:
    return dataset(np.random.default_rng(0).random((50, 1, 4, 5), dtype=np.float32))


def test_threshold_is_above_one_half() -> None:
    seen = observe(
        dataset(np.array([0, 127, 128, 255], np.uint8).reshape(1, 1, 2, 2)), np.arange(1), "threshold"
    )
    assert seen.all().flatten().tolist() == [0, 0, 1, 1]
    half = np.array([0.25, 0.5, 0.5000001, 1], np.float32).reshape(1, 1, 2, 2)
    assert observe(dataset(half), np.arange(1), "threshold").all().flatten().tolist() == [0, 0, 1, 1]


def test_discrete_and_continuous_are_gray_levels_over_255(gray: Dataset) -> None:
    for observation in ("discrete", "continuous"):
        seen = observe(gray, np.array([4, 7]), observation)
        expected = torch.from_numpy(gray.images[[4, 7]]).float() / 255
        assert torch.equal(seen.all(), expected)
        assert seen.data is not None
        assert seen.data.dtype == torch.uint8


def test_continuous_reals_are_untouched(real: Dataset) -> None:
    seen = observe(real, np.array([9, 3]), "continuous")
    assert torch.equal(seen.all(), torch.from_numpy(real.images[[9, 3]]))


@pytest.mark.parametrize("observation", ["static", "dynamic"])
@pytest.mark.parametrize("kind", ["gray", "real"])
def test_static_draws_depend_only_on_seed_and_index(
    observation: str, kind: str, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(kind)
    whole = observe(data, np.arange(50), observation, seed=5).all()
    subset = np.array([40, 3, 17, 18, 49])
    assert torch.equal(observe(data, subset, observation, seed=5).all(), whole[subset])
    assert torch.equal(observe(data, subset, observation, seed=5, resident=False).all(), whole[subset])
    assert not torch.equal(observe(data, np.arange(50), observation, seed=6).all(), whole)
    assert set(whole.unique().tolist()) == {0.0, 1.0}


def test_static_draws_have_the_right_probability() -> None:
    images = np.repeat(np.array([0, 1, 64, 128, 254, 255], np.uint8), 20_000).reshape(6, 1, 100, 200)
    drawn = observe(dataset(images), np.arange(6), "static").all().mean(dim=(1, 2, 3))
    expected = torch.tensor([0, 1, 64, 128, 254, 255]) / 255
    deviation = torch.sqrt(expected * (1 - expected) / 20_000)
    assert ((drawn - expected).abs() <= 4 * deviation).all()


def test_dynamic_training_images_are_sampled_at_each_use() -> None:
    images = np.repeat(np.array([0, 77, 255], np.uint8), 20_000).reshape(3, 1, 100, 200)
    seen = observe(dataset(images), np.arange(3), "dynamic", training=True)
    torch.manual_seed(0)
    first, second = seen.all(), seen.all()
    assert not torch.equal(first[1], second[1])
    assert (first[0] == 0).all()
    assert (first[2] == 1).all()
    assert abs(first[1].mean().item() - 77 / 255) < 4 * (0.302 * 0.698 / 20_000) ** 0.5
    torch.manual_seed(0)
    assert torch.equal(seen.all(), first)


@pytest.mark.parametrize("observation", OBSERVATIONS[:-1])
@pytest.mark.parametrize("training", [False, True])
def test_resident_or_not_the_batches_are_equal(gray: Dataset, observation: str, training: bool) -> None:
    chosen, indices = np.arange(5, 45), torch.tensor([30, 0, 7, 7])
    batches = []
    for resident in (True, False):
        seen = observe(gray, chosen, observation, training=training, resident=resident)
        torch.manual_seed(1)
        batches.append(seen.batch(indices))
        assert (seen.data is not None) == resident
    assert torch.equal(*batches)
    assert batches[0].shape == (4, 3, 4, 5)
    assert batches[0].dtype == torch.float32
    assert batches[0].is_contiguous()


def test_channels_stored_last_come_out_first() -> None:
    stored = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    seen = observe(dataset(stored.transpose(0, 3, 1, 2)), np.arange(6), "discrete")
    assert seen.all().is_contiguous()
    assert seen.shape == (3, 4, 5)


def test_large_splits_are_not_resident(gray: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 50 * 3 * 4 * 5
    for free, held in ((3 * size, False), (3 * size + 1, True)):
        monkeypatch.setattr(module, "_free_bytes", lambda device, free=free: free)
        assert (observe(gray, np.arange(50), "discrete").data is not None) == held


def test_free_memory_is_positive() -> None:
    assert _free_bytes(torch.device("cpu")) > 0


def test_batches_cover_the_split_in_order(gray: Dataset) -> None:
    seen = observe(gray, np.arange(10, 33), "discrete")
    images, labels = zip(*seen.batches(10), strict=True)
    assert [len(batch) for batch in images] == [10, 10, 3]
    assert torch.equal(torch.cat(images), seen.all())
    assert torch.cat(labels).tolist() == [index % 3 for index in range(10, 33)]
    assert len(seen) == 23


def test_without_labels_batches_have_none(real: Dataset) -> None:
    assert all(labels is None for _, labels in observe(real, np.arange(9), "continuous").batches(4))


def test_discrete_needs_gray_levels(real: Dataset) -> None:
    with pytest.raises(DataError, match=r"discrete needs gray levels.*use continuous"):
        observe(real, np.arange(3), "discrete")


def test_an_unknown_observation_proposes_the_nearest(gray: Dataset) -> None:
    with pytest.raises(DataError, match="did you mean 'dynamic'"):
        observe(gray, np.arange(3), "dynamik")


@pytest.fixture
def holes(real: Dataset) -> Dataset:
    images = real.images.copy()
    images[np.random.default_rng(1).random(images.shape) < 0.3] = np.nan
    return dataset(images)


@pytest.mark.parametrize("observation", ["threshold", "static", "dynamic", "continuous"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("resident", [False, True])
def test_missing_values_stay_missing(
    real: Dataset, holes: Dataset, observation: str, training: bool, resident: bool
) -> None:
    both = []
    for data in (real, holes):
        seen = observe(data, np.arange(50), observation, training=training, resident=resident)
        torch.manual_seed(0)
        both.append(seen.all())
        assert seen.has_missing == (data is holes)
    whole, lacking = both
    missing = torch.from_numpy(np.isnan(holes.images))
    assert lacking.dtype == torch.float32
    assert torch.equal(lacking.isnan(), missing)
    assert torch.equal(lacking[~missing], whole[~missing])


def test_gray_levels_with_missing_values_can_be_discrete() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 4, 4)).astype(np.float32) / 255
    images[2, 0, 1] = np.nan
    data = dataset(images)
    assert data.is_discrete
    levels = observe(data, np.arange(9), "discrete").all() * 255
    known = levels[~levels.isnan()]
    torch.testing.assert_close(known, known.round())


@pytest.mark.parametrize("observation", OBSERVATIONS[:-1])
@pytest.mark.parametrize("resident", [False, True])
def test_hidden_pixels_are_missing_in_all_channels_and_others_are_unchanged(
    gray: Dataset, observation: str, resident: bool
) -> None:
    chosen = np.array([40, 3, 17, 41])
    options = {"training": True, "seed": 3, "resident": resident}
    torch.manual_seed(0)
    whole = observe(gray, chosen, observation, **options).all()
    torch.manual_seed(0)
    seen = observe(gray, chosen, observation, missing=pixels(0.4), **options)
    lacking = seen.all()
    left = torch.from_numpy(observed_pixels(pixels(0.4), gray.shape, chosen, 3)).expand_as(whole)
    assert seen.has_missing
    assert torch.equal(~lacking.isnan(), left)
    assert torch.equal(lacking[left], whole[left])


def test_mnist_threshold_agrees_with_the_gray_levels() -> None:
    mnist = load_dataset("mnist")
    chosen = np.array([0, 59_999, 69_999])
    expected = torch.from_numpy((mnist.images[chosen] > 127).astype(np.float32))
    assert torch.equal(observe(mnist, chosen, "threshold").all(), expected)
