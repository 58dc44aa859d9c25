"""Labels are vectors with a prior, and what is none of them is named."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit.models.labels import MAX_ROWS, LabelPrior, attribute_prior, class_prior
from vaekit.models.vampprior import PseudoLabels


def test_classes_are_one_hot_vectors_with_the_frequencies_of_training():
    labels = class_prior(4, torch.tensor([0, 0, 2, 3, 0]))
    assert torch.equal(labels.values, torch.eye(4))
    torch.testing.assert_close(labels.log_prob.exp(), torch.tensor([0.6, 0.0, 0.2, 0.2]))
    assert labels.support.tolist() == [0, 2, 3]
    assert labels.mode == 0
    assert labels.one_hot
    assert set(labels.sample(500).argmax(1).tolist()) == {0, 2, 3}
    torch.testing.assert_close(class_prior(3).log_prob.exp(), torch.full((3,), 1 / 3))


def test_labels_are_sampled_with_their_probabilities():
    drawn = class_prior(3, torch.tensor([0, 1, 1, 2, 2, 2])).sample(6000).mean(0)
    torch.testing.assert_close(drawn, torch.tensor([1 / 6, 1 / 3, 1 / 2]), rtol=0, atol=0.03)


def test_attributes_are_distinct_rows_and_standardized_for_networks():
    rows = torch.tensor([[1.0, 1000.0, 5.0], [3.0, 3000.0, 5.0], [3.0, 3000.0, 5.0], [1.0, 3000.0, 5.0]])
    labels = attribute_prior(rows)
    assert labels.values.tolist() == [[1, 1000, 5], [1, 3000, 5], [3, 3000, 5]]
    torch.testing.assert_close(labels.log_prob.exp(), torch.tensor([0.25, 0.25, 0.5]))
    given = labels(rows)
    torch.testing.assert_close(given.mean(0), torch.zeros(3), rtol=0, atol=1e-6)
    torch.testing.assert_close(given.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0]))
    assert torch.equal(labels.vectors(torch.tensor([2, 0])), labels.values[[2, 0]])
    assert not labels.one_hot


def test_many_rows_are_represented_by_a_random_subset():
    rows = torch.randn(1000, 2)
    labels, again, other = attribute_prior(rows), attribute_prior(rows), attribute_prior(rows, seed=1)
    assert labels.values.shape == (MAX_ROWS, 2)
    assert (labels.log_prob - math.log(1 / MAX_ROWS)).abs().max() < 1e-5
    assert torch.equal(labels.values, again.values)
    assert not torch.equal(labels.values, other.values)
    torch.testing.assert_close(labels.center, rows.mean(0))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_integers_of_any_type_index_the_vectors(dtype):
    assert torch.equal(class_prior(3)(torch.tensor([2, 0], dtype=dtype)), torch.eye(3)[[2, 0]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.tensor([0, 3]), "expected labels from 0 to 2, got 0 to 3"),
        (torch.tensor([-1]), "expected labels from 0 to 2, got -1 to -1"),
        (torch.zeros(4, 2), r"expected vectors of 3 numbers, got shape \(4, 2\)"),
        (torch.tensor(1.0), r"expected vectors of 3 numbers, got shape \(\)"),
        (torch.tensor([True]), "expected integers, or vectors of real numbers, got torch.bool"),
        (torch.zeros(1, 3, dtype=torch.complex64), "got torch.complex64"),
    ],
)
def test_an_invalid_label_is_an_error(y, message):
    with pytest.raises(ValueError, match=message):
        class_prior(3)(y)


def test_labels_are_stored_and_loaded_by_shape():
    labels = attribute_prior(torch.randn(20, 3) * 7 + 2)
    empty = LabelPrior(torch.zeros(20, 3))
    empty.load_state_dict(labels.state_dict())
    y = torch.arange(20)
    assert torch.equal(empty(y), labels(y))
    assert torch.equal(empty.log_prob, labels.log_prob)


def test_learned_labels_start_at_their_initial_values_and_classes_stay_probabilities():
    start = torch.eye(3)[[0, 2]]
    classes, free = PseudoLabels(start, classes=True), PseudoLabels(start, classes=False)
    torch.testing.assert_close(classes(), 0.9 * start + 0.1 / 3)
    assert torch.equal(free(), start)
    with torch.no_grad():
        classes.values.add_(torch.randn(2, 3) * 5)
    torch.testing.assert_close(classes().sum(1), torch.ones(2))
