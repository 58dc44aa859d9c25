"""A trained model with arrays, tensors and frames in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vaekit
from vaekit.engine.fit import fit
from vaekit.errors import DataError, InvalidError
from vaekit.training.display import SilentLogger

LOG = SilentLogger()


@pytest.fixture(scope="module")
def demo():
    return vaekit.demo()


@pytest.fixture(scope="module")
def frame():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    size = rng.normal(50, 9, 160)
    color = np.where(size + rng.normal(0, 4, 160) > 50, "red", "blue")
    table = {"size": size.round(2), "color": color, "parts": rng.poisson(30, 160), "new": size > 55}
    return pandas.DataFrame(table, index=np.arange(160) * 10)


@pytest.fixture(scope="module")
def on_frame(frame):
    return fit(frame, epochs=1, log=LOG)


def test_latents_come_in_the_kind_of_the_data(demo):
    x = demo.sample(6, seed=0)
    z = demo.encode(x)
    tensor = demo.encode(torch.from_numpy(x))
    assert isinstance(z, np.ndarray)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(tensor.numpy(), z, atol=1e-6)
    assert isinstance(demo.decode(tensor, y=3), torch.Tensor)


def test_one_data_point_and_constant_ones_are_encoded(demo):
    assert demo.encode(np.zeros((1, 1, 28, 28), np.uint8)).shape == (1, 2)
    x = np.where(demo.sample(6, seed=0) > 127, 255, 0).astype(np.uint8)
    np.testing.assert_allclose(demo.encode(x[2:3]), demo.encode(x)[2:3], atol=1e-5)


def test_samples_of_counts_are_whole_numbers():
    counts = np.random.default_rng(0).poisson(3, (60, 4))
    assert fit(counts, epochs=1, log=LOG).sample(5, seed=0).dtype == np.int64


def test_samples_of_the_posterior_have_its_moments(demo):
    x = demo.sample(3, seed=0)
    mean, std = demo.encode(x, return_std=True)
    draws = demo.encode(x, n_samples=4000, seed=1)
    assert draws.shape == (4000, 3, 2)
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.1)
    np.testing.assert_allclose(draws.std(0), std, rtol=0.1)


def test_decoding_is_that_of_the_model(demo):
    z = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    label = demo.model.labels.values[3].expand(4, -1)
    with torch.no_grad():
        expected = demo.model.decode(torch.from_numpy(z), label).mean.numpy() * 255
    np.testing.assert_allclose(demo.decode(z, y=3), expected, rtol=1e-5)
    np.testing.assert_allclose(demo.decode(z, y=["3"] * 4), expected, rtol=1e-5)
    np.testing.assert_allclose(demo.decode(z, y=np.array([3, 3, 3, 3])), expected, rtol=1e-5)


def test_samples_of_a_label_are_of_that_label(demo):
    np.testing.assert_array_equal(demo.sample(4, label=7, seed=0), demo.sample(4, label="7", seed=0))
    assert not np.array_equal(demo.sample(4, label=7, seed=0), demo.sample(4, label=1, seed=0))
    assert not np.array_equal(demo.sample(2), demo.sample(2))


def test_the_log_likelihood_is_that_of_an_evaluation(demo):
    dataset, splits = demo.load_data()
    x, y = dataset.images[splits.test[:20]], dataset.labels[splits.test[:20]]
    found = demo.log_likelihood(x, y, n_samples=50)
    assert found.shape == (20,)
    more = demo.log_likelihood(x, y, n_samples=2000)
    assert more.mean() > found.mean()
    assert np.abs(more - found).mean() < 5


def test_a_frame_comes_back_with_its_index_and_its_types(frame, on_frame):
    z = on_frame.encode(frame)
    assert list(z.columns) == [f"z{j}" for j in range(on_frame.model.latent_dim)]
    assert z.index.equals(frame.index)
    sample = on_frame.sample(20, seed=0)
    assert list(sample.columns) == list(frame.columns)
    assert set(sample["color"]) <= {"red", "blue"}
    assert sample["parts"].dtype.kind == "i"
    assert sample["new"].dtype == bool
    assert on_frame.decode(z).index.equals(frame.index)
    assert on_frame.log_likelihood(frame, n_samples=5).shape == (160,)
    assert on_frame.anomaly_scores(frame).shape == (160,)


def test_only_the_gaps_of_a_frame_are_filled(frame, on_frame):
    gaps = frame.copy()
    gaps["color"] = gaps["color"].astype(object)
    gaps.iloc[3, 0] = np.nan
    gaps.iloc[5, 1] = None
    filled = on_frame.impute(gaps, n_samples=50)
    assert filled.isna().sum().sum() == 0
    known = gaps.notna()
    assert filled.where(known).equals(gaps.where(known))
    assert filled.iloc[5, 1] in ("red", "blue")
    assert gaps.isna().sum().sum() == 2
    several = on_frame.impute(gaps, n_imputations=3, n_samples=50)
    assert len(several) == 3
    assert all(one.isna().sum().sum() == 0 for one in several)


def test_polars_frames_are_filled_and_sampled(frame):
    polars = pytest.importorskip("polars")
    given = polars.from_pandas(frame)
    trained = fit(given, epochs=1, log=LOG)
    assert isinstance(trained.sample(3, seed=0), polars.DataFrame)
    gaps = given.with_columns(
        polars.when(polars.col("size") > 60).then(None).otherwise(polars.col("size")).alias("size")
    )
    filled = trained.impute(gaps, n_samples=20)
    assert filled.null_count().sum_horizontal()[0] == 0
    assert filled["parts"].equals(gaps["parts"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_without_gaps_comes_back_as_it_was(demo, dtype):
    x = demo.sample(3, seed=0).astype(dtype)
    filled = demo.impute(x, n_samples=5)
    np.testing.assert_array_equal(filled, x)
    assert filled.dtype == dtype


def test_mistakes_are_said_in_one_line(demo):
    z, x = np.zeros((4, 2)), np.zeros((4, 1, 28, 28), np.uint8)
    for call, error, message in [
        (lambda: demo.decode(z), InvalidError, "the decoder is conditioned on a label"),
        (lambda: demo.decode(z[0], y=1), InvalidError, r"expected latents \(N, 2\), got \(2,\)"),
        (lambda: demo.decode(np.zeros((4, 3)), y=1), InvalidError, r"got \(4, 3\)"),
        (lambda: demo.decode(z, y=[1, 2]), InvalidError, "expected one label, or 4, got 2"),
        (lambda: demo.decode(z, y="eleven"), InvalidError, "expected one of 0, 1"),
        (lambda: demo.sample(2, label=12), InvalidError, "expected one of 0, 1"),
        (lambda: demo.encode(x[:, 0, 0]), (InvalidError, DataError), "got 28"),
        (lambda: demo.encode(x[..., :20]), InvalidError, "1 x 28 x 28"),
        (lambda: demo.impute("mnist"), InvalidError, "expected values"),
        (lambda: demo.log_likelihood(x, y=[1]), DataError, "one label for each of 4 data points, got 1"),
    ]:
        with pytest.raises(error, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_gaps_are_filled_in_masked_arrays_lists_and_tables_of_arrow(frame, on_frame, demo):
    x = np.where(demo.sample(3, seed=0) > 127, 255.0, 0.0)
    hidden = np.zeros(x.shape, bool)
    hidden[1, 0, 5:9] = True
    expected = demo.impute(np.where(hidden, np.nan, x), n_samples=20)
    np.testing.assert_array_equal(demo.impute(np.ma.masked_array(x, hidden), n_samples=20), expected)
    np.testing.assert_array_equal(demo.impute(list(np.where(hidden, np.nan, x)), n_samples=20), expected)
    arrow = pytest.importorskip("pyarrow")
    gaps = frame.copy()
    gaps.loc[30, "color"] = None
    filled = on_frame.impute(arrow.Table.from_pandas(gaps, preserve_index=False), n_samples=20)
    assert filled["color"][3] in ("red", "blue")
    assert filled["size"].tolist() == gaps["size"].tolist()
