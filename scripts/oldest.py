"""Install the oldest dependencies that pyproject.toml admits, torch apart, and run fast tests.

    make test-oldest                  the tests of TESTS, in .venv-oldest
    make test-oldest ARGS=tests/nn    other tests

The bounds are those of `dependencies` and of the extras in EXTRAS; what these bring in turn is the newest
that fits. torch is the version of constraints.txt. pytest and hypothesis are the newest ones.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from lock import ROOT, without_torch

EXTRAS = ("tensorboard", "mlflow", "optuna", "flows", "hdf5", "parquet", "excel", "tiff", "onnx", "hub")
TOOLS = ("pytest>=8", "hypothesis>=6.100", "setuptools>=77", "mpmath", "httpx", "pandas>=2.1")
TESTS = (
    "tests/config", "tests/data", "tests/distributions", "tests/models", "tests/nn", "tests/plotting",
    "tests/utils", "tests/training/test_loggers.py", "tests/training/test_optimizers.py",
    "tests/engine/test_fit.py", "tests/engine/test_export.py", "tests/runs/test_in_memory.py",
    "tests/test_sklearn.py", "tests/cli/test_group.py",
    "tests/explorer/test_server.py",
)  # fmt: skip
LEFT_OUT = (
    # matplotlib before 3.11 repeats some rows of pixels in a picture that is drawn pixel for pixel.
    "tests/plotting/test_grids.py::test_samples_are_drawn_pixel_for_pixel",
    # rich before 15 writes an empty line to a standard error that is no terminal.
    "tests/config/test_components.py::test_every_command_refuses_and_works_with_trust[evaluate]",
)


def versions() -> str:
    """The oldest versions that fit together, one `name==version` per line, without torch."""
    words = ["-m", "uv", "pip", "compile", "--quiet", "--python", sys.executable]
    words += ["--resolution", "lowest-direct", "--constraint", "constraints.txt"]
    words += ["--no-header", "--no-annotate", *(f"--extra={extra}" for extra in EXTRAS), "pyproject.toml"]
    found = subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return without_torch(found.stdout)


def install() -> None:
    """Install them, torch, vaekit and the tools of its tests into the environment of this Python."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "uv"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        oldest = Path(folder) / "oldest.txt"
        oldest.write_text(versions())
        print(oldest.read_text(), end="", flush=True)
        bound = ["--constraint", "constraints.txt", "--constraint", str(oldest)]
        subprocess.run([*pip, *bound, "--requirement", str(oldest), "torch", *TOOLS], cwd=ROOT, check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], cwd=ROOT, check=True)


if __name__ == "__main__":
    if sys.prefix == sys.base_prefix:
        sys.exit(
            "scripts/oldest.py installs packages: run it by `make test-oldest`, in an environment of its own"
        )
    install()
    words = ["-m", "pytest", "-q", "-m", "not slow and not browser", "--disable-warnings"]
    words += [*(f"--deselect={test}" for test in LEFT_OUT), *(sys.argv[1:] or TESTS)]
    sys.exit(subprocess.run([sys.executable, *words], cwd=ROOT).returncode)
