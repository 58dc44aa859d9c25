"""Models on the Hugging Face Hub: `hf://OWNER/NAME` stands for the model of a repository.

Only config.json, model.safetensors and the components beside them are fetched. Components are imported only
if they are trusted, as for any model folder. The cache of huggingface_hub stores files as links, and vaekit
refuses model folders with links. Therefore the files are copied into vaekit's own cache, a folder for each
commit, and only from within the cache of that repository.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import ModuleType

from vaekit.errors import InvalidError, NotFoundError, VaekitError, first_line
from vaekit.utils.io import write_whole
from vaekit.utils.paths import cache_folder

PREFIX = "hf://"
PATTERNS = ("config.json", "model.safetensors", "components/*.py")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_NAME = re.compile(rf"{REPOSITORY.pattern}(@[\w./-]+)?")


def is_hub_name(path: object) -> bool:
    """Whether a path is the name of a model on the Hub.

    >>> is_hub_name("hf://ada/digits"), is_hub_name("runs/digits/1")
    (True, False)
    """
    return isinstance(path, str) and path.startswith(PREFIX)


def fetch(path: str) -> Path:
    """Fetch a model from the Hub, or from the cache, and return its folder.

    Args:
        path: hf://OWNER/NAME, or hf://OWNER/NAME@REVISION.

    Raises:
        InvalidError: the name is malformed, or a file lies outside of the repository.
        NotFoundError: there is no such model.
        VaekitError: huggingface_hub is not installed, or the Hub cannot be reached.

    >>> fetch("hf://../etc")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: hf://../etc: expected hf://OWNER/NAME, or hf://OWNER/NAME@REVISION
    """
    name = path.removeprefix(PREFIX)
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidError(f"{path}: expected hf://OWNER/NAME, or hf://OWNER/NAME@REVISION")
    repository, _, revision = name.partition("@")
    hub = huggingface_hub()
    try:
        snapshot = Path(
            hub.snapshot_download(repository, revision=revision or None, allow_patterns=list(PATTERNS))
        )
    except (hub.errors.RepositoryNotFoundError, hub.errors.RevisionNotFoundError) as error:
        raise NotFoundError(f"{path}: no such model on the Hub, or no access to it") from error
    except Exception as error:
        raise VaekitError(f"{path}: cannot be fetched ({first_line(error)})") from error
    return _copy(snapshot, cache_folder() / "hub" / repository.replace("/", "--") / snapshot.name, path)


def _copy(snapshot: Path, folder: Path, path: str) -> Path:
    """The files of a snapshot as plain files, of which none comes from elsewhere."""
    files = [file for pattern in PATTERNS for file in sorted(snapshot.glob(pattern))]
    if not any(file.name == "config.json" for file in files):
        raise NotFoundError(f"{path}: holds no model of vaekit; expected config.json and model.safetensors")
    home = snapshot.parents[1].resolve()  # snapshots/COMMIT lies beside blobs/
    for file in files:
        real = file.resolve()
        if not (real.is_file() and real.is_relative_to(home)):
            raise InvalidError(f"{path}: {file.name} leads out of the cache of this model; clear the cache")
        copied = folder / file.relative_to(snapshot)
        if not copied.is_file() or copied.stat().st_size != real.stat().st_size:
            copied.parent.mkdir(parents=True, exist_ok=True)
            write_whole(copied, real.read_bytes())
    for file in [found for found in folder.rglob("*") if found.is_file()]:
        if not (snapshot / file.relative_to(folder)).exists():
            shutil.rmtree(folder)
            return _copy(snapshot, folder, path)
    return folder


def huggingface_hub() -> ModuleType:
    """The package huggingface_hub.

    Raises:
        VaekitError: it is not installed.

    >>> import sys
    >>> from unittest import mock
    >>> with mock.patch.dict(sys.modules, huggingface_hub=None):
    ...     huggingface_hub()
    Traceback (most recent call last):
    vaekit.errors.VaekitError: the Hub needs huggingface_hub, which is not installed; run: ...
    """
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise VaekitError(
            'the Hub needs huggingface_hub, which is not installed; run: pip install "vaekit[hub]"'
        ) from None
    return huggingface_hub
