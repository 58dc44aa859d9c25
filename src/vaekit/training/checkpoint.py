"""A checkpoint is one file that holds a moment of a training whole, and proves it.

    checkpoint/000007-epoch-3-1f3a9c0d5e6b7a89.safetensors      at the start of epoch 3
    checkpoint/000008-step-1234-90ab12cd34ef5678.safetensors    after step 1234

First the number by which the newest is known, then the place in the training, then a digest of the content: a
file that was cut short or changed no longer fits its name, and the one before it is used. The tensors are
safetensors, all other numbers JSON in its header, so reading one runs nothing. The best weights so far are in
the same file: nothing can be newer or older than the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vaekit.errors import InvalidError, NotFoundError, VaekitError, first_line
from vaekit.training.position import Position, parse_position
from vaekit.utils.io import write_whole

FOLDER = "checkpoint"
KEPT = 2
Weights = dict[str, Tensor]

_NAME = re.compile(r"(?P<number>\d{6,})-(?P<place>epoch|step)-\d+-(?P<digest>[0-9a-f]{16})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What was read from a file.

    Attributes:
        path: of the file.
        state: the position and all other plain numbers.
        tensors: by name, on the CPU.
    """

    path: Path
    state: Position
    tensors: Weights


class _File(NamedTuple):
    number: int
    path: Path
    starts_epoch: bool
    digest: str


class Checkpoints:
    """The checkpoints of a run.

    Args:
        directory: of the run; they are in its folder `checkpoint`.
        warn: is told, in one line, of each file that could not be used.
    """

    def __init__(self, directory: Path, warn: Callable[[str], None]):
        self.directory, self.folder, self._warn = directory, directory / FOLDER, warn
        self._broken: set[Path] = set()

    def save(self, state: Position, tensors: Weights) -> Path:
        """Write a checkpoint, and remove those that are no longer needed once it is safely there.

        Kept are the two newest, and the newest that starts an epoch.

        Raises:
            VaekitError: it cannot be written; the one before it is whole.
        """
        content = save(_plain(tensors), {"state": json.dumps(asdict(state), allow_nan=False)})
        number = 1 + max((file.number for file in _files(self.folder)), default=0)
        place = f"step-{state.step}" if state.batch else f"epoch-{state.epoch}"
        path = self.folder / f"{number:06d}-{place}-{_digest(content)}.safetensors"
        try:
            write_whole(path, content)
            _sync(self.folder)
        except (VaekitError, OSError) as error:
            raise VaekitError(
                f"{error}; what was saved before is whole, "
                f"go on from there with: vaekit train --resume {self.directory}"
            ) from error
        self._prune()
        return path

    def newest(self, starts_epoch: bool = False) -> Checkpoint | None:
        """The newest checkpoint that is whole; None where there has been none.

        Args:
            starts_epoch: look only at those from the start of an epoch.

        Raises:
            InvalidError: there are some, and not one is whole.
        """
        files = [file for file in self._usable() if file.starts_epoch or not starts_epoch]
        if not files:
            return None
        for older in reversed(range(len(files))):
            try:
                return _read(files[older])
            except InvalidError as error:
                self._broken.add(files[older].path)
                self._warn(f"{error}; using {files[older - 1].path.name if older else 'none'} instead")
        raise InvalidError(
            f"{self.folder}: none of the {len(files)} checkpoints is whole; "
            "restore one from a copy, or train again in another directory"
        )

    def last(self) -> Path | None:
        """The path of the newest checkpoint not known to be broken."""
        return next((file.path for file in reversed(self._usable())), None)

    def _usable(self) -> list[_File]:
        return [file for file in _files(self.folder) if file.path not in self._broken]

    def _prune(self) -> None:
        files = self._usable()
        kept = {file.path for file in files[-KEPT:]}
        kept |= {file.path for file in [file for file in files if file.starts_epoch][-1:]}
        cut_short = self.folder.glob(".*.safetensors.*")
        for path in {*cut_short, *(file.path for file in _files(self.folder))} - kept:
            path.unlink(missing_ok=True)


def load_weights(
    directory: str | Path, which: str = "best", warn: Callable[[str], None] = lambda text: None
) -> Weights:
    """The weights of a run's model, from its newest checkpoint that is whole.

    Args:
        directory: of the run.
        which: "best", by validation; or "last". Both are the moving average where the run keeps one.
        warn: is told of each checkpoint that could not be used.

    Returns:
        What `model.state_dict()` has, on the CPU.

    Raises:
        NotFoundError: there is no checkpoint.
        InvalidError: none is whole.
        ValueError: for another `which`.
    """
    if which not in ("best", "last"):
        raise ValueError(f"which: expected 'best' or 'last', got {which!r}")
    checkpoint = Checkpoints(Path(directory), warn).newest()
    if checkpoint is None:
        raise NotFoundError(f"{Path(directory) / FOLDER}: no checkpoint there; train the run first")
    last = select_prefix(checkpoint.tensors, "model") | select_prefix(checkpoint.tensors, "average")
    return (which == "best" and select_prefix(checkpoint.tensors, "best")) or last


def select_prefix(tensors: Weights, name: str) -> Weights:
    """The tensors named `name/...`, without that prefix."""
    return {
        key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")
    }


def add_prefix(name: str, tensors: Weights) -> Weights:
    """The same tensors, named `name/...`."""
    return {f"{name}/{key}": value for key, value in tensors.items()}


def _plain(tensors: Weights) -> Weights:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _files(folder: Path) -> list[_File]:
    """The checkpoints in a folder, oldest first, going by their names."""
    matches = [_NAME.fullmatch(path.name) for path in (folder.iterdir() if folder.is_dir() else ())]
    return sorted(
        _File(int(match["number"]), folder / match.string, match["place"] == "epoch", match["digest"])
        for match in matches
        if match
    )


def _read(file: _File) -> Checkpoint:
    try:
        whole = _digest(file.path.read_bytes()) == file.digest
        with safe_open(file.path, framework="pt") as content:
            state = parse_position((content.metadata() or {}).get("state", ""))
            names = content.keys()
            tensors = {name: content.get_tensor(name).clone() for name in names}
    except (OSError, SafetensorError, ValueError) as error:
        raise InvalidError(f"checkpoint {file.path}: cannot be read ({first_line(error)})") from error
    if not whole:
        raise InvalidError(
            f"checkpoint {file.path}: its content was changed, it does not fit the digest in its name"
        )
    return Checkpoint(file.path, state, tensors)


def _sync(folder: Path) -> None:
    """Make a rename in a folder last, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
