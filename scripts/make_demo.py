"""Train the demo model of `vaekit explore --demo`, and store it in the package.

    python scripts/make_demo.py [RUN]

RUN is a run of the recipe `demo`; without it one is trained, which takes about three minutes on two cores.
"""

from __future__ import annotations

import sys
import tempfile

import vaekit
from vaekit.explorer.session import DEMO_FOLDER
from vaekit.utils.io import write_whole


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = vaekit.Run(sys.argv[1]) if len(sys.argv) > 1 else vaekit.train("demo", run_dir=f"{folder}/demo")
        for name in ("config.json", "model.safetensors"):
            print(write_whole(DEMO_FOLDER / name, (run.path / "model" / name).read_bytes()))


if __name__ == "__main__":
    main()
