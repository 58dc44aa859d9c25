"""ONNX Runtime for browsers: two files of the npm package onnxruntime-web (MIT), of a fixed version.

npm fetches them once; they are checked against their SHA-256 and stored in the cache. Without npm they can
be put there by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from vaekit.errors import InvalidError, VaekitError
from vaekit.utils.io import write_whole
from vaekit.utils.paths import cache_folder

PACKAGE = "onnxruntime-web@1.30.0"
FILES = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}


def runtime_files() -> dict[str, bytes]:
    """The files, from the cache or from npm.

    Returns:
        The contents by name.

    Raises:
        VaekitError: the files are not in the cache, and npm is missing or cannot fetch them.
        InvalidError: a file differs from the published one.

    Example:
        >>> import os
        >>> from unittest import mock
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with mock.patch.dict(os.environ, {"VAEKIT_CACHE": folder, "PATH": ""}):
        ...         runtime_files()
        Traceback (most recent call last):
        vaekit.errors.VaekitError: the page runs its models with onnxruntime-web@1.30.0, which npm fetches...
    """
    folder = cache_folder() / PACKAGE
    if not all((folder / name).is_file() for name in FILES):
        _fetch(folder)
    files = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != FILES[name]:
            raise InvalidError(
                f"{folder / name}: differs from the file of {PACKAGE}; delete it and run the command again"
            )
    return files


def _fetch(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise VaekitError(
            f"the page runs its models with {PACKAGE}, which npm fetches, but npm is not installed; install "
            f"Node.js, or put {' and '.join(FILES)} of that package into {folder}"
        )
    with tempfile.TemporaryDirectory() as directory:
        command = [npm, "pack", PACKAGE, "--silent"]
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        archive = next(Path(directory).glob("*.tgz"), None)
        if archive is None:
            reason = (result.stderr.strip() or "no answer").splitlines()[-1]
            raise VaekitError(f"npm could not fetch {PACKAGE} ({reason}); check the network connection")
        with tarfile.open(archive) as opened:
            for name in FILES:
                member = opened.extractfile(f"package/dist/{name}")
                write_whole(folder / name, member.read() if member else b"")
