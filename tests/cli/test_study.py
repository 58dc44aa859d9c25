"""study, sweep and compare on the command line."""

from __future__ import annotations

import pytest

STUDY = """
title: Two
runs: [{name: "d{d}", recipe: digits, grid: {d: [2, 3]}, overrides: ["model.latent_dim={d}"]}]
presets: {quick: {overrides: [training.epochs=1, data.train=60], evaluate: {samples: 2, images: 5}}}
"""


@pytest.fixture
def file(call, tmp_path):
    (tmp_path / "two.yaml").write_text(STUDY)
    return "two.yaml"


def test_a_study_prints_the_path_of_its_page(call, numbers, file, tmp_path):
    result = call("study", file, "--jobs", 1)
    folder = "runs/studies/two-quick"
    assert (result.exit_code, result.stdout) == (
        0, f"Page     {folder}/index.html\nNumbers  {folder}/results.json\n",
    )  # fmt: skip
    assert result.stderr.splitlines()[0] == "2 runs to do"
    assert (tmp_path / folder / "index.html").is_file()
    again = numbers("study", file)
    assert (again["finished"], again["failed"], again["page"]) == (2, [], f"{folder}/index.html")


def test_the_studies_are_listed(call, numbers):
    assert "latent-dimension" in call("study", "--list").stdout
    [row] = [row for row in numbers("study", "--list")["studies"] if row["name"] == "latent-dimension"]
    assert row["presets"] == ["quick", "full"]


def test_runs_that_fail_are_an_error_after_the_page(call, tmp_path):
    (tmp_path / "s.yaml").write_text(
        STUDY.replace('["model.latent_dim={d}"]', '["data.dataset=nothing{d}.npy"]')
    )
    result = call("study", "s.yaml", "-q")
    assert result.exit_code == 1
    assert result.stdout.startswith("Page ")
    [line] = result.stderr.splitlines()
    assert line.startswith("error: 2 of 2 runs failed; first failure: runs/studies/s-quick/d2/seed-0: ")


def test_a_sweep_prints_its_table(call, numbers):
    words = (
        "sweep",
        "digits",
        "model.latent_dim=2,3",
        "data.train=60",
        "--epochs",
        1,
        "--images",
        5,
        "--samples",
        2,
    )
    result = call(*words, "--jobs", 1)
    assert result.exit_code == 0
    assert "latent_dim = 2" in result.stdout
    assert "Page     runs/sweeps/digits-latent_dim/index.html" in result.stdout
    again = numbers(*words)
    assert [row["name"] for row in again["tables"][0]["rows"]] == ["latent_dim = 2", "latent_dim = 3"]


def test_a_comparison_goes_to_stdout_and_its_page_to_the_output(call, numbers, run, tmp_path):
    result = call("compare", run, "-o", "page.html")
    assert result.exit_code == 0
    assert f"Not measured yet; measure with: vaekit evaluate {run}" in result.stdout
    assert result.stderr == "page: page.html\n"
    assert (tmp_path / "page.html").is_file()
    assert numbers("compare", run)["not_measured"] == [f"vaekit evaluate {run}"]


@pytest.mark.parametrize(
    ("code", "words", "line"),
    [
        (2, ["study"], "error: expected the name of a study (see: vaekit study --list) or a YAML file"),
        (
            4,
            ["study", "latent-dimensio"],
            "error: study 'latent-dimensio': neither a name (see: vaekit study",
        ),
        (3, ["study", "two.yaml", "--preset", "x"], "error: preset: expected one of quick, got 'x'"),
        (2, ["sweep", "digits", "model.latent_dim"], "error: expected KEY=VALUE,VALUE... after the recipe"),
        (3, ["sweep", "digits", "model.latent_dim=2"], "error: sweep: expected a key with several values"),
        (3, ["sweep", "digits", "model.latnt=2,3"], "error: digits: model.latnt: unknown key; did you mean"),
        (4, ["compare", "nowhere"], "error: nowhere: not a run directory"),
    ],
)
def test_each_refusal_is_one_line(fails, file, code, words, line):
    assert fails(code, *words).startswith(line)
