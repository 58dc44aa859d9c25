"""Any prior x posterior x likelihood x network x depth x condition, by recipe alone.

All combinations are some tens of thousands. In the table below every pair of values occurs in some row, which
is how most faults of combination are found; the rows of `make test-all` hold all triples.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import torch

from vaekit.config.build import build_labels, build_model, build_objective, training_images
from vaekit.config.loading import parse_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.splits import Splits, split
from vaekit.engine.model_files import load_model, save_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import RecipeError
from vaekit.evaluation.importance_sampling import measure_batches

SHAPE = (1, 6, 5)

Choice = dict[str, Any]
Row = tuple[str, ...]

CHOICES: dict[str, dict[str, Choice]] = {
    "prior": {
        "standard_normal": {"kind": "standard_normal"},
        "mixture": {"kind": "mixture", "components": 3},
        "vamp": {"kind": "vamp", "components": 3},
        "vamp-learned": {"kind": "vamp", "components": 3, "weights": "learned", "init": "data"},
        "exemplars": {"kind": "exemplars", "components": 3},
        "flow": {"kind": "flow", "transforms": 2, "hidden_sizes": [4]},
        "flow-autoregressive": {
            "kind": "flow", "type": "autoregressive", "transforms": 1, "hidden_sizes": [4]
        },
    },
    "posterior": {
        "gaussian": {"kind": "gaussian"},
        "gaussian-bounded": {"kind": "gaussian", "bounds": [-6, 2]},
        "gaussian-log_std-bounded": {"kind": "gaussian", "parametrization": "log_std", "bounds": [-6, 2]},
        "gaussian-softplus": {"kind": "gaussian", "parametrization": "softplus"},
        "gaussian-unconstrained": {"kind": "gaussian", "parametrization": "unconstrained"},
        "full_covariance": {"kind": "full_covariance"},
        "flow": {"kind": "flow", "transforms": 1, "hidden_sizes": [4]},
        "delta": {"kind": "delta"},
    },
    "likelihood": {
        "bernoulli": {"kind": "bernoulli"},
        "continuous_bernoulli": {"kind": "continuous_bernoulli"},
        "gaussian": {"kind": "gaussian"},
        "gaussian-fixed": {"kind": "gaussian", "sigma": 0.5},
        "gaussian-learned": {"kind": "gaussian", "sigma": "learned"},
        "gaussian-optimal": {"kind": "gaussian", "sigma": "optimal"},
        "discretized_logistic": {"kind": "discretized_logistic"},
        "discretized_gaussian": {"kind": "discretized_gaussian"},
        "categorical": {"kind": "categorical"},
    },
    "network": {
        "dense": {"kind": "dense", "hidden_sizes": [16], "activation": "elu"},
        "dense-gated": {"kind": "dense", "hidden_sizes": [16, 16], "gated": True},
        "convolutional": {"kind": "convolutional", "channels": [3, 4], "hidden_sizes": [16]},
        "convolutional-gated": {
            "kind": "convolutional", "channels": [3, 4], "hidden_sizes": [16], "gated": True
        },
        "residual": {"kind": "residual", "channels": [3, 4], "hidden_sizes": [16]},
    },
    "latent": {"1-level": 3, "2-levels": [2, 3], "3-levels": [2, 2, 3], "4-levels": [2, 3, 2, 2]},
    "condition": {
        "none": None,
        "decoder": {"parts": ["decoder"]},
        "prior": {"parts": ["prior"]},
        "encoder": {"parts": ["encoder", "decoder"]},
        "all": {"parts": ["prior", "encoder", "decoder"]},
        "attributes": {"variable": "attributes", "parts": ["prior", "encoder", "decoder"]},
    },
}  # fmt: skip


def refused(row: Row) -> bool:
    """A mixture of posteriors has no density where these are points."""
    return row[0].startswith(("vamp", "exemplars")) and row[1] == "delta"


def rows_with_all(strength: int) -> list[Row]:
    """A few rows in which every combination of values of any so many choices occurs, found greedily."""
    rng = random.Random(strength)
    values = [list(options) for options in CHOICES.values()]
    open_ = {
        wanted
        for places in combinations(range(len(values)), strength)
        for chosen in product(*(values[place] for place in places))
        if not _refuses(wanted := tuple(zip(places, chosen, strict=True)))
    }
    rows: list[Row] = []
    for wanted in sorted(open_):
        if wanted in open_:
            tries = [_completed(wanted, values, rng) for _ in range(10)]
            rows.append(max(tries, key=lambda row: len(open_ & _parts(row, strength))))
            open_ -= _parts(rows[-1], strength)
    return rows


def _refuses(part: tuple) -> bool:
    given = dict(part)
    return 0 in given and 1 in given and refused((given[0], given[1]))


def _completed(wanted: tuple, values: list[list[str]], rng: random.Random) -> Row:
    given = dict(wanted)
    row = tuple(given.get(place, rng.choice(options)) for place, options in enumerate(values))
    if not refused(row):
        return row
    if 0 not in given:
        return ("standard_normal", *row[1:])
    return row if 1 in given else (row[0], "gaussian", *row[2:])


def _parts(row: Row, strength: int) -> set[tuple]:
    return set(combinations(enumerate(row), strength))


def recipe_of(row: Row) -> Recipe:
    choice = {name: CHOICES[name][value] for name, value in zip(CHOICES, row, strict=True)}
    return parse_recipe(
        {
            "data": {
                "dataset": "noise",
                "binarization": "threshold" if row[2] == "bernoulli" else "none",
            },
            "model": {
                "latent_dim": choice["latent"],
                "prior": choice["prior"],
                "condition": choice["condition"],
                "encoder": {"network": choice["network"], "posterior": choice["posterior"]},
                "decoder": {"network": choice["network"], "likelihood": choice["likelihood"]},
            },
            "objective": {"beta": 0} if row[1] == "delta" else {},
        }
    )


def noise() -> tuple[Dataset, Splits]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, *SHAPE), np.uint8)
    labels = np.arange(30) % 3
    dataset = Dataset(
        "noise", "Noise", images, labels, ("a", "b", "c"),
        attributes=rng.normal(size=(30, 2)).astype(np.float32), attribute_names=("height", "age"),
    )  # fmt: skip
    return dataset, split(dataset, validation=5, test=5)


def built(row: Row) -> tuple[TrainedModel, Dataset, Splits]:
    recipe, (dataset, splits) = recipe_of(row), noise()
    labels = build_labels(recipe, dataset, splits)
    images = training_images(recipe, dataset, splits)
    model = build_model(recipe.model, dataset.shape, 0, images, labels)
    return TrainedModel(model, recipe, SHAPE, dataset.label_names, None), dataset, splits  # type: ignore[arg-type]


def ids(rows: list[Row]) -> Iterator[str]:
    return ("+".join(row) for row in rows)


PAIRS, TRIPLES = rows_with_all(2), rows_with_all(3)


def test_every_pair_of_values_is_in_the_table():
    found = {part for row in PAIRS for part in combinations(enumerate(row), 2)}
    values = [[(place, name) for name in options] for place, options in enumerate(CHOICES.values())]
    wanted = {pair for a, b in combinations(values, 2) for pair in product(a, b)}
    assert {pair for pair in wanted if not _refuses(pair)} == found


@pytest.mark.parametrize("row", PAIRS, ids=ids(PAIRS))
def test_every_pair_of_choices_works_from_training_to_imputing(row: Row, tmp_path):
    works(row, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("row", TRIPLES, ids=ids(TRIPLES))
def test_every_triple_of_choices_works_from_training_to_imputing(row: Row, tmp_path):
    works(row, tmp_path)


def works(row: Row, folder) -> None:
    trained, dataset, splits = built(row)
    trains_a_step(trained, trained.subset(dataset, splits.train, training=True))
    trained.model.eval()
    samples(trained)
    imputes(trained, trained.subset(dataset, splits.test))
    is_measured_and_kept(trained, dataset, splits, folder)


def trains_a_step(trained: TrainedModel, seen) -> None:
    """Three steps move every weight, and every weight has a gradient.

    The first alone would not reach what lies behind a map that starts at zero.
    """
    model, objective = trained.model, build_objective(trained.recipe.objective)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for _ in range(3):
        optimizer.zero_grad()
        terms = model.elbo_terms(seen.all(), seen.labels, n_samples=2, seed=0)
        objective.loss(terms, objective.final_beta).backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        if trained.recipe.model.encoder.posterior.kind == "delta" and name.startswith("prior."):
            continue  # with beta = 0 the prior serves for sampling only
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0, name
        assert not torch.equal(weight, before[name]), name


def samples(trained: TrainedModel) -> None:
    drawn = trained.model.sample(4, seed=0, sample_pixels=True)
    assert drawn.shape == (4, *SHAPE)
    assert torch.isfinite(drawn).all()
    assert not torch.equal(drawn, trained.model.sample(4, seed=1, sample_pixels=True))


def imputes(trained: TrainedModel, seen) -> None:
    """Observed pixels stay, the others become finite, and not always the same."""
    x, known = seen.all(), torch.ones(len(seen), *SHAPE, dtype=torch.bool)
    known[..., 2:] = False
    filled = trained.model.impute(
        x.masked_fill(~known, torch.nan), seen.labels, imputations=3, samples=20, seed=0
    )
    assert filled.shape == (3, len(seen), *SHAPE)
    assert torch.isfinite(filled).all()
    assert torch.equal(filled[:, known], x[known].expand(3, -1))


def is_measured_and_kept(trained: TrainedModel, dataset: Dataset, splits: Splits, folder) -> None:
    """Saved and loaded, the model gives the same numbers."""
    save_model(folder, trained.model, trained.recipe, dataset)
    again = load_model(folder)
    assert again.recipe == trained.recipe
    seen = trained.subset(dataset, splits.test)
    a, b = (measure_batches(model, seen.batches(3), 10) for model in (trained.model, again.model))
    assert torch.equal(a.log_likelihood, b.log_likelihood)
    assert torch.equal(a.latents, b.latents)
    if trained.recipe.model.encoder.posterior.kind != "delta":
        assert torch.isfinite(a.log_likelihood).all()
        assert (a.log_likelihood > a.reconstruction - a.kl.sum(0) - 20).all()


@pytest.mark.parametrize("prior", [name for name in CHOICES["prior"] if refused((name, "delta"))])
def test_a_mixture_of_points_is_refused(prior: str):
    with pytest.raises(RecipeError, match="points without a density"):
        recipe_of((prior, "delta", "bernoulli", "dense", "1-level", "none"))
