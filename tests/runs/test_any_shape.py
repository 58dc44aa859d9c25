"""Signals, volumes, images with four channels and vectors are trained, evaluated and drawn like images."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vaekit.cli import program
from vaekit.errors import InvalidError
from vaekit.explorer import requests, uploads, views
from vaekit.explorer.session import Source, create_session
from vaekit.explorer.static_export.contents import site_files
from vaekit.runs.run import Run
from vaekit.runs.train import train
from vaekit.training.display import SilentLogger

OWN = """
import numpy as np
import vaekit
from vaekit.data import Dataset

@vaekit.register("dataset")
def waves(shape: list[int], n: int = 44):
    rng, places = np.random.default_rng(0), np.prod(shape)
    phase = np.linspace(0, 6, places) + rng.uniform(0, 6, (n, 1))
    values = (rng.uniform(20, 40, (n, 1)) * np.sin(phase) + 100).astype(np.float32).reshape(n, *shape)
    return Dataset("waves", "Waves", values, np.arange(n) % 3, ("a", "b", "c"), scaled=False)
"""
SHAPES = {"signals": (2, 32), "volumes": (1, 8, 8, 8), "bands": (4, 7, 6), "vectors": (6,)}
NETWORK = {
    "signals": "{kind: convolutional, channels: [3, 4], hidden_sizes: [6]}",
    "volumes": "{kind: residual, channels: [3, 4], hidden_sizes: [6]}",
    "bands": "{kind: convolutional, channels: [3], hidden_sizes: [6]}",
    "vectors": "{kind: dense, hidden_sizes: [6]}",
}
FIGURES = ("samples", "reconstructions", "interpolations", "traversals", "latent-space", "decoded-grid")

every_kind = pytest.mark.parametrize("kind", SHAPES)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """One small run of each kind, trained when it is first asked for."""
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "own.py").write_text(OWN)

    class Runs(dict):
        def __missing__(self, kind: str) -> Run:
            changes = [
                f"data.dataset={folder / 'own.py'}:waves", f"data.options={{shape: {list(SHAPES[kind])}}}",
                "data.binarization=none", "data.values=continuous", "data.test=12", "data.validation=12",
                "training.epochs=2", "training.sample_every=1", "model.latent_dim=2",
                f"model.encoder.network={NETWORK[kind]}", f"model.decoder.network={NETWORK[kind]}",
                "model.decoder.likelihood=gaussian",
            ]  # fmt: skip
            self[kind] = train("digits", changes, run_dir=folder / kind, log=SilentLogger())
            return self[kind]

    return Runs()


def call(*words: object) -> str:
    result = CliRunner().invoke(program, [*map(str, words), "--trust", "own.py"])
    assert result.exit_code == 0, result.output
    return result.stdout


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


@every_kind
def test_a_run_has_all_figures_and_a_report(runs: dict[str, Run], kind: str):
    run = runs[kind]
    assert run.trained.shape == SHAPES[kind]
    for name in FIGURES:
        width, height = size_of(run.path / "figures" / f"{name}.png")
        assert 200 < width < 3000, name
        assert 200 < height < 3000, name
    progress = sorted((run.path / "figures" / "progress").iterdir())
    assert [file.stem for file in progress] == [
        f"{what}-000{epoch}" for what in ("reconstructions", "samples") for epoch in (1, 2)
    ]
    page = (run.path / "report.html").read_text()
    assert page.count("<figure>") == len(FIGURES) + 3, "those, the training curves and two films"


@every_kind
def test_every_estimator_takes_the_data_points(runs: dict[str, Run], kind: str):
    path = runs[kind].path
    found = json.loads(call("evaluate", path, "--samples", 5, "--quality", "--json"))
    assert found["images"] == 12
    assert np.isfinite(found["log_likelihood"])
    assert found["quality"]["features"] == "pixels"
    hidden = json.loads(call("evaluate", path, "--samples", 5, "--missing", "half:left", "--json"))
    assert hidden["log_likelihood"] != found["log_likelihood"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["signals", "volumes"])
def test_annealed_importance_sampling_takes_the_data_points(runs: dict[str, Run], kind: str):
    few = ("--images", 2, "--chains", 2, "--steps", 2, "--samples", 2)
    ais = json.loads(call("evaluate", runs[kind].path, "--estimator", "ais", *few[:-2], "--json"))
    assert np.isfinite(ais["log_likelihood"])
    bounds = json.loads(call("evaluate", runs[kind].path, "--bdmc", *few, "--json"))
    assert bounds["images"] == 2


@every_kind
def test_every_command_draws_or_writes_the_data_points(runs: dict[str, Run], kind: str, tmp_path: Path):
    path = runs[kind].path
    for command in ("reconstruct", "interpolate", "traverse", "sample"):
        file = tmp_path / f"{command}.png"
        call(command, path, "-o", file)
        assert min(size_of(file)) > 200
    call("sample", path, "--nearest", "-o", tmp_path / "nearest.png")
    call("sample", path, "-n", 5, "-o", tmp_path / "samples.npy")
    samples = np.load(tmp_path / "samples.npy")
    assert samples.shape == (5, *SHAPES[kind])
    call("impute", path, "--missing", "pixels:0.4", "--samples", 5, "-o", tmp_path / "imputed.png")
    call("impute", path, "--samples", 5, "-o", tmp_path / "imputed.npz")
    with np.load(tmp_path / "imputed.npz") as imputed:
        assert imputed["mean"].shape == (12, *SHAPES[kind])
    call("encode", path, "-o", tmp_path / "latents.npz")
    call("report", path)


@every_kind
def test_the_explorer_shows_the_data_points_as_pictures(runs: dict[str, Run], kind: str):
    trained = runs[kind].trained
    session = create_session(trained, trained.load_split("test"), Source("waves"))
    described = views.describe(session)
    picture = views.latents.decode(session, requests.Decode(z=[[0, 0], [1, 1]]))
    with Image.open(io.BytesIO(picture.content)) as image:
        width, height = described["tile_size"]
        assert image.size == (2 * width, height)
    assert not described["drawable"]
    with pytest.raises(InvalidError, match="expected a model of gray or color images"):
        uploads.from_pixels(session, "")
    with pytest.raises(InvalidError, match="export: expected a model of gray or color images"):
        site_files([session])


def test_training_does_not_depend_on_drawing(
    runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no pen")

    monkeypatch.setattr("vaekit.plotting.save_grid", fail)
    monkeypatch.setattr("vaekit.plotting.samples", fail)
    log = SilentLogger()
    settings = [
        "training.epochs=2",
        "training.sample_every=1",
        "data.train=50",
        "data.validation=20",
        "data.test=20",
    ]
    run = train("digits", settings, run_dir=tmp_path / "run", log=log)
    assert len(run.metrics) == 2
    assert (run.path / "model" / "model.safetensors").is_file()
    assert (run.path / "report.html").is_file()
    assert (run.path / "figures" / "reconstructions.png").is_file()
    assert not (run.path / "figures" / "samples.png").exists()
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == [
        "progress of samples: not drawn (no pen); training goes on",
        "progress of reconstructions: not drawn (no pen); training goes on",
        "figure samples: not drawn (no pen); the run is complete without it",
    ]
