import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.integrate import trapezoid

from vaekit.errors import InvalidError
from vaekit.plotting import kl_by_latent, latent_histograms

LATENTS = np.random.default_rng(0).normal(size=(500, 10)) * np.linspace(1, 2, 10)


def titles(figure):
    return [axes.get_title(loc="left").split()[0] for axes in figure.axes]


def area(axes):
    return sum(bar.get_width() * bar.get_height() for bar in axes.patches)


def test_a_histogram_for_each_latent_of_each_model():
    figure = latent_histograms({"VAE": LATENTS[:, :2], "autoencoder": 9 * LATENTS[:, :3]}, "Latents")
    assert titles(figure) == ["z0", "z1", "z0", "z1", "z2"]
    assert [text.get_text() for text in figure.texts] == ["Latents", "VAE", "autoencoder"]
    for axes in figure.axes:
        assert area(axes) == pytest.approx(1)
        z, density = axes.lines[0].get_data()
        assert trapezoid(density, z) == pytest.approx(1, abs=1e-3)
    assert len({axes.get_xlim() for axes in figure.axes[2:]}) == 1


def test_mean_and_standard_deviation_are_written():
    values = np.array([[1.0], [3.0]])
    assert latent_histograms({"a": values}, "t").axes[0].get_title(loc="left") == "z0  2.0 ± 1.0"
    assert latent_histograms({"a": values - 2.001}, "t").axes[0].get_title(loc="left") == "z0  0.0 ± 1.0"


def test_dimensions_are_chosen_by_variance_or_by_index():
    wide = np.random.default_rng(0).normal(size=(100, 20)) * np.where(np.arange(20) % 5 == 0, 0.01, 1)
    assert "z5" not in titles(latent_histograms({"a": wide}, "t"))
    assert len(titles(latent_histograms({"a": wide}, "t"))) == 16
    assert titles(latent_histograms({"a": wide}, "t", [5, 0])) == ["z5", "z0"]


def test_histograms_lie_within_the_figure_and_apart():
    figure = latent_histograms({"a": LATENTS, "b": LATENTS[:, :1]}, "t")
    boxes = [axes.get_position() for axes in figure.axes]
    assert min(min(box.x0, box.y0) for box in boxes) > 0
    assert max(max(box.x1, box.y1) for box in boxes) < 1
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_bars_are_sorted_and_colored_by_layer_and_unused_ones_are_gray():
    figure = kl_by_latent(np.array([0.5, 0.001, 2.0, 1.0]), "KL", layer_dims=[2, 2])
    bars = figure.axes[0].patches
    assert [bar.get_height() for bar in bars] == [2, 1, 0.5, 0.001]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["z2", "z3", "z0", "z1"]
    first, second, top, unused = (to_hex(bar.get_facecolor()) for bar in bars)
    assert first == second
    assert len({first, top, unused}) == 3
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["layer 1: 1 of 2 used", "layer 2: 2 of 2 used", "unused"]


def test_a_single_layer_has_no_name():
    legend = kl_by_latent(np.ones(40), "KL").axes[0].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["40 of 40 used"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: latent_histograms({}, "t"), "latents: expected those of at least one model"),
        (
            lambda: latent_histograms({"a": LATENTS[0]}, "t"),
            r"latents: a: expected finite values of shape \(N, d\)",
        ),
        (lambda: latent_histograms({"a": LATENTS * np.nan}, "t"), "latents: a: expected finite"),
        (
            lambda: latent_histograms({"a": LATENTS}, "t", [10]),
            r"dims: a: expected dimensions from 0 to 9, got \[10",
        ),
        (lambda: kl_by_latent(np.ones(3), "t", [2, 2]), "kl: expected 4 finite values, got shape"),
        (lambda: kl_by_latent(np.array([np.nan]), "t"), "kl: expected 1 finite values"),
    ],
)
def test_mismatched_arguments_are_refused(draw, message):
    with pytest.raises(InvalidError, match=message):
        draw()
