"""One tiny study of `digits`, run once: two runs of two seeds and an autoencoder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaekit.studies.display import SilentDisplay
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import study

TINY = """
title: A tiny study
reference: nobody, 2026
question: Does it **work**?
runs:
  - name: "vae-{d}"
    label: "VAE, d = {d}"
    recipe: digits
    grid: {d: [2, 3]}
    overrides: ["model.latent_dim={d}"]
    group: VAE
  - name: ae
    recipe: digits
    overrides: [model.encoder.posterior=delta, objective.beta=0]
    group: autoencoder
presets:
  quick:
    overrides: [training.epochs=2, data.train=200, data.validation=50]
    evaluate: {samples: 3, images: 20}
    runs: {"vae-*": [training.batch_size=40]}
    seeds: 2
  one: {only: [vae-2], overrides: [training.epochs=1, data.train=100]}
page:
  - heading: The numbers
  - text: "Some `code` and <b>."
  - table:
      columns: [log_likelihood, elbo, kl, active_units, mse, seconds_per_epoch, "recipe:model.latent_dim"]
  - best: {runs: VAE}
  - curves: {runs: VAE, metric: validation_elbo}
  - metric_vs_param: {x: d, metric: elbo}
  - samples: {n: 4}
  - reconstructions: {n: 4}
  - latent_scatter: {n: 50}
"""


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the user's cache nor the user's data, and no waiting for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("VAEKIT_DATA", raising=False)
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's file."""
    file = tmp_path_factory.mktemp("study") / "tiny.yaml"
    file.write_text(TINY)
    return file


@pytest.fixture(scope="session")
def results(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """What came of it; not to be changed."""
    return study(tiny, folder=tmp_path_factory.mktemp("runs") / "tiny", jobs=1, display=SilentDisplay())
