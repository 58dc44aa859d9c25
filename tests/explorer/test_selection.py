"""Neighbors, thumbnails, selections and their files, and the maps that are computed in the background."""

from __future__ import annotations

import base64
import csv
import io
import time

import numpy as np
import pytest

import cases
from explorer.sessions import N, numbers, opened, pixels, tiny_session
from explorer.test_views import respond
from vaekit.errors import InvalidError, VaekitError
from vaekit.explorer import embeddings as background
from vaekit.explorer.embeddings import Embeddings, Waiting
from vaekit.explorer.projection import NeighborProjection
from vaekit.explorer.session import ExplorerSession


@pytest.fixture(scope="module")
def e() -> ExplorerSession:
    """A model of five latents, whose plane of two components is not its latent space."""
    return tiny_session(cases.make_vae(layer_dims=(5,)))


def bits(chosen: list[int]) -> str:
    mask = np.zeros(N, bool)
    mask[chosen] = True
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode()


def test_neighbors_are_the_nearest_in_latent_space_and_not_on_the_map(e):
    z = e.latents.mean
    pairs = []
    for i in range(N):
        found = respond(e, "neighbors", z=z[i].tolist(), n=N)
        distance = np.linalg.norm(z - z[i], axis=1)
        assert found["distance"] == pytest.approx(np.sort(distance).tolist(), abs=1e-4)
        assert distance[found["index"]] == pytest.approx(found["distance"], abs=1e-4)
        assert found["xy"] == pytest.approx(e.projection().points[i].tolist(), abs=1e-3)
        on_map = np.linalg.norm(e.projection().points - e.projection().points[i], axis=1).argsort()[1]
        pairs.append((found["index"][1], on_map))
    assert any(true != drawn for true, drawn in pairs)


def test_a_point_among_neighbors_is_a_mean_of_their_latents(e):
    point = e.projection().points[4] + 0.01
    answer = respond(e, "decode", point=point.tolist(), between="neighbors")
    index, weight = zip(*answer.headers["Sources"], strict=True)
    nearest = np.linalg.norm(e.projection().points - point, axis=1).argsort()[: len(index)]
    assert list(index) == nearest.tolist()
    assert sum(weight) == pytest.approx(1, abs=0.01)
    assert answer.headers["Z"] == pytest.approx((np.array(weight) @ e.latents.mean[list(index)]), abs=0.01)
    assert "Sources" not in respond(e, "decode", point=point.tolist()).headers


def test_three_components_are_a_map_in_space(e):
    answer = respond(e, "map", kind="pca", dims=3)
    assert answer["dims"] == len(answer["axes"]) == 3
    assert answer["linear"]["axes"][:2] == respond(e, "map")["linear"]["axes"]
    assert numbers(answer["depth"]).std() <= numbers(answer["y"]).std()
    assert respond(e, "map")["depth"] is None
    with pytest.raises(InvalidError, match="3 dims need at least 3 latents"):
        respond(tiny_session(), "map", kind="pca", dims=3)


def test_thumbnails_are_the_images_in_rows(e):
    answer = respond(e, "thumbnails", indices=[7, 2, 9])
    columns, (channels, height, width) = answer.headers["Columns"], e.trained.shape
    sheet = pixels(answer.content)
    for k, i in enumerate([7, 2, 9]):
        top, left = k // columns * height, k % columns * width
        assert np.array_equal(sheet[top : top + height, left : left + width], e.image(i)[0, 0])
    assert channels == 1
    with pytest.raises(InvalidError, match="indices: expected 0 to 29, got 30"):
        respond(e, "thumbnails", indices=[30])


def test_a_selection_is_summarized(e):
    chosen = [3, 8, 21]
    found = respond(e, "summary", mask=bits(chosen))
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(e.latents.mean[chosen].mean(0).tolist(), abs=1e-5)
    assert found["std"] == pytest.approx(e.latents.mean[chosen].std(0).tolist(), abs=1e-5)
    assert found["within"] == pytest.approx(e.latents.stddev[chosen].mean(0).tolist(), abs=1e-5)
    mean = np.stack([e.image(i)[0, 0].numpy() for i in chosen]).mean(0)
    assert np.abs(pixels(base64.b64decode(found["image"])) - mean).max() < 1 / 255


@pytest.mark.parametrize("mask", ["AA==", bits([]), bits([1])[:-4]])
def test_a_mask_that_selects_nothing_is_refused(e, mask):
    with pytest.raises(InvalidError, match="mask: expected"):
        respond(e, "summary", mask=mask)


def test_a_selection_is_saved_with_its_numbers_latents_and_images():
    e = tiny_session()
    e.attributes["size"] = np.arange(N, dtype=np.float32)
    list(e.measure())
    chosen = [0, 11]
    rows = list(csv.DictReader(io.StringIO(respond(e, "export", mask=bits(chosen)).content.decode())))
    assert [int(row["index"]) for row in rows] == chosen
    assert [row["class"] for row in rows] == ["a", "c"]
    for row, i in zip(rows, chosen, strict=True):
        assert float(row["log_px"]) == pytest.approx(e.log_likelihood[i], rel=1e-5)
        assert float(row["kl"]) == pytest.approx(e.kl_per_layer[0, i], rel=1e-5)
        assert float(row["error"]) == pytest.approx(e.error[i], rel=1e-5)
        assert float(row["size"]) == i
        assert float(row["z1"]) == pytest.approx(e.latents.mean[i, 1], rel=1e-4)
    with np.load(io.BytesIO(respond(e, "export", mask=bits(chosen), format="npz").content)) as saved:
        assert np.array_equal(saved["images"], e.images.all()[chosen].numpy())
        assert np.array_equal(saved["z"], e.latents.mean[chosen])
        assert np.array_equal(saved["label"], [0, 2])


def test_the_error_is_the_distance_of_an_image_from_its_reconstruction(e):
    list(e.measure())
    decoded = pixels(respond(e, "decode", z=[e.latents.mean[5].tolist()]).content)
    assert e.error[5] == pytest.approx(np.abs(e.image(5)[0, 0].numpy() - decoded).mean(), abs=2e-3)


# ---------------------------------------------------------------------------------------- in the background


def test_an_embedding_is_computed_in_the_background_and_another_map_is_shown_meanwhile(e, monkeypatch):
    monkeypatch.setattr(background, "compute", lambda latents, kind, dims: latents[:, :dims] + 1)
    fresh = tiny_session(cases.make_vae(layer_dims=(5,)))
    first = respond(fresh, "map", kind="tsne")
    assert first["kind"] == "pca" or first["waiting"] is None
    fresh.embeddings.wait("tsne", 2)
    answer = respond(fresh, "map", kind="tsne")
    assert answer["kind"] == "tsne"
    assert answer["waiting"] is None
    assert answer["fitted"] == N
    assert np.allclose(numbers(answer["x"]), fresh.latents.mean[:, 0] + 1)
    assert opened(respond(fresh, "decode", point=[1, 1], kind="tsne").content).size == (5, 6)


def test_what_is_waited_for_is_said(monkeypatch):
    monkeypatch.setattr(background, "compute", lambda *_: time.sleep(60))
    found = Embeddings(np.zeros((9, 3))).find("umap", 3)
    assert isinstance(found, Waiting)
    assert found[:2] == ("umap", 3)
    assert found.latents == 9


def test_a_failed_embedding_is_reported_once_and_may_be_tried_again(monkeypatch):
    def fail(*_):
        raise VaekitError("no memory")

    monkeypatch.setattr(background, "compute", fail)
    embeddings = Embeddings(np.zeros((9, 3)))
    with pytest.raises(VaekitError, match="UMAP could not be computed"):
        embeddings.wait("umap", 2)
    monkeypatch.setattr(background, "compute", lambda latents, kind, dims: latents[:, :dims])
    assert embeddings.wait("umap", 2).points.shape == (9, 2)


def test_many_latents_are_placed_by_a_part_of_them(monkeypatch):
    monkeypatch.setattr(background, "compute", lambda latents, kind, dims: latents[:, :dims])
    monkeypatch.setitem(background.MOST, "tsne", 300)
    latents = np.random.default_rng(0).uniform(size=(900, 2))
    found = Embeddings(latents).wait("tsne", 2)
    assert isinstance(found, NeighborProjection)
    assert found.fitted == 300
    assert found.points.shape == (900, 2)
    assert np.abs(found.points - latents).mean() < 0.03


def test_a_process_of_its_own_embeds():
    latents = np.random.default_rng(0).normal(size=(40, 4))
    latents[20:] += 20
    points = background.compute(latents, "tsne", 2)
    assert points.shape == (40, 2)
    between = np.linalg.norm(points[:20].mean(0) - points[20:].mean(0))
    assert between > np.linalg.norm(points[:20] - points[:20].mean(0), axis=1).max()
