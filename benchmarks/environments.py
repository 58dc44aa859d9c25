"""Each contender has its own virtual environment, so that none affects another, or vaekit.

The environments are in benchmarks/.venvs. They are made on first use and kept. A contender that cannot be
installed is left out, and the table says why.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venvs"
PACKAGES = {
    "torch": ("torch", "numpy"),
    "pythae": ("torch", "pythae"),
    "lightning": ("torch", "lightning"),
    "keras": ("keras", "tensorflow-cpu"),
    "jax": ("jax", "optax"),
    "ctgan": ("torch", "ctgan"),
    "scvi": ("scvi-tools",),
}
CONSTRAINTS = HERE.parent / "constraints.txt"


class Unavailable(Exception):
    """A contender cannot take part; the message says why, in one line."""


def python(name: str) -> str:
    """The Python of an environment, which is made if it does not exist; "ours" is the running Python.

    Args:
        name: in `PACKAGES`, or "ours".

    Raises:
        Unavailable: the packages cannot be installed.
    """
    if name == "ours":
        return sys.executable
    place = FOLDER / name
    if not (place / ".ready").is_file():
        print(f"installing {' and '.join(PACKAGES[name])} into {place}", file=sys.stderr, flush=True)
        _run(sys.executable, "-m", "venv", str(place))
        _run(
            str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--constraint", str(CONSTRAINTS), *PACKAGES[name],
        )  # fmt: skip
        (place / ".ready").touch()
    return str(place / "bin" / "python")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")]
        raise Unavailable((errors or said or ["installation failed"])[0].removeprefix("ERROR: "))
