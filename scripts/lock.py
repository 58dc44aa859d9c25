"""Write base.txt, dev.txt and full.txt in requirements/: every dependency but torch, with version and hashes.

    make lock            pin the newest versions that pyproject.toml allows
    make lock ARGS=--keep   change only what no longer fits

torch is left out, since its builds differ by machine: constraints.txt pins its version, and pip finds the
build. What only comes with a build of torch for graphics cards is left out with it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
FULL = ("docs", "tensorboard", "wandb", "mlflow", "optuna", "umap", "hub")
SETS = {"dev": ("dev", "bench"), "base": (), "full": FULL}  # name -> extras; with the versions of dev
WITH_TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
NOTE = "# Written by `make lock` from pyproject.toml. torch is in constraints.txt.\n"


def main() -> None:
    """Write the files."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    for name, extras in SETS.items():
        target = FOLDER / f"{name}.txt"
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / target.name
            if "--keep" in sys.argv and target.exists():
                made.write_bytes(target.read_bytes())
            words = ["-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
            words += ["--generate-hashes", "--no-header", "--no-annotate", "--constraint", "constraints.txt"]
            words += ["--constraint", "requirements/dev.txt"] if name != "dev" else []
            words += [f"--extra={extra}" for extra in extras]
            words += ["pyproject.toml", "requirements/build.in", "--output-file", str(made)]
            subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
            target.write_text(NOTE + without_torch(made.read_text()))
        print(f"{target.relative_to(ROOT)}: {target.read_text().count('==')} packages")


def without_torch(text: str) -> str:
    r"""The same requirements without torch and what comes with its builds.

    >>> without_torch("torch==2.13.0 \\\n    --hash=sha256:00\nnumpy==2.4.6 \\\n    --hash=sha256:11\n")
    'numpy==2.4.6 \\\n    --hash=sha256:11\n'
    """
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return "".join(entry for entry in entries if not WITH_TORCH.fullmatch(entry.partition("==")[0].strip()))


if __name__ == "__main__":
    main()
