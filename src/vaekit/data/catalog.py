"""The datasets with names: where each comes from, its license, shape and checksum.

A new dataset is one more row of `ENTRIES`; the functions that read the files are in `catalog_readers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from vaekit.data import catalog_readers
from vaekit.data.readers.raw import split_bounds
from vaekit.errors import NotFoundError, did_you_mean


@dataclass(frozen=True)
class CatalogEntry:
    """One row of the catalog.

    Args:
        name, title: as in `Dataset`.
        shape: (C, H, W) of an image.
        count: the number of images.
        license, reference: terms of use, and the paper to cite with its year.
        files: file name -> address to fetch it from, in the order that `read` expects.
        read: files -> DecodedData; None if it is never read from files.
        packaged: () -> DecodedData, for data that an installed package contains.
        system: folder where a Debian package puts the files.
        sha256: the checksum of the decoded content (`content_sha256`), if known.
        label_names: one name per class, if the files have none.
        published: split name -> number of images, in the order of the stacked arrays.

    >>> ENTRIES["mnist"].ranges
    {'train': (0, 60000), 'test': (60000, 70000)}
    """

    name: str
    title: str
    shape: tuple[int, ...]
    count: int
    license: str
    reference: str
    files: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[catalog_readers.Files], catalog_readers.DecodedData] | None = None
    packaged: Callable[[], catalog_readers.DecodedData] | None = None
    system: str | None = None
    sha256: str | None = None
    label_names: tuple[str, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Split name -> (first, last + 1) image, as in `Dataset.published`."""
        return split_bounds(self.published)


def _at(base: str, *names: str) -> dict[str, str]:
    return {name: base + name for name in names}


_QUARTET = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_TEN = tuple("0123456789")

_ROWS = (
    CatalogEntry(
        name="mnist",
        title="MNIST",
        shape=(1, 28, 28),
        count=70_000,
        license="CC BY-SA 3.0",
        reference="LeCun, Cortes, Burges: The MNIST database of handwritten digits, 1998",
        files=_at("https://ossci-datasets.s3.amazonaws.com/mnist/", *_QUARTET),
        read=catalog_readers.read_mnist_files,
        packaged=catalog_readers.read_packed_mnist,
        sha256="b3fe36794a3a345d09632e9d79f122d61ca91a07e5a22f8536973655bacf2a78",
        label_names=_TEN,
        published={"train": 60_000, "test": 10_000},
    ),
    CatalogEntry(
        name="digits",
        title="Digits 8x8",
        shape=(1, 8, 8),
        count=1797,
        license="CC BY 4.0",
        reference="Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998 (test set)",
        packaged=catalog_readers.read_sklearn_digits,
        sha256="cc60545fa7fa1a8c9f1ff3640a09ecf808f2778025053c29f35219dead5461ca",
        label_names=_TEN,
    ),
    CatalogEntry(
        name="fashion-mnist",
        title="Fashion-MNIST",
        shape=(1, 28, 28),
        count=70_000,
        license="MIT",
        reference="Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017",
        files=_at("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", *_QUARTET),
        read=catalog_readers.read_mnist_files,
        system="/usr/share/datasets/fashion-mnist",
        sha256="75979490032625d6583ff7101de6f9243d07d0a8d33d3c9b3b7e79b4c59382af",
        label_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        published={"train": 60_000, "test": 10_000},
    ),
    CatalogEntry(
        name="frey-faces",
        title="Frey Faces",
        shape=(1, 28, 20),
        count=1965,
        license="research use; no license stated",
        reference="Roweis, Saul, Hinton: Global coordination of local linear models, 2002",
        files=_at("https://cs.nyu.edu/~roweis/data/", "frey_rawface.mat"),
        read=catalog_readers.read_frey_faces,
        sha256="2438ba4f0d2a6bd8bac43de756141eaa33c8d248dd613d464bdb1210d9b7af78",
    ),
    CatalogEntry(
        name="omniglot",
        title="OMNIGLOT",
        shape=(1, 28, 28),
        count=32_415,
        license="MIT",
        reference="Lake, Salakhutdinov, Tenenbaum: Human-level concept learning, Science, 2015; "
        "28x28 as in Burda, Grosse, Salakhutdinov: IWAE, 2016",
        files=_at("https://github.com/yburda/iwae/raw/master/datasets/OMNIGLOT/", "chardata.mat"),
        read=catalog_readers.read_omniglot,
        label_names=tuple(f"alphabet {number}" for number in range(1, 51)),
        published={"train": 24_345, "test": 8_070},
    ),
    CatalogEntry(
        name="caltech-silhouettes",
        title="Caltech-101 Silhouettes",
        shape=(1, 28, 28),
        count=8_671,
        license="research use; no license stated",
        reference="Marlin, Swersky, Chen, de Freitas: Inductive principles for RBM learning, AISTATS, 2010",
        files=_at("https://people.cs.umass.edu/~marlin/data/", "caltech101_silhouettes_28_split1.mat"),
        read=catalog_readers.read_caltech_silhouettes,
        published={"train": 4_100, "validation": 2_264, "test": 2_307},
    ),
)

ENTRIES: Mapping[str, CatalogEntry] = {row.name: row for row in _ROWS}


def names() -> tuple[str, ...]:
    """The names of all datasets of the catalog, in its order.

    >>> names()[:2]
    ('mnist', 'digits')
    """
    return tuple(ENTRIES)


def find_entry(name: str) -> CatalogEntry:
    """The entry of the catalog called `name`.

    Raises:
        NotFoundError: there is none; the message proposes the nearest name.

    >>> find_entry("digits").count
    1797
    """
    if name not in ENTRIES:
        raise NotFoundError(
            f"{name!r} is not in the catalog, which has {', '.join(ENTRIES)}{did_you_mean(name, ENTRIES)}"
        )
    return ENTRIES[name]


def content_sha256(images: np.ndarray, labels: np.ndarray | None) -> str:
    """SHA-256 of the images' bytes, then of the labels as little-endian int64, both in C order.

    >>> content_sha256(np.zeros(2, np.uint8), None)[:8]
    '96a296d2'
    """
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    if labels is not None:
        digest.update(np.ascontiguousarray(labels, "<i8").data)
    return digest.hexdigest()
