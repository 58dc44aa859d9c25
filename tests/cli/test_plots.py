"""sample, reconstruct, interpolate, traverse, encode and report: what they write, and where."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from PIL import Image

COMMANDS = {
    "sample": "samples",
    "reconstruct": "reconstructions",
    "interpolate": "interpolations",
    "traverse": "traversals",
}


@pytest.mark.parametrize(("command", "name"), COMMANDS.items())
def test_a_figure_goes_into_the_run_and_its_path_to_stdout(call, run, command, name):
    target = run / "figures" / f"{name}.png"
    target.unlink()
    result = call(command, run)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{target}\n", "")
    assert Image.open(target).format == "PNG"


@pytest.mark.parametrize("place", ["model", "model/model.safetensors"])
def test_the_figure_of_a_bare_model_goes_into_the_current_folder(call, run, tmp_path, place):
    assert call("sample", run / place, "-n", 4).stdout == "samples.png\n"
    assert (tmp_path / "samples.png").is_file()


@pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_suffix_selects_the_format(call, run, tmp_path, ending, start):
    assert call("sample", run, "-n", 4, "-o", f"x.{ending}").exit_code == 0
    assert (tmp_path / f"x.{ending}").read_bytes().startswith(start)


def test_arrays_instead_of_a_figure(numbers, run, tmp_path):
    assert numbers("sample", run, "-n", 3, "-o", "x.npy") == {
        "file": "x.npy",
        "arrays": {"images": [3, 1, 8, 8]},
    }
    assert np.load(tmp_path / "x.npy").shape == (3, 1, 8, 8)
    numbers("reconstruct", run, "-n", 5, "-o", "x.npz")
    arrays = np.load(tmp_path / "x.npz")
    assert {name: arrays[name].shape for name in arrays} == {
        "originals": (5, 1, 8, 8), "reconstructions": (5, 1, 8, 8),
    }  # fmt: skip
    assert numbers("interpolate", run, "--rows", 2, "--steps", 4, "-o", "x.npy")["arrays"]["images"] == [
        2,
        4,
        1,
        8,
        8,
    ]
    assert numbers("traverse", run, "--latents", "1", "--steps", 3, "-o", "x.npz")["arrays"] == {
        "images": [1, 3, 1, 8, 8], "latents": [1],
    }  # fmt: skip


def test_samples_follow_the_seed_and_the_temperature(call, run, tmp_path):
    def drawn(*words: object) -> np.ndarray:
        assert call("sample", run, "-n", 8, "-o", "x.npy", *words).exit_code == 0
        return np.load(tmp_path / "x.npy")

    assert np.array_equal(drawn(), drawn("--seed", 0))
    assert not np.array_equal(drawn(), drawn("--seed", 1))
    assert drawn("--temperature", 0.01).std(0).mean() < 0.2 * drawn().std(0).mean()
    assert set(np.unique(drawn("--sample-pixels"))) <= {0, 255}


@pytest.mark.parametrize("words", [(), ("--sample-pixels",)])
def test_samples_are_shown_above_their_nearest_training_images(call, run, tmp_path, words):
    assert call("sample", run, "--nearest", *words).stdout == f"{run / 'figures/nearest.png'}\n"
    assert call("sample", run, "--nearest", "-n", 4, "-o", "x.npz", *words).exit_code == 0
    found = np.load(tmp_path / "x.npz")
    assert found["images"].shape == found["nearest"].shape == (8, 1, 8, 8)
    assert (set(np.unique(found["images"])) <= {0, 1}) == bool(words)
    distances = np.sqrt(np.square(found["images"] - found["nearest"]).sum((1, 2, 3)))
    np.testing.assert_allclose(found["distances"], distances, rtol=1e-5)


def test_paths_are_linear_or_spherical_between_the_same_ends(call, run, tmp_path):
    rows = {}
    for path in ("linear", "spherical"):
        assert call("interpolate", run, "--path", path, "-o", f"{path}.npy").exit_code == 0
        rows[path] = np.load(tmp_path / f"{path}.npy")
    assert np.allclose(rows["linear"][:, [0, -1]], rows["spherical"][:, [0, -1]], atol=1e-4)
    assert not np.allclose(rows["linear"], rows["spherical"], atol=1e-4)


def test_a_traversal_from_an_image_passes_through_its_latents(call, run, tmp_path):
    words = ("traverse", run, "--latents", "0", "-o", "x.npy")
    call(*words)
    prior = np.load(tmp_path / "x.npy")
    call(*words, "--image", 7)
    assert not np.allclose(prior, np.load(tmp_path / "x.npy"))


def test_a_path_between_chosen_images_has_their_reconstructions_as_ends(call, run, tmp_path):
    assert call("interpolate", run, "--images", "3,18,18,3", "--steps", 4, "-o", "x.npy").exit_code == 0
    there, back = np.load(tmp_path / "x.npy")
    assert np.allclose(there, back[::-1], atol=1e-5)


def test_a_path_between_two_files_is_that_between_the_same_images(call, run, tmp_path):
    from sklearn.datasets import load_digits

    for name, k in (("a", 0), ("b", 1)):
        Image.fromarray((load_digits().images[k] * 15.9).astype(np.uint8)).save(tmp_path / f"{name}.png")
    assert call("interpolate", run, "--files", "a.png", "b.png", "--steps", 3, "-o", "x.npy").exit_code == 0
    assert call("interpolate", run, "--files", "b.png", "a.png", "--steps", 3, "-o", "y.npy").exit_code == 0
    there, back = np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy")
    assert there.shape == (1, 3, 1, 8, 8)
    assert np.allclose(there[:, [0, -1]], back[:, [-1, 0]], atol=1e-4)


def test_indices_and_titles_are_text_in_an_svg(call, run, tmp_path):
    assert call("interpolate", run, "--images", "3,18", "-o", "x.svg").exit_code == 0
    text = re.findall(r"<text[^>]*>([^<]+)</text>", (tmp_path / "x.svg").read_text())
    assert {"3", "18", "original"} <= set(text)
    assert call("interpolate", run, "--images", "3,18", "--no-title", "-o", "y.svg").exit_code == 0
    untitled = re.findall(r"<text[^>]*>([^<]+)</text>", (tmp_path / "y.svg").read_text())
    assert {word for word in text if "Interpolations" in word}
    assert not {word for word in untitled if "Interpolations" in word}


def test_the_look_of_a_figure_is_chosen_by_options(call, run, tmp_path):
    def drawn(*words: object) -> Image.Image:
        assert call("sample", run, "-n", 6, "-o", "x.png", "--no-title", *words).exit_code == 0
        return Image.open(tmp_path / "x.png").convert("RGB")

    assert drawn("--width", 3, "--dpi", 100).size[0] == pytest.approx(300, abs=2)
    assert drawn("--columns", 6).size[0] > 2 * drawn("--columns", 2).size[0]
    plain, negative = np.asarray(drawn()), np.asarray(drawn("--invert"))
    inside = (slice(40, 60), slice(40, 60))  # pixels of the first image
    assert np.abs(plain[inside].astype(int) + negative[inside] - 255).max() <= 1
    colors = np.asarray(drawn("--cmap", "magma"))[inside].reshape(-1, 3)
    assert (np.ptp(colors.astype(int), axis=1) > 0).any()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_map_of_latents_needs_no_other_output(call, run, method):
    result = call("encode", run, "--map", method)
    assert result.stdout == f"{run}/figures/latents-{method}.png\n"
    assert Image.open(run / f"figures/latents-{method}.png").format == "PNG"


def test_the_decoded_grid_of_two_latents(numbers, run):
    assert numbers("traverse", run, "--grid", "--steps", 4, "-o", "x.npz")["arrays"] == {
        "images": [4, 4, 1, 8, 8], "quantiles": [4],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (3, ["sample", "-o", "x.jpg"], "x.jpg: expected a name that ends in .png"),
        (1, ["sample", "-o", "/dev/null/x.png"], "cannot write /dev/null/x.png"),
        (2, ["sample", "-n", 0], "0 is not in the range"),
        (2, ["sample", "--temperature", 0], "0.0 is not in the range"),
        (2, ["interpolate", "--steps", 1], "1 is not in the range"),
        (2, ["interpolate", "--path", "round"], "'round' is not one of 'linear', 'spherical'"),
        (2, ["traverse", "--latents", "1,x"], "expected numbers with commas, such as 0,3,5"),
        (3, ["traverse", "--latents", "0,2"], "latent 2: this model has latents 0 to 1"),
        (3, ["traverse", "--image", 297], "image 297: the split has images 0 to 296"),
        (4, ["reconstruct", "--data", "nowhere"], "'nowhere' is neither a path nor a dataset"),
        (3, ["encode", "-o", "x.txt"], "x.txt: expected a file name that ends in .npy, .npz, .csv"),
        (3, ["encode", "-o", "x.npy", "--label"], "a .npy file holds only the means"),
        (2, ["encode"], "nothing to write; give -o FILE for the latents, --map for a figure"),
        (2, ["interpolate", "--images", "3"], "expected pairs of indices with commas, such as 3,18"),
        (3, ["interpolate", "--images", "3,297"], "image 297: the split has images 0 to 296"),
        (2, ["interpolate", "--images", "3,18", "--files", "a", "b"], "two sources of images"),
        (4, ["interpolate", "--files", "a.png", "b.png"], "'a.png' is neither a path nor a dataset"),
        (3, ["sample", "--cmap", "rainbows"], "cmap: matplotlib has no color map 'rainbows'"),
        (2, ["sample", "--width", "0.5"], "0.5 is not in the range"),
    ],
)
def test_mistakes_are_one_line(fails, run, code, words, message):
    command, *rest = words
    assert message in fails(code, command, run, *rest)


# ---------------------------------------------------------------------------------------------------- codes


def test_latents_as_csv(call, run, tmp_path):
    result = call("encode", run, "-o", "x.csv", "--stddev", "--label", "--figure", "x.png")
    assert result.stdout == "x.csv\nx.png\n"
    names, *rows = csv.reader((tmp_path / "x.csv").open())
    assert names == ["row", "z0", "z1", "stddev0", "stddev1", "label"]
    assert len(rows) == 297
    assert {row[-1] for row in rows} == set("0123456789")
    assert all(float(row[3]) > 0 for row in rows)
    assert Image.open(tmp_path / "x.png").format == "PNG"


def test_latents_as_arrays_are_those_of_the_csv(numbers, run, tmp_path):
    assert numbers("encode", run, "-o", "x.npy") == {"files": ["x.npy"], "images": 297, "latents": 2}
    numbers("encode", run, "-o", "x.npz", "--stddev", "--label")
    numbers("encode", run, "-o", "x.csv", "--no-stddev")
    alone, arrays = np.load(tmp_path / "x.npy"), np.load(tmp_path / "x.npz")
    assert np.array_equal(alone, arrays["z"])
    assert set(arrays) == {"row", "z", "stddev", "label"}
    text = np.loadtxt(tmp_path / "x.csv", delimiter=",", skiprows=1, dtype=np.float32)
    assert np.array_equal(text[:, 1:], alone)
    assert np.array_equal(text[:, 0], arrays["row"])


def test_missing_labels_are_an_error(fails, run, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    assert "the data has none" in fails(3, "encode", run, "-o", "x.csv", "--label", "--data", "x.npy")


# ---------------------------------------------------------------------------------------------------- report


def test_the_report_draws_only_missing_figures(call, run):
    missing, there = run / "figures/latent-space.png", run / "figures/samples.png"
    missing.unlink()
    (run / "report.html").unlink()
    Image.new("L", (3, 3)).save(there)
    before = there.read_bytes()
    result = call("report", run)
    assert (result.exit_code, result.stdout) == (0, f"{run}/report.html\n")
    assert missing.is_file()
    assert there.read_bytes() == before
    assert (run / "report.html").is_file()


def test_the_report_redraws_all_figures_on_request(numbers, run):
    there = run / "figures/samples.png"
    Image.new("L", (3, 3)).save(there)
    assert str(there) in numbers("report", run, "--redraw")["figures"]
    assert Image.open(there).size > (3, 3)


def test_a_report_needs_a_run(fails, run):
    assert "not a run directory (no recipe.yaml)" in fails(4, "report", run / "model")
