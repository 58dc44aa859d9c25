import io

import numpy as np
import pytest
from PIL import Image

from vaekit.errors import InvalidError
from vaekit.plotting import decoded_grid, interpolation, reconstructions, render, samples, traversal

GENERATOR = np.random.default_rng(0)


def images(*shape):
    return GENERATOR.integers(0, 2, shape).astype(float)


def drawn(figure):
    return np.asarray(Image.open(io.BytesIO(render(figure))).convert("RGB"))


def texts(figure):
    axes = figure.axes[0]
    return [text.get_text() for text in (*figure.texts, *axes.texts)]


def test_samples_are_drawn_pixel_for_pixel():
    faces = images(2, 1, 28, 20)
    page = drawn(samples(faces, "Samples: VAE on faces", columns=2))
    down, across = np.nonzero((page == 0).all(-1))  # pure black: only the images have it
    grid = page[down.min() :, across.min() :]
    scale = 180 // 28
    expected = (faces[1, 0] * 255).repeat(scale, 0).repeat(scale, 1)
    left = 20 * scale + 6 - across.min() + round(0.12 * 300)
    assert (grid[: 28 * scale, left : left + 20 * scale, 0] == expected).all()


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (1, 8, 8), (1, 28, 20), (3, 64, 64), (3, 40, 300), (1, 1, 12)]
)
def test_tiles_keep_their_aspect_at_any_shape(shape):
    figure = samples(images(6, *shape), "Samples", columns=3)
    axes = figure.axes[0]
    box = axes.get_position()
    width, height = figure.get_size_inches() * (box.width, box.height)
    pixels = axes.images[0].get_array().shape
    assert width / height == pytest.approx(pixels[1] / pixels[0])
    assert box.x0 >= 0
    assert box.x1 <= 1
    assert figure.get_figwidth() < 8


def test_title_and_subtitle_are_written_and_wrap():
    figure = samples(
        images(1, 1, 8, 8), "Samples: a model of a very long name on MNIST", subtitle="from N(0, I)"
    )
    title, subtitle = figure.texts
    assert title.get_text() == "Samples: a model of a very long\nname on MNIST"
    assert subtitle.get_text() == "from N(0, I)"


def test_reconstructions_are_below_their_originals():
    figure = reconstructions(images(13, 1, 8, 8), images(13, 1, 8, 8), "Reconstructions")
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["original", "reconstruction"] * 2
    tile = 180 // 8 * 8
    assert figure.axes[0].images[0].get_array().shape == (4 * tile + 6 + 24 + 6, 10 * tile + 9 * 6, 3)


def test_reconstructions_have_labels():
    figure = reconstructions(
        images(3, 1, 8, 8), images(3, 1, 8, 8), "Reconstructions", labels=np.array([7, 2, 1])
    )
    assert texts(figure) == ["Reconstructions", "7", "2", "1"]


def test_interpolation_sets_the_originals_apart():
    rows, ends = images(2, 5, 1, 8, 8), (images(2, 1, 8, 8), images(2, 1, 8, 8))
    plain, marked = interpolation(rows, "Interpolation"), interpolation(rows, "Interpolation", ends)
    tile = 180 // 8 * 8
    assert plain.axes[0].images[0].get_array().shape[1] == 5 * tile + 4 * 6
    assert marked.axes[0].images[0].get_array().shape[1] == 7 * tile + 4 * 6 + 2 * 24
    assert texts(marked) == ["Interpolation", "original", "original"]


def test_traversal_names_rows_and_values():
    figure = traversal(
        images(2, 3, 1, 8, 8), "Traversal", ["z4 · 3.1 nats", "z0 · 0.0 nats"], [-1.5, -0.01, 1.5]
    )
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z4 · 3.1 nats", "z0 · 0.0 nats"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−1.5", "0.0", "1.5"]
    assert axes.get_xlabel() == "value of the latent"


def test_decoded_grid_has_z1_increase_upwards():
    grid = np.zeros((3, 3, 1, 8, 8))
    grid[2] = 1  # the largest z1
    figure = decoded_grid(grid, [-1, 0, 1], "Decoded latent space")
    axes = figure.axes[0]
    assert (axes.images[0].get_array()[0] == 255).all()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1.0", "0.0", "−1.0"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z0", "z1")


def test_many_quantiles_are_thinned_symmetrically():
    figure = decoded_grid(np.zeros((20, 20, 1, 2, 2)), np.linspace(-2, 2, 20), "Decoded latent space")
    names = [bool(label.get_text()) for label in figure.axes[0].get_xticklabels()]
    assert sum(names) == 10
    assert names == names[::-1]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: reconstructions(images(2, 1, 8, 8), images(2, 1, 8, 9), "t"),
            r"reconstructions: expected shape",
        ),
        (
            lambda: reconstructions(images(2, 1, 8, 8), images(2, 1, 8, 8), "t", [1]),
            "labels: expected 2 of them",
        ),
        (
            lambda: interpolation(images(2, 3, 1, 8, 8), "t", (images(1, 1, 8, 8),) * 2),
            r"ends: expected shape",
        ),
        (lambda: traversal(images(2, 3, 1, 8, 8), "t", ["a"]), "row_labels: expected 2 of them, got 1"),
        (lambda: traversal(images(2, 3, 1, 8, 8), "t", ["a", "b"], [1]), "values: expected 3 of them, got 1"),
        (lambda: decoded_grid(images(2, 2, 1, 8, 8), [0], "t"), "quantiles: expected 2 of them, got 1"),
        (lambda: samples(images(2), "t"), "images: expected at least one data point"),
    ],
)
def test_mismatched_arguments_are_refused(draw, message):
    with pytest.raises(InvalidError, match=message):
        draw()
