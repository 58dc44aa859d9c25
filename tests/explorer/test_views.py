"""The views, for tiny models of every kind, without a port: they return what the model itself computes."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch

import cases
from explorer.sessions import N, base64_of, decoded, numbers, opened, pixels, tiny_session
from vaekit.config.build import build
from vaekit.config.propose import propose
from vaekit.engine.model_files import load_model, save_model
from vaekit.errors import InvalidError
from vaekit.explorer import requests
from vaekit.explorer.session import ExplorerSession, demo, open_session
from vaekit.explorer.views import CALLS, ImageResponse, models
from vaekit.models.labels import LabelPrior
from vaekit.models.vae import interpolate
from vaekit.utils.io import to_jsonable

VIEWS = {call.name: call for call in CALLS}
STEP = 1 / 255  # gray level

KINDS = {
    **{f"prior-{name}": {"prior": name} for name in cases.PRIORS},
    **{f"posterior-{name}": {"posterior": name} for name in cases.POSTERIORS},
    **{f"likelihood-{name}": {"likelihood": name} for name in cases.LIKELIHOODS},
    **{f"layers-{dims}": {"layer_dims": dims} for dims in [(1,), (2,), (2, 3), (2, 1, 2)]},
    "hierarchy-vamp": {"layer_dims": (2, 3), "prior": "vamp"},
    "color": {"shape": (3, 6, 5)},
    "vector": {"shape": (1, 1, 7), "likelihood": "gaussian-global"},
}


def respond(session: ExplorerSession, name: str, **fields) -> dict | ImageResponse:
    """The response of a view to a request, as the server computes it."""
    call = VIEWS[name]
    answer = call.view(session, requests.parse_request(call.request, fields))
    if isinstance(answer, dict):
        json.dumps(to_jsonable(answer), allow_nan=False)
    return answer


def levels(e: ExplorerSession, i: int = 0) -> str:
    return base64_of((e.image(i)[0].numpy() * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def flat() -> ExplorerSession:
    return tiny_session()


@pytest.fixture(scope="module")
def conditional() -> ExplorerSession:
    return tiny_session(cases.make_vae(layer_dims=(3,), conditioned_parts=["decoder"]))


# ------------------------------------------------------------------------------------------------- every kind


@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_every_call_answers_for_every_kind_of_model(row):
    shape = row.get("shape", cases.SHAPE)
    e = tiny_session(cases.make_vae(**row), shape=shape)
    [model] = to_jsonable(models([e]))["models"]
    d, (width, height) = e.model.latent_dim, model["tile_size"]
    z = [0.1] * d
    assert model["layer_dims"] == list(e.model.layer_dims)
    assert len(model["latents"]) == d
    assert respond(e, "map")["n"] == N
    assert respond(e, "density")["coverage"]
    assert len(respond(e, "point", index=3)["z"]) == d
    assert len(respond(e, "unproject", x=0.3, y=0)["z"]) == d
    assert opened(respond(e, "image", index=3).content).size == (width, height)
    assert opened(respond(e, "decode", z=[z, z]).content).size == (2 * width, height)
    assert opened(respond(e, "backdrop", n=3).content).size == (3 * width, 3 * height)
    assert len(respond(e, "sample", seed=1, temperature=0.5)["z"]) == d
    assert (
        respond(e, "sample", z=z, layer=0, seed=1)["z"][: e.model.layer_dims[0]]
        == [0.1] * e.model.layer_dims[0]
    )
    assert len(respond(e, "interpolate", a={"index": 1}, b={"z": z}, steps=4)["z"]) == 4
    assert opened(respond(e, "strip", z=[z, z], format="gif").content).n_frames >= 1
    answer = respond(e, "encode", pixels=levels(e))
    assert len(answer["z"]) == d
    assert opened(base64.b64decode(answer["reconstruction"])).size == (width, height)
    assert (answer["terms"]["elbo"] is None) == (row.get("posterior") == "delta")
    half = np.ones(shape[1:], np.uint8)
    half[:, : shape[2] // 2] = 0
    assert (
        opened(respond(e, "impute", pixels=levels(e), mask=base64_of(half), n=3).content).width == 3 * width
    )


# ---------------------------------------------------------------------------------------------------- the map


def test_the_map_holds_the_latents_and_the_values_that_color_them(flat):
    answer = respond(flat, "map")
    assert np.allclose(numbers(answer["x"]), flat.latents.mean[:, 0])
    assert np.allclose(numbers(answer["y"]), flat.latents.mean[:, 1])
    assert np.array_equal(numbers(answer["label"], "<i2"), np.arange(N) % 3)
    assert np.allclose(numbers(answer["reconstruction"]), flat.reconstruction)
    assert np.allclose(numbers(answer["kl"]), flat.kl_per_layer[0])


def test_log_likelihoods_come_when_all_are_estimated():
    e = tiny_session()
    assert respond(e, "map/values") == {"log_likelihood": None, "error": None, "progress": 0}
    assert respond(e, "point", index=0)["terms"]["log_likelihood"] is None
    list(e.measure())
    answer = respond(e, "map/values")
    assert answer["progress"] == 1
    assert np.allclose(numbers(answer["log_likelihood"]), e.log_likelihood)
    assert respond(e, "point", index=0)["terms"]["log_likelihood"] == e.log_likelihood[0]


def test_data_without_labels_have_none():
    e = tiny_session(labels=False)
    assert respond(e, "map")["label"] is None
    assert respond(e, "point", index=0)["label"] is None
    assert models([e])["models"][0]["classes"] is None


def test_a_point_shows_its_posterior(flat):
    answer = respond(flat, "point", index=5)
    assert answer["label"] == 2
    assert answer["z"] == pytest.approx(flat.latents.mean[5].tolist(), rel=1e-4)
    sd = sorted(flat.latents.stddev[5].tolist())
    assert (answer["ellipse"]["b"], answer["ellipse"]["a"]) == pytest.approx(tuple(sd), rel=1e-4)
    terms = answer["terms"]
    assert terms["elbo"] == pytest.approx(terms["reconstruction"] - terms["kl"])


def test_correlations_turn_the_ellipse():
    e = tiny_session(cases.make_vae(layer_dims=(2,), posterior="full_covariance"))
    answer = respond(e, "point", index=5)
    with torch.no_grad():
        covariance = e.model.encode(e.image(5)).rsample_layers().layers[0].covariance_matrix[0].numpy()
    variances = np.linalg.eigvalsh(covariance)
    found = answer["ellipse"]
    assert (found["b"] ** 2, found["a"] ** 2) == pytest.approx(tuple(variances), rel=1e-3)


def test_a_point_mass_has_no_ellipse():
    answer = respond(tiny_session(cases.make_vae(layer_dims=(2,), posterior="delta")), "point", index=5)
    assert answer["ellipse"] is None
    assert answer["terms"]["kl"] is answer["terms"]["elbo"] is None


# ----------------------------------------------------------------------------------------- latents to images


def test_decoding_gives_the_pixels_of_the_model(flat):
    z = [[0.5, -1.0], [2.0, 0.0]]
    found = pixels(respond(flat, "decode", z=z).content)
    assert np.abs(found - np.hstack(list(decoded(flat, z)))).max() < STEP


def test_decoding_a_point_returns_its_latent_vector(flat):
    answer = respond(flat, "decode", point=[0.25, -0.5])
    assert answer.headers == {"Z": [0.25, -0.5]}
    assert np.abs(pixels(answer.content) - decoded(flat, [[0.25, -0.5]])[0]).max() < STEP


def test_the_backdrop_has_the_upper_edge_first(flat):
    answer = respond(flat, "backdrop", n=4)
    x0, x1, y0, y1 = answer.headers["Bounds"]
    left, upper = x0 + (x1 - x0) / 8, y1 - (y1 - y0) / 8
    corner = pixels(answer.content)[: cases.SHAPE[1], : cases.SHAPE[2]]
    assert np.abs(corner - decoded(flat, [[left, upper]])[0]).max() < STEP


def test_a_path_is_that_of_the_model(flat):
    answer = respond(flat, "interpolate", a={"index": 1}, b={"z": [1, 2]}, steps=5, path="spherical")
    a, b = torch.from_numpy(flat.latents.mean[1]), torch.tensor([1.0, 2.0])
    assert np.allclose(answer["z"], interpolate(a, b, 5, "spherical"), rtol=1e-4)


def test_an_animation_plays_forward_and_backward(flat):
    answer = respond(flat, "strip", z=[[0, 0], [1, 0], [2, 0], [3, 0]], format="gif", fps=20)
    animation = opened(answer.content)
    assert answer.media_type == "image/gif"
    assert (animation.format, animation.n_frames, animation.info["duration"]) == ("GIF", 6, 50)


# -------------------------------------------------------------------------------------------------- the prior


def test_samples_follow_seed_and_temperature(flat):
    def spread(temperature: float) -> float:
        return np.std([respond(flat, "sample", seed=i, temperature=temperature)["z"] for i in range(200)])

    first = respond(flat, "sample", seed=4)
    assert first == respond(flat, "sample", seed=4) != respond(flat, "sample", seed=5)
    assert spread(1) == pytest.approx(1, abs=0.15)
    assert spread(0.1) == pytest.approx(0.1, abs=0.015)


def test_a_sample_from_a_component_is_near_its_pseudo_input():
    e = tiny_session(cases.make_vae(layer_dims=(2,), prior="vamp"))
    with torch.no_grad():
        means = e.model.encode(e.model.prior.layers[0].images()).mean
    for k in range(3):
        drawn = [respond(e, "sample", component=k, temperature=0.001, seed=s)["z"] for s in range(5)]
        assert np.allclose(drawn, means[k], atol=0.02)


def test_pseudo_inputs_are_shown_ten_per_row():
    e = tiny_session(cases.make_vae(prior="exemplars"))
    answer = respond(e, "pseudo_inputs", n=2, start=1)
    assert answer.headers == {"Columns": 2, "Count": 2}
    images = e.model.prior.layers[0].images()
    assert np.abs(pixels(answer.content) - np.hstack(list(images[1:3, 0]))).max() < STEP
    assert models([e])["models"][0]["pseudo_inputs"] == 3


def test_lower_layers_are_sampled_given_those_above():
    e = tiny_session(cases.make_vae(layer_dims=(2, 1, 2)))
    z = [0.3, -0.2, 0.9, 4.0, 5.0]
    drawn = respond(e, "sample", z=z, layer=1, seed=2)["z"]
    assert drawn[:3] == z[:3]
    assert drawn[3:] != z[3:]
    assert respond(e, "sample", z=z, layer=2, seed=2)["z"] == z


# ------------------------------------------------------------------------------------------------ conditional


def test_a_conditional_model_decodes_the_requested_class(conditional):
    z = [0.1, 0.2, 0.3]
    row = pixels(respond(conditional, "classes", z=z).content)
    each = [pixels(respond(conditional, "decode", z=[z], label=k).content) for k in range(3)]
    assert np.array_equal(row, np.hstack(each))
    between = respond(conditional, "decode", z=[z], label=[0, 0.5, 0.5])
    expected = decoded(conditional, [z], torch.tensor([[0, 0.5, 0.5]]))[0]
    assert np.abs(pixels(between.content) - expected).max() < STEP
    assert models([conditional])["models"][0]["condition"]["names"] == ["a", "b", "c"]


def test_attributes_are_a_vector_between_bounds(conditional):
    prior, conditional.model.labels = (
        conditional.model.labels,
        LabelPrior(torch.tensor([[0.0, 1, 5], [2, 1, 7]]), torch.tensor([0.25, 0.75]).log()),
    )
    condition = models([conditional])["models"][0]["condition"]
    conditional.model.labels = prior
    assert (condition["variable"], condition["names"]) == ("attributes", ["0", "1", "2"])
    assert (condition["low"], condition["high"]) == ([0, 1, 5], [2, 1, 7])
    assert condition["mode"] == [2, 1, 7]
    assert condition["probabilities"] == pytest.approx([0.25, 0.75])


# --------------------------------------------------------------------------------------------------- uploads


def test_an_uploaded_image_of_the_data_has_its_posterior(flat):
    answer = respond(flat, "encode", pixels=levels(flat, 7))
    assert answer["z"] == pytest.approx(respond(flat, "point", index=7)["z"], rel=1e-4)
    assert np.array_equal(pixels(base64.b64decode(answer["image"])), flat.image(7)[0, 0])
    terms = answer["terms"]
    assert terms["elbo"] == pytest.approx(terms["reconstruction"] - sum(terms["kl"]), abs=1e-3)
    assert terms["log_likelihood"] > terms["elbo"] - 1


def test_imputing_keeps_observed_pixels(flat):
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[:, 3:] = 0
    answer = respond(flat, "impute", pixels=levels(flat, 7), mask=base64_of(mask), n=4)
    assert answer.headers["Ess"] >= 1
    for filled in np.split(pixels(answer.content), 4, axis=1):
        assert np.array_equal(filled[:, :3], flat.image(7)[0, 0, :, :3])
    assert len(np.unique(pixels(answer.content)[:, 3:5])) > 2


def test_a_mask_hides_pixels_from_the_encoder(flat):
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[0] = 0
    seen = np.frombuffer(base64.b64decode(levels(flat, 7)), np.uint8).reshape(mask.shape).copy()
    answers = []
    for hidden in (0, 255):
        seen[0] = hidden
        answers.append(respond(flat, "encode", pixels=base64_of(seen), mask=base64_of(mask)))
    assert answers[0] == answers[1]
    assert answers[0]["terms"]["log_likelihood"] == pytest.approx(
        answers[0]["terms"]["reconstruction"] - answers[0]["terms"]["kl"][0], abs=1e-3
    )


def test_wiping_pixels_does_not_lower_the_bound():
    e = open_session(demo(), images=3)
    mask = np.ones((28, 28), np.uint8)
    for i in range(3):
        fields = {"pixels": levels(e, i), "label": int(e.latents.labels[i])}
        bounds = [respond(e, "encode", **fields)["terms"]["log_likelihood"]]
        for rows in (20, 10):
            mask[:], mask[rows:] = 1, 0
            answer = respond(e, "encode", **fields, mask=base64_of(mask))
            bounds.append(answer["terms"]["log_likelihood"])
        assert np.diff(bounds).min() > -4, bounds  # nats, of 128 samples
        assert bounds[-1] > bounds[0]


def test_an_uploaded_image_is_conditioned_on_its_most_probable_class():
    e = tiny_session(cases.make_labeled())
    answer = respond(e, "encode", pixels=levels(e, 7))
    assert sum(answer["label_probabilities"]) == pytest.approx(1, abs=1e-5)
    mode = int(np.argmax(answer["label_probabilities"]))
    same = respond(e, "encode", pixels=levels(e, 7), label=mode)
    assert answer["z"] == same["z"] != respond(e, "encode", pixels=levels(e, 7), label=(mode + 1) % 3)["z"]
    assert respond(tiny_session(), "encode", pixels=levels(e, 7))["label_probabilities"] is None


def test_imputing_without_a_label_samples_it_too():
    e = tiny_session(cases.make_labeled())
    mask = np.ones(cases.SHAPE[1:], np.uint8)
    mask[:2] = 0
    assert respond(e, "impute", pixels=levels(e, 7), mask=base64_of(mask)).headers["Ess"] >= 1


# --------------------------------------------------------------------------------------------------- refusals

REFUSED = [
    ("decode", {"z": [[0, float("nan")]]}, "z.0.1: Input should be a finite number"),
    ("decode", {"z": [[0, 1e9]]}, "z.0.1: Input should be less than or equal to 1000000"),
    ("decode", {"z": [[0, 0]] * 65}, "z: List should have at most 64 items"),
    ("decode", {"z": [[0]]}, "z: expected 2 numbers, got 1"),
    ("decode", {}, "expected either z or point"),
    ("decode", {"z": [[0, 0]], "point": [0, 0]}, "expected either z or point"),
    ("decode", {"z": [[0, 0]], "w": 1}, "w: Extra inputs are not permitted"),
    ("image", {"index": -1}, "index: Input should be greater than or equal to 0"),
    ("image", {"index": N}, "image 30: expected an index from 0 to 29"),
    ("point", {"index": 0, "kind": "umap3"}, "kind: Input should be"),
    ("sample", {"temperature": 0}, "temperature: Input should be greater than 0"),
    ("sample", {"component": 0}, "component: the prior of this model is not a mixture"),
    ("sample", {"layer": 0}, "z: expected the latent vector whose lower layers"),
    ("sample", {"layer": 1, "z": [0, 0]}, "layer: expected 0 to 0, got 1"),
    ("interpolate", {"a": {}, "b": {"index": 1}}, "a: expected either index or z"),
    ("interpolate", {"a": {"index": 99}, "b": {"index": 1}}, "image 99"),
    ("classes", {"z": [0, 0]}, "classes: this model is not conditioned"),
    ("pseudo_inputs", {}, "prior: expected vamp or exemplars"),
    ("encode", {"pixels": "AAAA"}, "pixels: expected 30 bytes, got 3"),
    ("encode", {"pixels": "no base64!"}, "pixels: expected base64"),
    ("encode", {"file": "AAAA"}, "file: not a readable image"),
    ("encode", {}, "expected either pixels or file"),
]


@pytest.mark.parametrize(("name", "fields", "message"), REFUSED)
def test_an_invalid_request_is_refused_in_one_line(flat, name, fields, message):
    with pytest.raises((InvalidError, LookupError)) as caught:
        respond(flat, name, **fields)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_no_component_beyond_the_last_no_image_beyond_the_last():
    e = tiny_session(cases.make_vae(prior="vamp"))
    with pytest.raises(InvalidError, match="component: expected 0 to 2, got 3"):
        respond(e, "sample", component=3)
    with pytest.raises(InvalidError, match="start: expected 0 to 2, got 3"):
        respond(e, "pseudo_inputs", start=3)


def test_views_leave_random_numbers_and_weights_alone(flat):
    before = [p.clone() for p in flat.model.parameters()], torch.random.get_rng_state()
    for name, fields in [("sample", {}), ("encode", {"pixels": levels(flat)}), ("point", {"index": 0})]:
        respond(flat, name, **fields)
    assert torch.equal(torch.random.get_rng_state(), before[1])
    assert all(map(torch.equal, flat.model.parameters(), before[0]))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> ExplorerSession:
    """A model of a table with a category, a count, gaps, and numbers of two decimals."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("table")
    rows = [f"{('red', 'blue')[i % 2]},{rng.poisson(3)},{rng.normal(1000, 9):.2f},{i % 7}" for i in range(60)]
    rows[3] = "red,,1000.25,6"
    (folder / "x.csv").write_text("color,n,size,day\n" + "\n".join(rows) + "\n")
    recipe = propose(folder / "x.csv").recipe
    experiment = build(recipe)
    save_model(folder / "model", experiment.model, recipe, experiment.dataset, experiment.preprocessing)
    return open_session(load_model(folder / "model"), split="all")


def test_a_row_of_a_table_is_shown_by_its_values_in_its_units(table):
    [model] = models([table])["models"]
    assert (model["noun"], model["columns"]) == ("rows", ["color", "n", "size", "day"])
    assert respond(table, "image", index=3).headers["Values"] == ["red", "missing", "1000.25", "6"]
    z = [0.0] * table.model.latent_dim
    values = respond(table, "decode", z=[z]).headers["Values"]
    assert values[0] in ("red", "blue")
    assert float(values[1]) >= 0
    assert float(values[2]) == pytest.approx(1000, abs=20)
    assert "Values" not in respond(table, "decode", z=[z, z]).headers
    assert "Values" in respond(table, "decode", point=(0.0, 0.0)).headers


def test_images_have_no_cells(flat):
    [model] = models([flat])["models"]
    assert (model["noun"], model["columns"]) == ("images", None)
    assert respond(flat, "image", index=3).headers == {}
