"""Draw the picture at the top of the README: the latent plane of `mnist-2d` decoded, and the test set in it.

    python scripts/readme_picture.py [RUN]

RUN is a run of the recipe `mnist-2d`. Without RUN one is trained, which takes about two minutes on two cores.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

import vaekit
from vaekit.engine import plots
from vaekit.plotting.style import render
from vaekit.utils.io import write_whole

HEIGHT = 820
TARGET = Path(__file__).parents[1] / "docs" / "images" / "latent-plane.png"


def main() -> None:
    run = vaekit.Run(sys.argv[1]) if len(sys.argv) > 1 else vaekit.train("mnist-2d")
    trained = run.trained
    images = trained.load_split("test", images=plots.MAX_LATENTS)
    drawn = [plots.decoded_grid(trained, 20).figure, plots.latent_scatter(trained, images).figure]
    sides = [_scaled(Image.open(io.BytesIO(render(figure))).convert("RGB")) for figure in drawn]
    page = Image.new("RGB", (sum(side.width for side in sides), HEIGHT), "white")
    left = 0
    for side in sides:
        page.paste(side, (left, 0))
        left += side.width
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    print(write_whole(TARGET, buffer.getvalue()))


def _scaled(image: Image.Image) -> Image.Image:
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
