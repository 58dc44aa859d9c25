"""What the browser tests need: Chromium, and the two files that run ONNX in it, which npm fetches.

    python scripts/browser.py

As root on Debian and its kin, apt-get installs what is missing. Elsewhere one line says which tests are left
out, and how to get them. With VAEKIT_REQUIRE_BROWSER set, leaving one out is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from vaekit.errors import VaekitError
from vaekit.explorer.static_export import runtime

QUIETLY = ["-qq", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::http::Timeout=30"]


def main() -> None:
    lacking = without_chromium() or without_runtime()
    if lacking and os.environ.get("VAEKIT_REQUIRE_BROWSER"):
        sys.exit(f"Not to be left out, as VAEKIT_REQUIRE_BROWSER is set: {lacking}")
    if lacking:
        print(f"Left out: {lacking}", flush=True)


def without_chromium() -> str:
    """The tests that are left out without Chromium, and why; empty where it is there or can be installed."""
    if found() or not (refused := install("chromium")):
        return ""
    return (
        f"all browser tests (pytest -m browser), as there is no Chromium: {refused}; "
        "install it (Debian: apt install chromium), or set VAEKIT_CHROMIUM to its path"
    )


def without_runtime() -> str:
    """The same without what runs ONNX in a browser."""
    try:
        if not shutil.which("npm"):
            try:
                runtime.runtime_files()
            except VaekitError:
                install("npm")
        runtime.runtime_files()
    except VaekitError as error:
        return (
            f"the browser tests of the static page (tests/explorer/static_export/test_in_browser.py): {error}"
        )
    return ""


def found() -> str | None:
    """Chromium, looked for as tests/explorer/browsing.py does."""
    return os.environ.get("VAEKIT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def install(package: str) -> str:
    """Install a package of Debian; what speaks against it, empty where it went well."""
    if not shutil.which("apt-get"):
        return "there is no apt-get to install it"
    if os.geteuid():
        return "only root can install it"
    print(f"Installing {package} by apt-get, which the browser tests need", flush=True)
    apt("update")  # one broken source must not matter where another has the package
    done = apt("install", "--no-install-recommends", package)
    if not done.returncode:
        return ""
    reason = (done.stderr.strip() or "no answer").splitlines()[-1]
    return f"apt-get could not install it ({reason})"


def apt(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *QUIETLY, *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    main()
