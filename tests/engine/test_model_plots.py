"""model.plot: what each figure shows, in its own figure or in given axes, and what is refused."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import vaekit
from vaekit.errors import InvalidError, VaekitError
from vaekit.training.display import SilentLogger

QUIET = SilentLogger()
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 6, 6), dtype=np.uint8)
LABELS = np.array(["cat", "dog", "owl"] * 20)


@pytest.fixture(scope="module")
def images():
    """A model of images with three latents and a VampPrior."""
    return vaekit.fit(IMAGES, epochs=1, latent_dim=3, prior={"kind": "vamp", "components": 7}, log=QUIET)


@pytest.fixture(scope="module")
def table():
    import pandas as pd

    rows = np.random.default_rng(0).normal(size=(80, 2))
    frame = pd.DataFrame({"size": rows[:, 0], "age": rows[:, 1], "kind": np.where(rows[:, 0] > 0, "a", "b")})
    return vaekit.fit(frame, epochs=1, latent_dim=2, log=QUIET)


CALLS = {
    "samples": lambda plot, **look: plot.samples(4, **look),
    "reconstructions": lambda plot, **look: plot.reconstructions(IMAGES[:3], **look),
    "latents": lambda plot, **look: plot.latents(IMAGES, LABELS, **look),
    "traversals": lambda plot, **look: plot.traversals([0, 2], steps=3, **look),
    "pseudo_inputs": lambda plot, **look: plot.pseudo_inputs(5, **look),
    "interpolation": lambda plot, **look: plot.interpolation(IMAGES[0], IMAGES[1], steps=3, **look),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_figure_is_its_own_or_in_the_axes_of_the_caller(images, name):
    own = CALLS[name](images.plot, width=4, title="Mine")
    assert isinstance(own, Figure)
    assert own.get_figwidth() == pytest.approx(4, abs=0.02)
    assert own.texts[0].get_text() == "Mine"
    mine = Figure()
    axes = mine.add_subplot(1, 2, 2)
    assert CALLS[name](images.plot, ax=axes, title="Mine") is mine
    assert axes.get_title("left") == "Mine"
    assert axes.images or axes.collections


def test_a_figure_does_not_change_the_settings_of_matplotlib(images):
    before = dict(matplotlib.rcParams)
    images.plot.samples(2)
    assert dict(matplotlib.rcParams) == before


def test_reconstructions_are_those_of_the_model(images):
    shown = images.plot.reconstructions(IMAGES[:2], title=False).axes[0].images[0].get_array()
    again = images.decode(images.encode(IMAGES[:2])).reshape(2, 6, 6)
    side = 180 // 6 * 6
    bottom = shown[side + 6 :, :side, 0][15::30, 15::30]  # the middle of each pixel of the first image
    assert np.abs(bottom - again[0]).max() <= 1


def test_classes_have_the_names_of_the_labels(images):
    legend = images.plot.latents(IMAGES, LABELS).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["cat", "dog", "owl"]


def test_latents_in_space_need_axes_of_a_space(images):
    assert images.plot.latents(IMAGES, dims=3).axes[0].name == "3d"
    with pytest.raises(InvalidError, match="ax: dims=3 needs axes of a space"):
        images.plot.latents(IMAGES, dims=3, ax=Figure().add_subplot())


def test_pseudo_inputs_are_those_of_the_prior(images):
    shown = images.plot.pseudo_inputs(7, columns=7, title=False).axes[0].images[0].get_array()
    inputs = next(p for p in images.model.prior.modules() if hasattr(p, "images")).images()
    side = 180 // 6 * 6
    first = shown[:side, :side, 0][15::30, 15::30] / 255
    assert np.abs(first - inputs[0, 0].detach().numpy()).max() < 0.01


def test_a_map_by_umap_says_what_is_missing(images, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(VaekitError, match=r"umap is not installed; run: pip install .vaekit\[umap\]."):
        images.plot.latents(IMAGES, method="umap")


@pytest.mark.slow
def test_a_map_by_umap(images):
    pytest.importorskip("umap")
    axes = images.plot.latents(IMAGES, LABELS, method="umap").axes[0]
    assert axes.get_xlabel() == "UMAP 1"


def test_the_figures_of_a_table_show_columns(table):
    assert [axes.get_title("left") for axes in table.plot.samples(50).axes] == ["size", "age", "kind"]
    names = [label.get_text() for label in table.plot.reconstructions().axes[0].get_yticklabels()]
    assert sorted(names) == ["age", "kind", "size"]
    assert table.plot.latents().axes[0].get_xlabel() == "z0"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, t: m.plot.manifold(), "the decoded grid needs 2 latents, this model has 3"),
        (lambda m, t: t.plot.manifold(), "manifold: rows of a table are not drawn one by one"),
        (lambda m, t: t.plot.samples(20, ax=Figure().add_subplot()), "ax: this figure has several panels"),
        (lambda m, t: t.plot.pseudo_inputs(), "rows of a table are not drawn"),
        (lambda m, t: vaekit.demo().plot.pseudo_inputs(), "prior standard_normal, without any"),
        (lambda m, t: m.plot.interpolation(IMAGES[:2], IMAGES[:3]), "x_b: expected 2 data points"),
        (lambda m, t: m.plot.interpolation(IMAGES[0, 0], IMAGES[0]), r"got shape \(6,\)"),
        (lambda m, t: m.plot.latents(y=LABELS), "latents: y are labels of X; give X, too"),
        (lambda m, t: m.plot.latents(IMAGES, method="lda"), "expected pca, tsne or umap"),
        (lambda m, t: m.plot.samples(4, cmap="rainbows"), "matplotlib has no color map 'rainbows'"),
        (lambda m, t: m.plot.samples(4, width=0.1), "width: expected 1 to 100 inches, got 0.1"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(images, table, call, message):
    with pytest.raises(InvalidError, match=message) as error:
        call(images, table)
    assert "\n" not in str(error.value)
