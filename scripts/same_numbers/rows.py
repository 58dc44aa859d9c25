"""What is trained and measured, in new names: models of every pair of choices, and the studies made small."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

Tree = dict[str, Any]
Chosen = tuple[str, ...]

CHOICES: dict[str, dict[str, Any]] = {
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
        "log_variance": {"kind": "gaussian"},
        "log_variance-bounded": {"kind": "gaussian", "bounds": [-6, 2]},
        "log_sigma-bounded": {"kind": "gaussian", "parametrization": "log_std", "bounds": [-6, 2]},
        "sigma": {"kind": "gaussian", "parametrization": "softplus"},
        "signed_sigma": {"kind": "gaussian", "parametrization": "unconstrained"},
        "full_covariance": {"kind": "full_covariance"},
        "flow": {"kind": "flow", "transforms": 1, "hidden_sizes": [4]},
        "dirac": {"kind": "delta"},
    },
    "likelihood": {
        "bernoulli": {"kind": "bernoulli"},
        "continuous_bernoulli": {"kind": "continuous_bernoulli"},
        "gaussian": {"kind": "gaussian"},
        "gaussian-fixed": {"kind": "gaussian", "sigma": 0.5},
        "gaussian-learned": {"kind": "gaussian", "sigma": "learned"},
        "gaussian-optimal": {"kind": "gaussian", "sigma": "optimal"},
        "discretized_logistic": {"kind": "discretized_logistic"},
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
        "decoder": {"variable": "label", "parts": ["decoder"]},
        "prior": {"variable": "label", "parts": ["prior"]},
        "encoder": {"variable": "label", "parts": ["encoder", "decoder"]},
        "all": {"variable": "label", "parts": ["prior", "encoder", "decoder"]},
        "attributes": {"variable": "attributes", "parts": ["prior", "encoder", "decoder"]},
    },
}  # fmt: skip

# Each row takes the next of each of these lists, so that they too meet one another.
OBSERVATIONS = {
    "bernoulli": ("dynamic", "threshold", "static"),
    "discretized_logistic": ("discrete",),
    "categorical": ("discrete",),
    "gaussian": ("continuous", "discrete"),
    "continuous_bernoulli": ("continuous", "discrete"),
}
OBJECTIVES: tuple[Tree, ...] = (
    {},
    {"samples": 2, "beta": {"kind": "linear", "warmup": 2, "init": 0.1}},
    {"kind": "iwae", "samples": 3},
    {"free_bits": 0.05},
    {"beta": {"kind": "cyclical", "period": 4, "ratio": 0.5, "unit": "step"}},
    {"beta": {"kind": "constant", "value": 4.0}},
    {"beta": {"kind": "linear", "warmup": 3, "final": 0.5, "unit": "step"}, "free_bits": 0.1},
    {"beta": {"kind": "cyclical", "period": 1, "init": 0.2}, "samples": 2},
)
MISSING: tuple[Any, ...] = (
    None,
    None,
    {"kind": "pixels", "share": 0.3},
    None,
    {"kind": "square", "size": 2},
    None,
    {"kind": "half", "side": "random"},
    {"kind": "half", "side": "left"},
    None,
)
TRAINING: tuple[Tree, ...] = (
    {},
    {"schedule": {"kind": "cosine", "warmup": 1, "min_lr_ratio": 0.1}},
    {"schedule": {"kind": "exponential", "factor": 0.9}, "weight_decay": 0.01},
    {"gradient_clip": 1.0, "schedule": {"kind": "constant", "warmup": 2}},
    {"ema": 0.9},
    {"patience": 1, "learning_rate": 0.003},
    {"checkpoint_steps": 2},
)


# Studies are run as their preset `quick`, but for what follows.
class Tiny(NamedTuple):
    """What is changed in every recipe, the protocol of evaluation, and how many samples are scored."""

    recipe: Tree
    evaluate: Tree
    quality: int


TINY = Tiny(
    {
        "data": {"train": 128, "validation": 32},
        "training": {"epochs": 2, "batch_size": 32, "device": "cpu"},
    },
    {"samples": 5, "images": 20},
    20,
)
SEEDS = {"parametrization": 2}  # of a study; 1 of the others
DATASETS = {"priors": ("fashion-mnist", "frey-faces")}  # that a study needs beside mnist
CLOCKS = ("seconds", "seconds_per_epoch")  # metrics that are taken off the pages
FIRST_OPTION = "runs"  # of every block below, which a bare value stands for
BLOCKS: dict[str, Tree] = {  # options with which blocks that take long do not
    "estimator_gaps": {"images": 3, "samples": 20, "chains": 2, "steps": 3},
    "exact_log_likelihood": {"images": 3, "samples": [1, 10], "spacing": 0.2},
    "kl_check": {"images": 20, "samples": [2, 10]},
    "latent_probes": {"n": 200},
    "latent_scatter": {"n": 60},
    "latent_histograms": {"n": 60},
    "latent_normality": {"n": 60},
    "kl_by_latent": {"n": 60},
    "midpoint_quality": {"n": 20},
    "conditional_accuracy": {"n": 5},
    "label_likelihood": {"n": 20, "samples": 5},
    "imputation": {"n": 3, "n_images": 6, "samples": 20},
    "clusters": {"images": 60},
    "sample_grid": {"n": 9},
    "manifold": {"n": 4},
}


class Row(NamedTuple):
    """A model.

    Attributes:
        name: of it.
        recipe: in new names.
        also: what is done with it beside training, measuring and drawing: `annealed`, `sandwich`, `quality`,
            `classifier`, `labels missing`, `hidden`, `resume`, `figures`.
    """

    name: str
    recipe: Tree
    also: frozenset[str]


def observation_keys(observation: str) -> dict[str, str]:
    """The keys of a recipe that stand for an observation."""
    if observation in ("discrete", "continuous"):
        return {"binarization": "none", "values": observation}
    return {"binarization": observation}


def arrays() -> dict[str, dict[str, np.ndarray]]:
    """The datasets of the models, by the names of their files: arrays of a `.npz`."""
    rng = np.random.default_rng(0)
    levels, labels = rng.integers(0, 256, (44, 1, 6, 5), np.uint8), np.arange(44) % 3
    real = rng.normal(size=(44, 1, 6, 5)).astype(np.float32)
    holed = np.where(rng.random(real.shape) < 0.2, np.float32("nan"), real)
    color = rng.integers(0, 256, (44, 6, 5, 3), np.uint8)
    parts = {"x_train": levels[:24], "y_train": labels[:24], "x_test": levels[24:], "y_test": labels[24:]}
    return {
        "noise": {"x": levels, "y": labels},
        "holed": {"x": holed, "y": labels},
        "color": {"x": color},
        "vectors": {"x": real.reshape(44, 30)},
        "parted": parts,
    }


def attributes() -> str:
    """Attributes of the images of `noise`, as a CSV."""
    rng = np.random.default_rng(1)
    lines = [
        f"{height:.3f},{('red', 'brown')[hair]}"
        for height, hair in zip(rng.normal(size=44), rng.integers(0, 2, 44), strict=True)
    ]
    return "\n".join(["height,hair", *lines]) + "\n"


def models(folder: str) -> list[Row]:
    """The rows, of data that lie in a folder: first a mixed lot, so that a few of them already say much."""
    pairs = _rows_with_all_pairs()
    random.Random(0).shuffle(pairs)
    return [_row(number, chosen, folder) for number, chosen in enumerate(pairs)] + list(_further(folder))


def _row(number: int, chosen: Chosen, folder: str) -> Row:
    prior, posterior, likelihood, network, latent, condition = (
        options[name] for options, name in zip(CHOICES.values(), chosen, strict=True)
    )
    observations = OBSERVATIONS[likelihood["kind"]]
    by_attributes = condition is not None and condition["variable"] == "attributes"
    point = posterior["kind"] == "delta"
    recipe = {
        "data": {
            "dataset": f"{folder}/noise.npz",
            "attributes": f"{folder}/attributes.csv" if by_attributes else None,
            **observation_keys(observations[number % len(observations)]),
            "missing": MISSING[number % len(MISSING)],
            "seed": number % 3,
        },
        "model": {
            "latent_dim": latent,
            "prior": prior,
            "condition": condition,
            "encoder": {"network": network, "posterior": posterior},
            "decoder": {"network": network, "likelihood": likelihood},
        },
        "objective": {"beta": {"kind": "constant", "value": 0.0}}
        if point
        else OBJECTIVES[number % len(OBJECTIVES)],
        "training": {**TRAINING[number % len(TRAINING)], "seed": number},
    }
    return Row("+".join(chosen), *_completed(recipe, _also(number, chosen)))


def _completed(recipe: Tree, also: frozenset[str]) -> tuple[Tree, frozenset[str]]:
    """A recipe with what all rows have in common."""
    data = {"validation": 8, "test": 12, **recipe["data"]}
    training = {
        "epochs": 2,
        "batch_size": 8,
        "device": "cpu",
        "sample_every": int("figures" in also),
        **recipe.get("training", {}),
    }
    return {"objective": {}, **recipe, "data": data, "training": training}, also


def _also(number: int, chosen: Chosen) -> frozenset[str]:
    _, posterior, _, network, latent, condition = chosen
    light = (
        posterior not in ("dirac", "flow")
        and network.startswith("dense")
        and latent in ("1-level", "2-levels")
    )
    every = {
        "quality": number % 9 == 2,
        "hidden": number % 4 == 1,
        "resume": number % 9 == 5,
        "labels missing": condition != "none" and number % 2 == 0,
        "annealed": light and number % 2 == 0,
        "sandwich": light and number % 2 == 1,
        "figures": number % 30 == 3,
    }
    return frozenset(name for name, wanted in every.items() if wanted)


def _further(folder: str) -> Iterator[Row]:
    """What no pair above holds."""
    dense = {"kind": "dense", "hidden_sizes": [8]}
    base: Tree = {
        "data": {"dataset": f"{folder}/noise.npz", "binarization": "none", "values": "continuous"},
        "model": {
            "latent_dim": 3,
            "encoder": {"network": dense, "posterior": {"kind": "gaussian"}},
            "decoder": {"network": dense, "likelihood": {"kind": "gaussian", "sigma": "global"}},
        },
    }
    label = {"variable": "label", "parts": ["prior", "decoder"]}
    autoregressive = {"kind": "flow", "type": "autoregressive", "transforms": 1, "hidden_sizes": [4]}
    linear, small = (
        {"kind": "dense", "hidden_sizes": []},
        {"kind": "convolutional", "channels": [3], "hidden_sizes": []},
    )
    by_class = {"kind": "mixture", "components": 3, "weights": "class_conditional"}
    learned = {"kind": "exemplars", "components": 3, "weights": "learned"}
    at_random = {"kind": "vamp", "components": 4, "init": "random", "mean": 0.3, "std": 0.3}
    led = {"kind": "standard_normal", "network": dense}
    rows: dict[str, tuple[Tree, set[str]]] = {
        "log_sigma": (
            {"model": {"encoder": {"posterior": {"kind": "gaussian", "parametrization": "log_std"}}}},
            set(),
        ),
        "autoregressive posterior": ({"model": {"encoder": {"posterior": autoregressive}}}, set()),
        "linear networks": (
            {"model": {"encoder": {"network": linear}, "decoder": {"network": linear}}},
            {"annealed", "sandwich"},
        ),
        "a component a class": ({"model": {"prior": by_class, "condition": label}}, {"labels missing"}),
        "learned weights of exemplars": ({"model": {"prior": learned}}, set()),
        "random pseudo-inputs": ({"model": {"prior": at_random}}, {"figures"}),
        "a network of the prior": ({"model": {"latent_dim": [2, 3], "prior": led}}, set()),
        "holes": ({"data": {"dataset": f"{folder}/holed.npz"}}, set()),
        "vectors": ({"data": {"dataset": f"{folder}/vectors.npz"}}, {"hidden"}),
        "color": (
            {"data": {"dataset": f"{folder}/color.npz"}, "model": {"encoder": {"network": small}}},
            set(),
        ),
        "published parts": ({"data": {"dataset": f"{folder}/parted.npz", "train": 10}}, {"classifier"}),
        "bfloat16": ({"training": {"precision": "bfloat16"}}, set()),
        "two latents": ({"model": {"latent_dim": 2, "condition": label}}, {"figures", "labels missing"}),
    }
    for name, (changes, also) in rows.items():
        yield Row(name, *_completed(_merged(base, changes), frozenset(also)))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    """`over` on top of `base`; what has a kind replaces the whole."""
    merged = dict(base)
    for key, value in over.items():
        plain = isinstance(value, Mapping) and "kind" not in value and isinstance(base.get(key), Mapping)
        merged[key] = _merged(base[key], value) if plain else value
    return merged


# ------------------------------------------------------------------------------------------------ all pairs


def _refused(chosen: Chosen) -> bool:
    """A mixture of posteriors has no density where these are points."""
    return chosen[0].startswith(("vamp", "exemplars")) and chosen[1] == "dirac"


def _rows_with_all_pairs() -> list[Chosen]:
    """A few rows in which every pair of values of two choices occurs, found greedily."""
    rng = random.Random(2)
    values = [list(options) for options in CHOICES.values()]
    open_ = {
        wanted
        for places in combinations(range(len(values)), 2)
        for chosen in product(*(values[place] for place in places))
        if not (places == (0, 1) and _refused(chosen)) and (wanted := tuple(zip(places, chosen, strict=True)))
    }
    rows: list[Chosen] = []
    for wanted in sorted(open_):
        if wanted in open_:
            tries = [_filled(wanted, values, rng) for _ in range(10)]
            rows.append(max(tries, key=lambda row: len(open_ & _parts(row))))
            open_ -= _parts(rows[-1])
    return rows


def _filled(wanted: Sequence[tuple[int, str]], values: list[list[str]], rng: random.Random) -> Chosen:
    given = dict(wanted)
    row = tuple(given.get(place, rng.choice(options)) for place, options in enumerate(values))
    if not _refused(row):
        return row
    if 0 not in given:
        return ("standard_normal", *row[1:])
    return (row[0], "log_variance", *row[2:])


def _parts(row: Chosen) -> set[tuple]:
    return set(combinations(enumerate(row), 2))
