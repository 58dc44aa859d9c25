"""List the known vulnerabilities of what is installed in this environment, as the registry knows them.

    make audit

pip-audit does it, from an environment of its own, .venv-audit. Exit code 0: none is known; 1: some are, or
the registry does not answer, which is said in one line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-audit"


def main() -> int:
    """Install pip-audit if it is missing, and run it."""
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        print("audit: pip-audit cannot be installed here, so nothing was checked; try again with a network")
        return 1
    words = ["-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    words += ["--path", sysconfig.get_path("purelib")]
    done = subprocess.run([str(python), *words], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    line, code = report(packages)
    print(line)
    return code


def report(packages: list[dict[str, Any]]) -> tuple[str, int]:
    """What pip-audit found, and the exit code.

    Args:
        packages: the list `dependencies` of its JSON.

    >>> report([{"name": "torch", "version": "2.13.0", "skip_reason": "not found"}])[1]
    1
    >>> report([{"name": "click", "version": "8.5.1", "vulns": []}])
    ('audit: no known vulnerability in 1 of 1 packages', 0)
    """
    checked = [package for package in packages if "vulns" in package]
    if not checked:
        return "audit: the registry does not answer for any package, so nothing was checked", 1
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version'}"
        for package in checked
        for found in package["vulns"]
    ]
    left_out = [package["name"] for package in packages if "vulns" not in package]
    said = f"in {len(checked)} of {len(packages)} packages"
    said += f" (not checked: {', '.join(left_out)})" if left_out else ""
    if not lines:
        return f"audit: no known vulnerability {said}", 0
    return "\n".join([*lines, f"audit: {len(lines)} known vulnerabilities {said}"]), 1


if __name__ == "__main__":
    sys.exit(main())
