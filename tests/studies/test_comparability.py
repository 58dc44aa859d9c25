"""Numbers of other data, sizes, colors and conditions: columns of their own, no star, no pairing, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vaekit.cli import program
from vaekit.runs.run import Run
from vaekit.runs.train import train

QUICK = [
    "training.epochs=1", "training.batch_size=16", "model.encoder.network.hidden_sizes=[4]",
    "model.decoder.network.hidden_sizes=[4]", "model.latent_dim=2",
]  # fmt: skip
Compare = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def _no_figures() -> Iterator[None]:
    """Figures and reports take most of the time of a tiny run, and nothing here looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "plot", lambda self, **options: [])
        patch.setattr(Run, "report", lambda self: self.path / "report.html")
        patch.setattr(Run, "_plot_bound_by_samples", lambda self, evaluation: None)
        yield


def measured(folder: Path, data: Path, overrides: Sequence[str], **options: Any) -> Path:
    """A run on these data, evaluated."""
    names = [f"data.dataset={data}", *QUICK, *overrides]
    run = train("digits", names, run_dir=folder, figures=False)
    run.evaluate(samples=10, **options)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One folder of pictures at two sizes, and in gray; the first again with another model."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "data").mkdir()
    rng = np.random.default_rng(0)
    for number in range(40):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "data" / f"{number:02}.png")
    plain = [
        "data.binarization=none",
        "model.decoder.likelihood=discretized_logistic",
        "data.validation=5",
        "data.test=10",
    ]
    choices = {
        "small": ["data.size=[8,8]"],
        "large": ["data.size=[12,12]"],
        "gray": ["data.size=[8,8]", "data.color=gray"],
        "other": ["data.size=[8,8]", "model.latent_dim=3"],
    }
    return [measured(folder / name, folder / "data", [*plain, *keys]) for name, keys in choices.items()]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A table under one path before and after a cell changed, and after it with another scaling."""
    folder = tmp_path_factory.mktemp("tables")
    table, rows = folder / "rows.csv", np.random.default_rng(0).normal(size=(80, 3)) * [0.01, 1, 3000]
    plain = ["data.binarization=none", "data.values=continuous", "model.decoder.likelihood=gaussian",
             "data.validation=10", "data.test=20"]  # fmt: skip

    def write() -> None:
        np.savetxt(table, rows, delimiter=",", header="a,b,c", comments="")

    write()
    before = measured(folder / "before", table, plain)
    rows[5, 1] = 1000
    write()
    after = measured(folder / "after", table, plain)
    robust = measured(folder / "robust", table, [*plain, "data.scaling=robust"])
    return [before, after, robust]


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Models of the same images: unconditional, given the label, given attributes, summed over labels."""
    folder = tmp_path_factory.mktemp("conditional")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    images = (rng.random((80, 8, 8)) * 200 + 50 * labels[:, None, None]).astype(np.uint8)
    np.savez(folder / "data.npz", images=images, labels=labels)
    values = rng.normal(size=(80, 2))
    np.savetxt(folder / "values.csv", values, delimiter=",", header="u,v", comments="")
    plain = [f"data.attributes={folder / 'values.csv'}", "data.validation=10", "data.test=20"]
    runs = {
        "none": ([], {}),
        "label": (["model.condition=label"], {}),
        "attributes": (["model.condition=attributes"], {}),
        "marginal": (["model.condition=label"], {"labels": "marginalize"}),
    }
    return [
        measured(folder / name, folder / "data.npz", [*plain, *keys], **options)
        for name, (keys, options) in runs.items()
    ]


@pytest.fixture
def compare() -> Compare:
    """What `vaekit compare RUN... --json` prints."""

    def call(*runs: Path) -> dict[str, Any]:
        result = CliRunner().invoke(program, ["compare", *map(str, runs), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def columns(found: dict[str, Any], name: str) -> list[list[dict[str, Any]]]:
    """The cells with a value of each column of a metric in the first table."""
    table = found["tables"][0]
    places = [place for place, column in enumerate(table["columns"]) if column["name"] == name]
    return [
        [row["cells"][place] for row in table["rows"] if row["cells"][place]["value"] is not None]
        for place in places
    ]


def apart(found: dict[str, Any], n: int, *names: str) -> None:
    """Assert that the numbers of n runs stand in columns of their own, without a star."""
    for name in names:
        cells = columns(found, name)
        assert [len(column) for column in cells] == [1] * n, name
        assert not any(cell["best"] for column in cells for cell in column), name


def notes(found: dict[str, Any]) -> str:
    return "\n".join(note for table in found["tables"] for note in table["notes"])


def test_one_folder_at_two_sizes_or_colors_is_not_compared(pictures, compare):
    small, large, gray, _ = pictures
    found = compare(small, large, gray)
    apart(found, 3, "log_likelihood", "elbo", "kl", "bits_per_dimension", "mse", "active_units")
    assert len(found["tables"]) == 1  # nothing is paired
    assert "are not compared: they differ in the data (" in notes(found)
    assert "the shape (3x8x8, 3x12x12)" in notes(found)
    assert "the shape (3x8x8, 1x8x8)" in notes(found)


def test_the_same_folder_at_the_same_size_is(pictures, compare):
    small, large, _, other = pictures
    found = compare(small, large, other)
    assert sorted(len(column) for column in columns(found, "elbo")) == [1, 2]
    _, paired = found["tables"]
    assert len(paired["rows"]) == 2
    assert "Left out, no other run has its protocol; it differs in the data (" in notes(found)
    assert not any(cell["best"] for column in columns(found, "elbo") for cell in column)  # one seed each


def test_a_file_that_changed_under_one_path_is_not_compared(tables, compare):
    before, after, _ = tables
    found = compare(before, after)
    apart(found, 2, "log_likelihood", "elbo", "kl", "bits_per_dimension", "mse")
    assert len(found["tables"]) == 1
    assert "are not compared: they differ in the data (" in notes(found)


def test_two_scalings_of_one_table_are_compared_in_units_of_the_data(tables, compare):
    _, after, robust = tables
    found = compare(after, robust)
    for name in ("log_likelihood", "elbo", "bits_per_dimension"):
        assert [len(column) for column in columns(found, name)] == [2], name
    apart(found, 2, "mse")  # errors are of model values, which are scaled differently
    assert [len(table["rows"]) for table in found["tables"]] == [2, 2]
    assert "the scale (" in notes(found)


def test_log_px_given_the_label_is_not_compared_with_log_px_given_attributes(conditional, compare):
    none, label, attributes, marginal = conditional
    apart(compare(label, attributes), 2, "log_likelihood", "elbo", "reconstruction", "kl", "mse")
    found = compare(none, label, attributes, marginal)
    apart(found, 4, "log_likelihood", "elbo")
    assert len(found["tables"]) == 1
    assert "what is conditioned on (none, label)" in notes(found)
    assert "what is conditioned on (none, attributes)" in notes(found)
    assert "labels that are marginalized (none, marginalized)" in notes(found)


def test_permuted_labels_are_other_data(conditional, compare, tmp_path):
    data = dict(np.load(conditional[1].parent / "data.npz"))
    np.savez(tmp_path / "data.npz", images=data["images"], labels=1 - data["labels"])
    plain = [
        f"data.attributes={conditional[1].parent / 'values.csv'}", "data.validation=10", "data.test=20",
        "model.condition=label",
    ]  # fmt: skip
    other = measured(tmp_path / "permuted", tmp_path / "data.npz", plain)
    apart(compare(conditional[1], other), 2, "log_likelihood", "elbo")


def test_evaluations_of_an_earlier_version_are_shown_but_not_compared(pictures, compare, tmp_path):
    old = [Path(shutil.copytree(run, tmp_path / run.name)) for run in (pictures[0], pictures[3])]
    for run in old:
        fields = json.loads((run / "evaluation.json").read_text())
        for name in ("data", "shape", "measure", "conditioned_on", "scale", "sha256"):
            del fields[name]
        (run / "evaluation.json").write_text(json.dumps(fields))
    found = compare(*old)
    assert [len(column) for column in columns(found, "elbo")] == [2]
    assert not any(cell["best"] for column in columns(found, "elbo") for cell in column)
    assert len(found["tables"]) == 1
    assert "by an earlier vaekit, which kept no fingerprint of the data: not compared" in notes(found)
    both = compare(old[0], pictures[3])
    apart(both, 2, "elbo", "log_likelihood", "mse")
    assert len(both["tables"]) == 1


def test_runs_of_the_same_recipe_and_other_data_have_rows_of_their_own(tables, compare):
    assert [row["name"] for row in compare(*tables[:2])["tables"][0]["rows"]] == ["before", "after"]
