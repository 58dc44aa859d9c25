"""Each contender has a virtual environment of its own, so that none disturbs another, nor vaekit.

They lie in benchmarks/.venvs, are made on first use, and stay. What cannot be installed is left out, and the
table says why.
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
}
CONSTRAINTS = HERE.parent / "constraints.txt"


class Unavailable(Exception):
    """A contender that cannot take part, and why, in one line."""


def python(name: str) -> str:
    """The interpreter of an environment, which is made if it is not there; ours is the one that runs this.

    Args:
        name: in `PACKAGES`, or "ours".

    Raises:
        Unavailable: its packages cannot be installed.
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
