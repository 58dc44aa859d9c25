import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import class_grid, image_rows, interpolation_rows

GENERATOR = np.random.default_rng(0)
TILE = 180 // 8 * 8


def images(*shape):
    return GENERATOR.integers(0, 2, shape).astype(float)


def pixels(figure):
    return figure.axes[0].images[0].get_array()


def row_labels(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def tile(image):
    return (image[0] * 255).repeat(TILE // 8, 0).repeat(TILE // 8, 1)


def test_each_run_has_a_row_below_the_originals():
    rows = {"plain": images(3, 1, 8, 8), "vamp": images(3, 1, 8, 8)}
    originals = images(3, 1, 8, 8)
    figure = image_rows(rows, "Reconstructions", top=("original", originals))
    assert row_labels(figure) == ["original", "plain", "vamp"]
    drawn = pixels(figure)
    assert drawn.shape == (3 * TILE + 24 + 6, 3 * TILE + 2 * 6, 3)
    assert (drawn[:TILE, :TILE, 0] == tile(originals[0])).all()
    assert (drawn[-TILE:, -TILE:, 0] == tile(rows["vamp"][2])).all()


def test_columns_of_rows_can_be_named():
    figure = image_rows({"run": images(2, 1, 8, 8)}, "Progress", column_labels=["epoch 1", "epoch 2"])
    assert written(figure) == ["epoch 1", "epoch 2"]


def test_long_labels_wrap_and_have_room():
    figure = image_rows({"a hierarchical model with a VampPrior of 500": images(2, 1, 8, 8)}, "Samples")
    assert row_labels(figure) == ["a hierarchical model\nwith a VampPrior of 500"]
    figure.canvas.draw()
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_window_extent().x0 > 0


def test_class_grid_has_a_column_per_class():
    grid = images(2, 3, 1, 8, 8)
    figure = class_grid(grid, ["0", "1", "2"], "Classes and styles")
    assert written(figure) == ["0", "1", "2"]
    assert (pixels(figure)[-TILE:, :TILE, 0] == tile(grid[1, 0])).all()


def test_names_wider_than_a_column_are_rotated_within_the_figure():
    figure = class_grid(images(1, 2, 1, 8, 8), ["a class of long name", "b"], "Classes")
    assert {text.get_rotation() for text in figure.axes[0].texts} == {90}
    figure.canvas.draw()
    title = figure.texts[0].get_window_extent()
    assert all(text.get_window_extent().y1 < title.y0 for text in figure.axes[0].texts)


def test_the_models_of_a_pair_lie_above_each_other():
    paths = {"autoencoder": images(2, 4, 1, 8, 8), "VAE": images(2, 4, 1, 8, 8)}
    ends = images(2, 1, 8, 8), images(2, 1, 8, 8)
    figure = interpolation_rows(paths, "Interpolation", ends)
    assert row_labels(figure) == ["autoencoder", "VAE"] * 2
    assert written(figure) == ["original", "original"]
    drawn = pixels(figure)
    assert drawn.shape == (4 * TILE + 6 + 24 + 6, 6 * TILE + 3 * 6 + 2 * 24, 3)
    assert (drawn[:TILE, :TILE, 0] == tile(ends[0][0])).all()
    assert (drawn[-TILE:, -TILE:, 0] == tile(ends[1][1])).all()
    second = slice(TILE + 6, 2 * TILE + 6)
    assert (drawn[second, TILE + 24 : 2 * TILE + 24, 0] == tile(paths["VAE"][0, 0])).all()


def test_a_pair_without_ends_shows_the_paths_alone():
    figure = interpolation_rows({"VAE": images(2, 4, 1, 8, 8)}, "Interpolation")
    assert pixels(figure).shape == (2 * TILE + 24, 4 * TILE + 3 * 6, 3)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: image_rows({}, "t"), "rows: expected images of at least one run, got none"),
        (
            lambda: image_rows({"a": images(2, 1, 8, 8), "b": images(3, 1, 8, 8)}, "t"),
            r"rows: b: expected shape \(2, 1, 8, 8\), got \(3, 1, 8, 8\)",
        ),
        (
            lambda: image_rows({"a": images(2, 1, 8, 8)}, "t", column_labels=["x"]),
            "column_labels: expected 2",
        ),
        (lambda: class_grid(images(2, 3, 1, 8, 8), ["a"], "t"), "names: expected 3 of them, got 1"),
        (lambda: class_grid(images(2, 1, 1, 8, 8), ["a"], "t", ["x"]), "row_labels: expected 2 of them"),
        (lambda: interpolation_rows({}, "t"), "paths: expected those of at least one model"),
        (
            lambda: interpolation_rows({"a": images(1, 3, 1, 8, 8), "b": images(1, 2, 1, 8, 8)}, "t"),
            "paths: b: expected shape",
        ),
        (
            lambda: interpolation_rows({"a": images(2, 3, 1, 8, 8)}, "t", (images(1, 1, 8, 8),) * 2),
            "ends: expected shape",
        ),
    ],
)
def test_mismatched_arguments_are_refused(draw, message):
    with pytest.raises(InvalidError, match=message):
        draw()
