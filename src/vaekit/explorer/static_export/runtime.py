"""What runs ONNX in a browser: two files of the npm package onnxruntime-web (MIT), of a fixed version.

They are fetched by npm once, checked against their SHA-256, and kept in the cache. Without npm they can be
put there by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from vaekit.data import cache
from vaekit.errors import InvalidError, VaekitError
from vaekit.utils.io import write_whole

PACKAGE = "onnxruntime-web@1.30.0"
FILES = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}


def files() -> dict[str, bytes]:
    """The files by name, from the cache or from npm.

    Raises:
        VaekitError: they are not in the cache, and npm is not there or does not bring them.
        InvalidError: they are not those that were published.
    """
    folder = cache.cache_folder() / PACKAGE
    if not all((folder / name).is_file() for name in FILES):
        _fetch(folder)
    found = {name: (folder / name).read_bytes() for name in FILES}
    for name, content in found.items():
        _check(folder / name, content)
    return found


def _check(file: Path, content: bytes) -> None:
    if hashlib.sha256(content).hexdigest() != FILES[file.name]:
        raise InvalidError(f"{file}: not the file that {PACKAGE} published; delete it and try again")


def _fetch(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise VaekitError(
            f"the page runs its models by {PACKAGE}, which npm fetches, but npm is not installed; install "
            f"Node.js, or put {' and '.join(FILES)} of that package into {folder}"
        )
    with tempfile.TemporaryDirectory() as place:
        words = [npm, "pack", PACKAGE, "--silent"]
        result = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
        packed = next(Path(place).glob("*.tgz"), None)
        if packed is None:
            reason = (result.stderr.strip() or "no answer").splitlines()[-1]
            raise VaekitError(f"npm could not fetch {PACKAGE} ({reason}); is there a network?")
        _unpack(packed, folder)


def _unpack(packed: Path, folder: Path) -> None:
    with tarfile.open(packed) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            write_whole(folder / name, member.read() if member else b"")
