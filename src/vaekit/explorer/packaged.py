"""The small model that the package carries, so that there is something to explore from the start."""

from __future__ import annotations

from pathlib import Path

from vaekit.engine.trained_model import TrainedModel, load_model

FOLDER = Path(__file__).parent / "demo"


def demo() -> TrainedModel:
    """A conditional VAE on MNIST with two latents; `scripts/make_demo.py` made it by the recipe `demo`."""
    return load_model(FOLDER)
