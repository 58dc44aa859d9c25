"""What the page shows, for tiny models of every kind, without a port: it is what the model itself says."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch

import cases
from explorer.explored_models import N, base64_of, decoded, explored, numbers, opened, pixels
from vaekit.errors import InvalidError
from vaekit.explorer import requests
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.views import CALLS, ImageResponse, models
from vaekit.models.labels import LabelPrior
from vaekit.models.vae import interpolate
from vaekit.utils.io import to_jsonable

VIEWS = {call.name: call for call in CALLS}
STEP = 1 / 255  # of a picture's levels

KINDS = {
    **{f"prior-{name}": {"prior": name} for name in cases.PRIORS},
    **{f"posterior-{name}": {"posterior": name} for name in cases.POSTERIORS},
    **{f"likelihood-{name}": {"likelihood": name} for name in cases.LIKELIHOODS},
    **{f"levels-{levels}": {"levels": levels} for levels in [(1,), (2,), (2, 3), (2, 1, 2)]},
    "ladder-vamp": {"levels": (2, 3), "prior": "vamp"},
    "color": {"shape": (3, 6, 5)},
    "vector": {"shape": (1, 1, 7), "likelihood": "gaussian-global"},
}


def asked(e: ExplorerSession, name: str, **question) -> dict | ImageResponse:
    """The answer to a question, as the server finds it."""
    call = VIEWS[name]
    answer = call.view(e, requests.parse_request(call.ask, question))
    if isinstance(answer, dict):
        json.dumps(to_jsonable(answer), allow_nan=False)
    return answer


def levels(e: ExplorerSession, i: int = 0) -> str:
    return base64_of((e.image(i)[0].numpy() * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def flat() -> ExplorerSession:
    return explored()


@pytest.fixture(scope="module")
def conditional() -> ExplorerSession:
    return explored(cases.make_vae(levels=(3,), conditioned_parts=["decoder"]))


# ------------------------------------------------------------------------------------------------- every kind


@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_every_call_answers_for_every_kind_of_model(row):
    shape = row.get("shape", cases.SHAPE)
    e = explored(cases.make_vae(**row), shape=shape)
    [model] = to_jsonable(models([e]))["models"]
    d, (width, height) = e.model.latent_dim, model["tile"]
    z = [0.1] * d
    assert model["levels"] == list(e.model.layer_dims)
    assert len(model["latents"]) == d
    assert asked(e, "map")["n"] == N
    assert asked(e, "density")["levels"]
    assert len(asked(e, "point", i=3)["z"]) == d
    assert len(asked(e, "lift", x=0.3, y=0)["z"]) == d
    assert opened(asked(e, "image", i=3).content).size == (width, height)
    assert opened(asked(e, "decode", z=[z, z]).content).size == (2 * width, height)
    assert opened(asked(e, "backdrop", n=3).content).size == (3 * width, 3 * height)
    assert len(asked(e, "draw", seed=1, temperature=0.5)["z"]) == d
    assert (
        asked(e, "draw", z=z, level=0, seed=1)["z"][: e.model.layer_dims[0]] == [0.1] * e.model.layer_dims[0]
    )
    assert len(asked(e, "interpolate", a={"i": 1}, b={"z": z}, steps=4)["z"]) == 4
    assert opened(asked(e, "strip", z=[z, z], form="gif").content).n_frames >= 1
    answer = asked(e, "encode", pixels=levels(e))
    assert len(answer["z"]) == d
    assert opened(base64.b64decode(answer["reconstruction"])).size == (width, height)
    assert (answer["terms"]["elbo"] is None) == (row.get("posterior") == "delta")
    half = np.ones(shape[1:], np.uint8)
    half[:, : shape[2] // 2] = 0
    assert opened(asked(e, "impute", pixels=levels(e), mask=base64_of(half), n=3).content).width == 3 * width


# ---------------------------------------------------------------------------------------------------- the map


def test_the_map_holds_the_codes_and_what_colors_them(flat):
    answer = asked(flat, "map")
    assert np.allclose(numbers(answer["x"]), flat.codes.mean[:, 0])
    assert np.allclose(numbers(answer["y"]), flat.codes.mean[:, 1])
    assert np.array_equal(numbers(answer["label"], "<i2"), np.arange(N) % 3)
    assert np.allclose(numbers(answer["reconstruction"]), flat.reconstruction)
    assert np.allclose(numbers(answer["rate"]), flat.kl[0])


def test_log_likelihoods_come_when_all_are_worked_out():
    e = explored()
    assert asked(e, "map/values") == {"log_likelihood": None, "progress": 0}
    assert asked(e, "point", i=0)["numbers"]["log_likelihood"] is None
    list(e.measure())
    answer = asked(e, "map/values")
    assert answer["progress"] == 1
    assert np.allclose(numbers(answer["log_likelihood"]), e.log_likelihood)
    assert asked(e, "point", i=0)["numbers"]["log_likelihood"] == e.log_likelihood[0]


def test_data_without_labels_have_none():
    e = explored(labels=False)
    assert asked(e, "map")["label"] is None
    assert asked(e, "point", i=0)["label"] is None
    assert models([e])["models"][0]["classes"] is None


def test_a_point_shows_its_posterior(flat):
    answer = asked(flat, "point", i=5)
    assert answer["label"] == 2
    assert answer["z"] == pytest.approx(flat.codes.mean[5].tolist(), rel=1e-4)
    sd = sorted(flat.codes.stddev[5].tolist())
    assert (answer["ellipse"]["b"], answer["ellipse"]["a"]) == pytest.approx(tuple(sd), rel=1e-4)
    terms = answer["numbers"]
    assert terms["elbo"] == pytest.approx(terms["reconstruction"] - terms["rate"])


def test_correlations_turn_the_ellipse():
    e = explored(cases.make_vae(levels=(2,), posterior="full_covariance"))
    answer = asked(e, "point", i=5)
    with torch.no_grad():
        covariance = e.model.encode(e.image(5)).rsample_layers().layers[0].covariance_matrix[0].numpy()
    variances = np.linalg.eigvalsh(covariance)
    found = answer["ellipse"]
    assert (found["b"] ** 2, found["a"] ** 2) == pytest.approx(tuple(variances), rel=1e-3)


def test_a_point_mass_has_no_ellipse():
    answer = asked(explored(cases.make_vae(levels=(2,), posterior="delta")), "point", i=5)
    assert answer["ellipse"] is None
    assert answer["numbers"]["rate"] is answer["numbers"]["elbo"] is None


# -------------------------------------------------------------------------------------------- codes to images


def test_decoding_gives_the_pixels_of_the_model(flat):
    z = [[0.5, -1.0], [2.0, 0.0]]
    found = pixels(asked(flat, "decode", z=z).content)
    assert np.abs(found - np.hstack(list(decoded(flat, z)))).max() < STEP


def test_decoding_at_a_point_says_which_code_that_was(flat):
    answer = asked(flat, "decode", at=[0.25, -0.5])
    assert answer.notes == {"Z": [0.25, -0.5]}
    assert np.abs(pixels(answer.content) - decoded(flat, [[0.25, -0.5]])[0]).max() < STEP


def test_the_backdrop_has_the_upper_edge_first(flat):
    answer = asked(flat, "backdrop", n=4)
    x0, x1, y0, y1 = answer.notes["Bounds"]
    left, upper = x0 + (x1 - x0) / 8, y1 - (y1 - y0) / 8
    corner = pixels(answer.content)[: cases.SHAPE[1], : cases.SHAPE[2]]
    assert np.abs(corner - decoded(flat, [[left, upper]])[0]).max() < STEP


def test_a_way_is_that_of_the_model(flat):
    answer = asked(flat, "interpolate", a={"i": 1}, b={"z": [1, 2]}, steps=5, path="spherical")
    a, b = torch.from_numpy(flat.codes.mean[1]), torch.tensor([1.0, 2.0])
    assert np.allclose(answer["z"], interpolate(a, b, 5, "spherical"), rtol=1e-4)


def test_a_film_goes_there_and_back(flat):
    answer = asked(flat, "strip", z=[[0, 0], [1, 0], [2, 0], [3, 0]], form="gif", fps=20)
    film = opened(answer.content)
    assert answer.media == "image/gif"
    assert (film.format, film.n_frames, film.info["duration"]) == ("GIF", 6, 50)


# -------------------------------------------------------------------------------------------------- the prior


def test_draws_follow_seed_and_temperature(flat):
    def spread(temperature: float) -> float:
        return np.std([asked(flat, "draw", seed=i, temperature=temperature)["z"] for i in range(200)])

    assert asked(flat, "draw", seed=4) == asked(flat, "draw", seed=4) != asked(flat, "draw", seed=5)
    assert spread(1) == pytest.approx(1, abs=0.15)
    assert spread(0.1) == pytest.approx(0.1, abs=0.015)


def test_a_draw_from_a_component_is_near_its_pseudo_input():
    e = explored(cases.make_vae(levels=(2,), prior="vamp"))
    with torch.no_grad():
        means = e.model.encode(e.model.prior.layers[0].images()).mean
    for k in range(3):
        drawn = [asked(e, "draw", component=k, temperature=0.001, seed=s)["z"] for s in range(5)]
        assert np.allclose(drawn, means[k], atol=0.02)


def test_pseudo_inputs_are_shown_ten_a_row():
    e = explored(cases.make_vae(prior="exemplars"))
    answer = asked(e, "pseudo", n=2, start=1)
    assert answer.notes == {"Columns": 2, "Count": 2}
    images = e.model.prior.layers[0].images()
    assert np.abs(pixels(answer.content) - np.hstack(list(images[1:3, 0]))).max() < STEP
    assert models([e])["models"][0]["pseudo_inputs"] == 3


def test_lower_levels_are_drawn_given_those_above():
    e = explored(cases.make_vae(levels=(2, 1, 2)))
    z = [0.3, -0.2, 0.9, 4.0, 5.0]
    drawn = asked(e, "draw", z=z, level=1, seed=2)["z"]
    assert drawn[:3] == z[:3]
    assert drawn[3:] != z[3:]
    assert asked(e, "draw", z=z, level=2, seed=2)["z"] == z


# ------------------------------------------------------------------------------------------------ conditional


def test_a_conditional_model_decodes_in_the_class_that_is_asked_for(conditional):
    z = [0.1, 0.2, 0.3]
    row = pixels(asked(conditional, "classes", z=z).content)
    each = [pixels(asked(conditional, "decode", z=[z], label=k).content) for k in range(3)]
    assert np.array_equal(row, np.hstack(each))
    between = asked(conditional, "decode", z=[z], label=[0, 0.5, 0.5])
    expected = decoded(conditional, [z], torch.tensor([[0, 0.5, 0.5]]))[0]
    assert np.abs(pixels(between.content) - expected).max() < STEP
    assert models([conditional])["models"][0]["condition"]["values"] == ["a", "b", "c"]


def test_attributes_are_a_vector_between_bounds(conditional):
    told, conditional.model.labels = (
        conditional.model.labels,
        LabelPrior(torch.tensor([[0.0, 1, 5], [2, 1, 7]]), torch.tensor([0.25, 0.75]).log()),
    )
    condition = models([conditional])["models"][0]["condition"]
    conditional.model.labels = told
    assert (condition["on"], condition["values"]) == ("attributes", ["0", "1", "2"])
    assert (condition["low"], condition["high"]) == ([0, 1, 5], [2, 1, 7])
    assert condition["start"] == [2, 1, 7]
    assert condition["probabilities"] == pytest.approx([0.25, 0.75])


# ----------------------------------------------------------------------------------------------- from outside


def test_an_image_of_the_data_drawn_anew_has_its_posterior(flat):
    answer = asked(flat, "encode", pixels=levels(flat, 7))
    assert answer["z"] == pytest.approx(asked(flat, "point", i=7)["z"], rel=1e-4)
    assert np.array_equal(pixels(base64.b64decode(answer["image"])), flat.image(7)[0, 0])
    terms = answer["terms"]
    assert terms["elbo"] == pytest.approx(terms["reconstruction"] - sum(terms["rate"]), abs=1e-3)
    assert terms["log_likelihood"] > terms["elbo"] - 1


def test_imputing_keeps_what_is_seen(flat):
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[:, 3:] = 0
    answer = asked(flat, "impute", pixels=levels(flat, 7), mask=base64_of(mask), n=4)
    assert answer.notes["Ess"] >= 1
    for filled in np.split(pixels(answer.content), 4, axis=1):
        assert np.array_equal(filled[:, :3], flat.image(7)[0, 0, :, :3])
    assert len(np.unique(pixels(answer.content)[:, 3:5])) > 2


def test_a_mask_hides_pixels_from_the_encoder(flat):
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[0] = 0
    with_mask = asked(flat, "encode", pixels=levels(flat, 7), mask=base64_of(mask))
    x = flat.image(7).clone()
    x[..., 0, :] = 0
    assert with_mask["z"] == pytest.approx(flat.model.encode(x).mean[0].tolist(), rel=1e-4)


def test_an_image_from_outside_is_told_its_likeliest_class():
    e = explored(cases.make_labeled())
    answer = asked(e, "encode", pixels=levels(e, 7))
    assert sum(answer["label"]) == pytest.approx(1, abs=1e-5)
    mode_ = int(np.argmax(answer["label"]))
    same = asked(e, "encode", pixels=levels(e, 7), label=mode_)
    assert answer["z"] == same["z"] != asked(e, "encode", pixels=levels(e, 7), label=(mode_ + 1) % 3)["z"]
    assert asked(explored(), "encode", pixels=levels(e, 7))["label"] is None


def test_imputing_without_a_label_draws_it_too():
    e = explored(cases.make_labeled())
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[:2] = 0
    assert asked(e, "impute", pixels=levels(e, 7), mask=base64_of(mask)).notes["Ess"] >= 1


# --------------------------------------------------------------------------------------------------- refusals

REFUSED = [
    ("decode", {"z": [[0, float("nan")]]}, "z.0.1: Input should be a finite number"),
    ("decode", {"z": [[0, 1e9]]}, "z.0.1: Input should be less than or equal to 1000000"),
    ("decode", {"z": [[0, 0]] * 65}, "z: List should have at most 64 items"),
    ("decode", {"z": [[0]]}, "z: expected 2 numbers, got 1"),
    ("decode", {}, "expected either z or at"),
    ("decode", {"z": [[0, 0]], "at": [0, 0]}, "expected either z or at"),
    ("decode", {"z": [[0, 0]], "w": 1}, "w: Extra inputs are not permitted"),
    ("image", {"i": -1}, "i: Input should be greater than or equal to 0"),
    ("image", {"i": N}, "image 30: there are images 0 to 29"),
    ("point", {"i": 0, "kind": "umap3"}, "kind: Input should be"),
    ("draw", {"temperature": 0}, "temperature: Input should be greater than 0"),
    ("draw", {"component": 0}, "component: the prior of this model is no mixture"),
    ("draw", {"level": 0}, "z: expected the code whose lower levels"),
    ("draw", {"level": 1, "z": [0, 0]}, "level: this model has levels 0 to 0, got 1"),
    ("interpolate", {"a": {}, "b": {"i": 1}}, "a: expected either i or z"),
    ("interpolate", {"a": {"i": 99}, "b": {"i": 1}}, "image 99"),
    ("classes", {"z": [0, 0]}, "classes: this model is not conditioned"),
    ("pseudo", {}, "prior: expected one made of images"),
    ("encode", {"pixels": "AAAA"}, "pixels: expected 30 bytes, got 3"),
    ("encode", {"pixels": "no base64!"}, "pixels: expected base64"),
    ("encode", {"file": "AAAA"}, "file: not an image that can be read"),
    ("encode", {}, "expected either pixels or file"),
]


@pytest.mark.parametrize(("name", "question", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(flat, name, question, message):
    with pytest.raises((InvalidError, LookupError)) as caught:
        asked(flat, name, **question)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_no_component_beyond_the_last_no_image_beyond_the_last():
    e = explored(cases.make_vae(prior="vamp"))
    with pytest.raises(InvalidError, match="component: expected 0 to 2, got 3"):
        asked(e, "draw", component=3)
    with pytest.raises(InvalidError, match="start: this prior is made of 3 images, got 3"):
        asked(e, "pseudo", start=3)


def test_views_leave_random_numbers_and_weights_alone(flat):
    before = [p.clone() for p in flat.model.parameters()], torch.random.get_rng_state()
    for name, question in [("draw", {}), ("encode", {"pixels": levels(flat)}), ("point", {"i": 0})]:
        asked(flat, name, **question)
    assert torch.equal(torch.random.get_rng_state(), before[1])
    assert all(map(torch.equal, flat.model.parameters(), before[0]))
