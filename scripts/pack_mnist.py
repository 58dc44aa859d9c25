"""Pack the four IDX files of MNIST into the one file that ships inside the package.

    python scripts/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, gzipped or not.
Their content is checked against the published SHA-256 sums; images (70000, 28, 28) and labels (70000,),
both uint8 and in this order, become one xz stream. The same files give the same bytes each time.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import sys
from pathlib import Path

PACKED = Path(__file__).parents[1] / "src" / "vaekit" / "data" / "mnist" / "mnist.xz"

# name -> (bytes of header, SHA-256 of the unpacked file), images first
FILES = {
    "train-images-idx3-ubyte": (16, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "t10k-images-idx3-ubyte": (16, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "train-labels-idx1-ubyte": (8, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-labels-idx1-ubyte": (8, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}

# More literal context and no position bits: these images are bytes without alignment.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


def unpacked(folder: Path, name: str) -> bytes:
    """The content of one IDX file, after its checksum was found right."""
    plain, packed = folder / name, folder / f"{name}.gz"
    content = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != FILES[name][1]:
        sys.exit(f"{folder / name}: SHA-256 is {found}, expected {FILES[name][1]}; fetch the original")
    return content


def main(folder: Path) -> None:
    """Write PACKED, whole or not at all."""
    values = b"".join(unpacked(folder, name)[header:] for name, (header, _) in FILES.items())
    packed = lzma.compress(values, lzma.FORMAT_XZ, lzma.CHECK_CRC64, filters=FILTERS)
    scratch = PACKED.with_suffix(".tmp")
    scratch.write_bytes(packed)
    os.replace(scratch, PACKED)
    print(f"{PACKED}: {len(values)} bytes in {len(packed)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/pack_mnist.py FOLDER")
    main(Path(sys.argv[1]))
