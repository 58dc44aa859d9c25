"""The blocks of the study of conditional models, on models of 8 x 8 digits that train in a moment."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
import yaml

from vaekit.engine import impute
from vaekit.errors import InvalidError
from vaekit.evaluation import feature_classifier
from vaekit.evaluation.importance_sampling import measure_batches, measure_importance
from vaekit.evaluation.label_inference import measure_marginal
from vaekit.studies.blocks import conditional, imputation
from vaekit.studies.display import SilentDisplay
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import study as perform
from vaekit.utils.io import write_whole

TREE = {
    "overrides": [
        "data.train=400",
        "training.epochs=3",
        "model.latent_dim=4",
        "training.learning_rate=0.005",
    ],
    "runs": [
        {
            "name": "cvae",
            "label": "CVAE",
            "recipe": "digits",
            "overrides": ["model.condition=label"],
            "group": "conditional",
        },
        {"name": "vae", "label": "VAE", "recipe": "digits"},
    ],
    "presets": {"quick": {"evaluate": {"samples": 4, "images": 60}}},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("conditional")
    file = write_whole(folder / "conditional.yaml", yaml.safe_dump(TREE).encode())
    return perform(file, folder=folder, jobs=1, display=SilentDisplay())


@pytest.fixture
def _quick_classifier(monkeypatch, tmp_path):
    monkeypatch.setattr(feature_classifier, "STEPS", 100)
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path))


def drawn(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple]:
    """What a figure of this name is drawn of, a call each."""
    calls: list[tuple] = []
    monkeypatch.setattr(f"vaekit.plotting.{name}", lambda *given, **_: calls.append(given))
    return calls


def trained(results: StudyResults, name: str):
    return results.select(name)[0].first.trained


def test_a_row_of_styles_has_the_same_latents_under_every_class(results, monkeypatch):
    calls = drawn(monkeypatch, "class_grid")
    conditional.class_styles(results, "cvae", rows=3, seed=5)
    [(images, names, _)] = calls
    assert (images.shape, list(names)) == ((3, 10, 1, 8, 8), [str(k) for k in range(10)])
    model = trained(results, "cvae").model
    sevens = model.sample(3, context=torch.full((3,), 7), seed=5)
    np.testing.assert_allclose(images[:, 7], sevens.clamp(0, 1), atol=1e-6)


def test_style_transfers_are_beside_their_originals(results, monkeypatch):
    calls = drawn(monkeypatch, "class_grid")
    conditional.style_transfers(results, "cvae", n=4)
    [(images, names, _)] = calls
    assert (images.shape, names[0]) == ((4, 11, 1, 8, 8), "original")


def test_interpolation_keeps_what_does_not_vary(results, monkeypatch):
    calls = drawn(monkeypatch, "interpolation_rows")
    conditional.conditional_interpolation(results, [(1, 7)], "cvae", steps=3)
    [(paths, title, (first, last))] = calls
    assert title.endswith("CVAE")
    model = trained(results, "cvae").model
    a, b = (model.encode(torch.from_numpy(end)).mean for end in (first, last))

    def decoded(z: torch.Tensor, label: int) -> np.ndarray:
        return model.decode(z, torch.tensor([label])).mean.detach().clamp(0, 1).numpy()[0]

    ends = {words: path[0, [0, -1]] for words, path in paths.items()}
    np.testing.assert_allclose(ends["style alone"], [decoded(a, 1), decoded(b, 1)], atol=1e-6)
    np.testing.assert_allclose(ends["class alone"], [decoded(a, 1), decoded(a, 7)], atol=1e-6)
    np.testing.assert_allclose(ends["both"], [decoded(a, 1), decoded(b, 7)], atol=1e-6)


def test_an_unconditional_model_has_no_label_to_vary(results):
    with pytest.raises(InvalidError, match="is not conditioned on a label"):
        conditional.conditional_interpolation(results, [(1, 7)], "vae")


@pytest.mark.usefixtures("_quick_classifier")
def test_accuracies_are_those_of_the_classifier(results):
    [table] = conditional.conditional_accuracy(results, "cvae", n=20)
    [(name, cells)] = table.rows
    shares = [cell.value for cell in cells]
    assert (name, len(shares)) == ("CVAE", 11)
    assert shares[-1] == pytest.approx(np.mean(shares[:-1]))
    found = trained(results, "cvae")
    judge = feature_classifier.feature_classifier(found.load_data()[0])
    threes = judge.logits(found.model.sample(20, context=torch.full((20,), 3), seed=0)).argmax(1)
    assert shares[3] == (threes == 3).double().mean().item()


def test_likelihoods_with_and_without_the_label(results):
    [table] = conditional.label_likelihood(results, n=40, samples=8)
    (_, with_labels), (_, without) = table.rows
    given, averaged, _, difference, right = (cell.value for cell in with_labels)
    found = trained(results, "cvae")
    seen = found.load_split("test", images=40)
    by = {
        "given": measure_batches(found.model, seen.batches(100), 8).log_likelihood,
        "averaged": measure_batches(
            found.model,
            seen.batches(100),
            8,
            measure=partial(measure_marginal, measure_conditional=measure_importance),
        ).log_likelihood,
    }
    assert given == pytest.approx(by["given"].mean().item())
    assert averaged == pytest.approx(by["averaged"].mean().item())
    assert difference == pytest.approx(given - averaged)
    assert difference < math.log(10) + 0.1
    assert 0 <= right <= 1
    assert [cell.value is None for cell in without] == [True, False, False, True, True]


def test_unconditional_models_have_no_entropy_of_labels(results):
    with pytest.raises(InvalidError, match="no model is conditioned on labels"):
        conditional.label_likelihood(results, "vae")


def test_imputations_with_and_without_the_label_have_their_errors(results, monkeypatch):
    rows, draws = drawn(monkeypatch, "image_rows"), drawn(monkeypatch, "imputations")
    *_, table = imputation.imputation(
        results, missing="square:4", n=3, n_images=20, imputations=2, samples=20
    )
    names = [name for name, _ in table.rows]
    assert names == ["CVAE, label unknown", "CVAE, label given", "VAE", "mean training image"]
    for (name, cells), labels in zip(table.rows[:2], ("marginalize", "condition"), strict=True):
        found = impute.impute_dataset(
            trained(results, "cvae"), "square:4", max_images=20, imputations=2, samples=20, labels=labels
        )
        assert cells[0].value == pytest.approx(found.rmse), name
    assert [list(each) for each, _ in rows] == [["observed", *names[:3]]]
    assert [each[1].shape for each in draws] == [(3, 2, 1, 8, 8)]


def test_marginalizing_the_label_changes_the_imputation(results):
    model = trained(results, "cvae")
    given, unknown = (
        impute.impute_dataset(model, "square:6", max_images=10, samples=20, labels=labels)
        for labels in ("condition", "marginalize")
    )
    assert np.array_equal(given.observed, unknown.observed, equal_nan=True)
    assert not np.allclose(given.mean, unknown.mean)
