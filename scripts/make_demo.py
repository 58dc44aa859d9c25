"""Train the small models that `vaekit explore` opens, and store them in the package.

    python scripts/make_demo.py [NAME=RUN ...]

NAME is conditional, vae, ae or beta-vae, and RUN a finished run of its recipe. Without any, all four are
trained, which takes about a quarter of an hour on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import vaekit
from vaekit.explorer.session import DEMO_FOLDER, TOUR, TOUR_FOLDER
from vaekit.utils.io import write_whole

RECIPES = {"conditional": "demo", **{name: f"tour-{name}" for name in TOUR}}


def main() -> None:
    runs = dict(word.split("=", 1) for word in sys.argv[1:])
    for name in runs or RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            found = (
                vaekit.Run(runs[name]) if runs else vaekit.train(RECIPES[name], run_dir=f"{folder}/{name}")
            )
            store(found.path / "model", DEMO_FOLDER if name == "conditional" else TOUR_FOLDER / name)


def store(model: Path, folder: Path) -> None:
    """Copy the files of a model into the package."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("config.json", "model.safetensors"):
        print(write_whole(folder / file, (model / file).read_bytes()))


if __name__ == "__main__":
    main()
