import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.evaluation.probes import probe_accuracy

LABELS = np.repeat(np.arange(3), 60)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_distant_clusters_are_separated_by_all_probes():
    found = probe_accuracy(100 * np.eye(3)[LABELS] + noise(180, 3), LABELS)
    assert found.linear == found.neighbors == 1.0
    assert found.silhouette > 0.9


def test_latents_without_class_information_give_chance():
    found = probe_accuracy(noise(180, 3), LABELS)
    assert found.linear == pytest.approx(1 / 3, abs=0.12)
    assert found.neighbors == pytest.approx(1 / 3, abs=0.12)
    assert abs(found.silhouette) < 0.05


def test_a_ring_is_separated_by_neighbors_but_not_linearly():
    angles = np.linspace(0, 2 * np.pi, 90)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    codes = np.concatenate([10 * ring, 0.1 * ring]) + 0.01 * noise(180, 2)
    found = probe_accuracy(codes, np.repeat([0, 1], 90))
    assert found.neighbors == 1.0
    assert found.linear < 0.75


def test_the_scale_of_a_coordinate_does_not_matter():
    codes = np.eye(3)[LABELS] + 0.3 * noise(180, 3)
    first, second = (probe_accuracy(codes * scale, LABELS) for scale in (1.0, np.array([1e-3, 1.0, 1e3])))
    assert first == pytest.approx(second)


@pytest.mark.parametrize("labels", [np.zeros(180, int), np.arange(180) // 4])
def test_too_few_classes_or_latents_are_refused(labels):
    with pytest.raises(InvalidError, match="expected at least 2 classes of at least 5 latents"):
        probe_accuracy(noise(180, 2), labels)
