import json
import os
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from vaekit import plotting
from vaekit.errors import InvalidError, NotFoundError
from vaekit.runs.files import RunFiles, svg_beside
from vaekit.runs.report import render_report, write_report
from vaekit.runs.summary import evaluation_cards, training_cards

EVALUATION = {
    "split": "test",
    "images": 10_000,
    "samples": 5000,
    "observation": "dynamic",
    "reconstruction": -63.214,
    "kl": [20.1, 5.84],
    "elbo": -89.15,
    "log_likelihood": -85.618,
    "log_likelihood_stderr": 0.2149,
    "bits_per_dimension": 0.15755,
    "ess_mean": 183.44,
    "ess_min": 1.7,
    "active_units": [4, 31],
    "layer_dims": [40, 40],
    "is_likelihood": True,
    "caveats": [],
    "seconds": 400.0,
    "seed": 0,
}
RECIPE = "name: mnist\ntitle: <script>alert('x')</script> & Söhne\ndata: {dataset: digits}\n"


class Page(HTMLParser):
    """The tags, the attributes that load something, and the text of a page."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.loads, self.text = [], [], ""
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [
            value for name, value in attributes if name in ("src", "href", "srcset", "data", "action")
        ]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def run(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def whole(run):
    (run / "figures" / "progress").mkdir(parents=True)
    for name in ("samples", "training-curves", "extra"):
        Image.new("L", (300, 150)).save(run / "figures" / f"{name}.png", dpi=(300, 300))
    Image.new("L", (40, 40)).save(run / "figures" / "progress-samples.gif")
    Image.new("L", (4, 4)).save(run / "figures" / "progress" / "samples-0001.png")
    (run / "evaluation.json").write_text(json.dumps(EVALUATION))
    (run / "environment.json").write_text(
        json.dumps({"vaekit": "0.1.0", "threads": 2, "started": "2026-11-01T09:31:00+00:00"})
    )
    records = [
        {
            "epoch": e,
            "seconds": 40.0,
            "images_per_second": 1234.0,
            "validation_loss": 89.0 + e,
            "is_best": e == 1,
        }
        for e in (1, 2)
    ]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)) + '\n{"epoch": 3, "los')
    (run / "model").mkdir()
    save_file({"a": np.zeros((3, 5)), "b": np.zeros(7)}, run / "model" / "model.safetensors")
    return run


def tiles(values):
    return {tile.name: (tile.value, tile.unit, tile.note) for tile in values}


def test_the_gap_of_importance_sampling_is_a_card(run):
    gaps = [("annealed", 0.5, 0.1), ("importance-sampled", 2.25, 0.31), ("ELBO", 9.0, 0.5)]
    bounds = [{"name": n, "value": -90, "gap": gap, "gap_stderr": error} for n, gap, error in gaps]
    sandwich = {"images": 50, "samples": 5000, "bounds": bounds}
    (run / "bdmc.json").write_text(json.dumps(sandwich))
    page = render_report(RunFiles(run))
    assert "2.25 ± 0.31" in page
    assert "on 50 images from the model, 5,000 samples; AIS 0.50, ELBO 9.00" in page


def test_a_whole_run_is_one_page(whole):
    path = write_report(RunFiles(whole))
    assert path == whole / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert "−85.62 ± 0.21 nats" in page.text
    assert "1 November 2026, 09:31" in page.text
    assert "Not evaluated" not in page.text
    assert page.tags.count("img") == 4


def test_the_page_loads_nothing_from_outside(whole):
    source = write_report(RunFiles(whole)).read_text(encoding="utf-8")
    page = Page(source)
    assert all(value.startswith(("data:image/", "#")) for value in page.loads)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import", re.sub(r"base64,[^\"]+", "", source))


def test_what_comes_from_files_is_escaped(whole):
    source = write_report(RunFiles(whole)).read_text(encoding="utf-8")
    assert "<script" not in source
    assert "<h1>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; Söhne</h1>" in source


def test_images_come_in_order_with_size_caption_and_alternative_text(whole):
    source = write_report(RunFiles(whole)).read_text(encoding="utf-8")
    sizes_and_words = re.findall(r'width="(\d+)" height="(\d+)" alt="([^"]+)"', source)
    assert [words.split(":")[0].split(",")[0] for *_, words in sizes_and_words] == [
        "Images decoded from samples of the prior.",
        "The ELBO and its two terms by epoch",
        "Samples from the same latents",
        "extra",
    ]
    assert [size for *size, _ in sizes_and_words] == [
        ["120", "60"],
        ["120", "60"],
        ["40", "40"],
        ["120", "60"],
    ]


def test_missing_results_are_named_with_their_command(run):
    page = Page(write_report(RunFiles(run)).read_text(encoding="utf-8"))
    assert f"Not evaluated yet. For the log-likelihood and its terms, run: vaekit evaluate {run}" in page.text
    assert (
        f"No training curves yet. To draw them from the finished epochs, run: vaekit report {run}"
        in page.text
    )
    assert "No figures yet." in page.text
    assert "Not recorded." in page.text
    assert "img" not in page.tags


def test_only_the_recipe_is_needed(tmp_path):
    (tmp_path / "recipe.yaml").write_text("name: mine")
    page = render_report(RunFiles(tmp_path))
    assert f"vaekit evaluate {tmp_path}" in page
    assert "<h1>mine</h1>" in page


def test_a_path_with_a_space_is_quoted_in_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my runs/1").mkdir(parents=True)
    Path("my runs/1/recipe.yaml").write_text("name: mine")
    assert "vaekit evaluate &#39;my runs/1&#39;" in render_report(RunFiles("my runs/1"))


def test_key_numbers_of_an_evaluation():
    assert tiles(evaluation_cards(EVALUATION)) == {
        "Log-likelihood": ("−85.62 ± 0.21", "nats", "5,000 importance samples, 10,000 test images"),
        "ELBO": ("−89.15", "nats", "lower bound of log p(x)"),
        "Reconstruction": ("−63.21", "nats", "log p(x|z), mean over q(z|x)"),
        "KL": ("25.94", "nats", "by layer: 20.10, 5.84"),
        "Bits per dimension": ("0.158", "", "observation dynamic"),
        "Active units": ("35 of 80", "", "by layer: 4 of 40, 31 of 40"),
        "Effective sample size": ("183.4", "", "of 5,000, mean over images, minimum 1.7"),
    }


def page_of(run, evaluation):
    """The page of a run with an evaluation."""
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    return render_report(RunFiles(run))


def test_an_invalid_likelihood_is_labeled_with_the_reason(run):
    changed = EVALUATION | {"is_likelihood": False, "caveats": ["a fixed sigma <of> 0.1"]}
    page = page_of(run, changed)
    assert "Log-score (not a likelihood)" in page
    assert "a fixed sigma &lt;of&gt; 0.1" in page


QUALITY = {
    "frechet": 4.1029,
    "kernel": 0.10491,
    "precision": 0.722,
    "recall": 0.7925,
    "floor_frechet": 0.5258,
    "floor_kernel": -0.0004,
    "floor_precision": 0.882,
    "floor_recall": 0.8725,
    "images": 5000,
    "pixels": "drawn",
    "description": "64 features of a small classifier of mnist",
}


def test_sample_quality_is_shown_with_its_floor(run):
    changed = EVALUATION | {"quality": QUALITY}
    found = tiles(evaluation_cards(changed))
    assert found["Fréchet distance"] == ("4.10", "", "held-out images: 0.526")
    assert found["Kernel distance"] == ("0.105", "", "held-out images: −0.000400")
    assert found["Recall"] == ("0.792", "", "held-out images: 0.873")
    words = (
        "Sample quality: 5,000 samples (sampled pixels) against as many training images, by 64 features of a "
        "small classifier of mnist. The same measures of as many held-out images show what is attainable."
    )
    assert words in page_of(run, changed)
    assert "Sample quality" not in page_of(run, EVALUATION)


def test_undefined_numbers_are_left_out():
    autoencoder = EVALUATION | dict.fromkeys(("elbo", "log_likelihood", "bits_per_dimension", "ess_mean"))
    assert list(tiles(evaluation_cards(autoencoder))) == ["Reconstruction", "KL", "Active units"]
    assert evaluation_cards({}) == []


def test_key_numbers_of_a_training(whole):
    files = RunFiles(whole)
    assert len(files.metrics) == 2, "a last line that was cut short is passed over"
    assert tiles(training_cards(files.metrics, files.n_parameters)) == {
        "Parameters": ("22", "", ""),
        "Epochs": ("2", "", "best epoch: 1"),
        "Training time": ("1 min 20 s", "", "1,234 examples/s"),
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("recipe.yaml", b"a: [", r"recipe\.yaml.*: not readable as YAML"),
        ("recipe.yaml", b"- 1", r"recipe\.yaml.*: expected keys and values, got list"),
        ("evaluation.json", b"{", r"evaluation\.json: expected a JSON object .* delete the file"),
        ("evaluation.json", b'{"kl": ["a"]}', r"evaluation\.json: expected the numbers .* delete the file"),
        ("evaluation-ais.json", b'{"log_likelihood": "a"}', r"evaluation-ais\.json: expected the numbers"),
        (
            "bdmc.json",
            b'{"bounds": []}',
            r"bdmc\.json: expected the numbers .*KeyError: 'importance-sampled'",
        ),
        ("bdmc.json", b'{"a": 1}', r"bdmc\.json: expected the numbers"),
        ("environment.json", b"3", r"environment\.json: expected a JSON object"),
        ("metrics.jsonl", b"{]}\n{}", r"metrics\.jsonl: expected a JSON object on line 1"),
        ("figures/samples.png", b"no picture", r"samples\.png: expected an image"),
        ("model/model.safetensors", b"no weights", r"model\.safetensors: expected safetensors"),
    ],
)
def test_a_damaged_file_is_named_and_the_old_page_is_kept(whole, name, content, message):
    write_report(RunFiles(whole))
    (whole / name).write_bytes(content)
    with pytest.raises(InvalidError, match=message) as caught:
        write_report(RunFiles(whole))
    assert "\n" not in str(caught.value)
    assert (whole / "report.html").exists()


def test_a_folder_that_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match=r"not a run directory \(no recipe\.yaml\)"):
        write_report(RunFiles(tmp_path))


def test_the_templates_and_the_style_are_package_data():
    root = Path(__file__).parents[2]
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = settings["package-data"]["vaekit"]
    packed = {file for pattern in patterns for file in (root / "src/vaekit").glob(pattern)}
    for name in ("runs/templates/report.html", "studies/templates/study.html", "utils/templates/style.css"):
        assert root / "src/vaekit" / name in packed


def test_the_page_begins_with_the_answer_a_figure_and_what_doctor_finds(whole):
    changed = {"log_likelihood_interval": [-86.04, -85.2], "noun": "images"}
    source = page_of(whole, EVALUATION | changed)
    top = source[: source.index("<nav")]
    assert (
        "On 10,000 test images the log-likelihood is −85.62 nats per image (95 %: −86.04 to −85.20)." in top
    )
    assert "Images decoded from samples of the prior." in top
    assert source.count("Images decoded from samples of the prior.") == 2, (
        "the caption, and the words for the image"
    )
    assert "vaekit doctor finds" in top


def test_a_run_without_an_evaluation_is_answered_by_its_training(whole):
    (whole / "evaluation.json").unlink()
    lines = [
        {"epoch": e, "validation_elbo": -100.0 + e, "validation_loss": 100.0 - e, "is_best": e == 2}
        for e in (1, 2)
    ]
    (whole / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    page = Page(render_report(RunFiles(whole)))
    assert re.search(
        r"The validation ELBO is −98.00 nats after epoch 2 of \d+; it is not evaluated", page.text
    )


def test_a_figure_follows_the_colors_of_the_page_unless_its_png_is_newer(whole):
    figure = plotting.bound_by_samples([(1, -110.0, 1.0), (10, -101.0, 0.8)], "A title")
    file = whole / "figures" / "samples.png"
    svg = plotting.save(figure, svg_beside(file), formats=("svg",))[0]
    source = render_report(RunFiles(whole))
    assert "var(--ink)" in source
    assert source.count("<img") == 3
    os.utime(svg, ns=(0, 0))
    source = render_report(RunFiles(whole))
    assert source.count("<img") == 4
