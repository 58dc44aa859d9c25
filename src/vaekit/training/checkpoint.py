"""A checkpoint is one file with the complete state of a training.

    checkpoint/000007-epoch-3-1f3a9c0d5e6b7a89.safetensors      at the start of epoch 3
    checkpoint/000008-step-1234-90ab12cd34ef5678.safetensors    after step 1234

The name holds a serial number, the position in the training, and the first 16 hexadecimal digits of the
SHA-256 of the content. A file that was cut short or changed does not match its name; the one before it is
then used.

The tensors are stored as safetensors and all other numbers as JSON in the header, so reading a checkpoint
never runs code. The best weights so far are in the same file, so they always belong to the same moment as the
rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

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
    """The content of a checkpoint file.

    Attributes:
        path: the file.
        position: the position in the training and all other plain numbers.
        tensors: the tensors by name, on the CPU.
        facts: what the training belongs to, such as the digests of its recipe and its data.

    >>> Checkpoint(Path("x.safetensors"), Position(epoch=3), {"model/w": Tensor()}).position.epoch
    3
    """

    path: Path
    position: Position
    tensors: Weights
    facts: Mapping[str, Any] = field(default_factory=dict)


class _File(NamedTuple):
    number: int
    path: Path
    starts_epoch: bool
    digest: str


class Checkpoints:
    """The checkpoints of a run.

    Args:
        directory: the run directory; the files are in its folder `checkpoint`.
        warn: called with a message, in one line, for each file that cannot be used.

    >>> import tempfile
    >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()), print)
    >>> checkpoints.load_newest() is None
    True
    >>> checkpoints.save(Position(epoch=2, step=7), {"w": Tensor([1.0])}).name[:14]
    '000001-epoch-2'
    >>> checkpoints.load_newest().position.step
    7
    """

    def __init__(self, directory: Path, warn: Callable[[str], None]):
        self.directory, self.folder, self._warn = directory, directory / FOLDER, warn
        self._broken: set[Path] = set()

    def save(self, position: Position, tensors: Weights, facts: Mapping[str, Any] | None = None) -> Path:
        """Write a checkpoint, then remove old ones.

        The two newest stay, and the newest at the start of an epoch.

        Args:
            position: the plain numbers of the training.
            tensors: everything else, by name.
            facts: plain values that `recorded_facts` reads without the tensors.

        Returns:
            The path of the file.

        Raises:
            VaekitError: the file cannot be written; the checkpoint before it is intact.
        """
        content = save(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            {"state": json.dumps(asdict(position), allow_nan=False), "facts": json.dumps(dict(facts or {}))},
        )
        number = 1 + max((file.number for file in _files(self.folder)), default=0)
        place = f"step-{position.step}" if position.batch else f"epoch-{position.epoch}"
        path = self.folder / f"{number:06d}-{place}-{_digest(content)}.safetensors"
        try:
            write_whole(path, content)
            _sync(self.folder)
        except (VaekitError, OSError) as error:
            raise VaekitError(
                f"{error}; the checkpoint before it is intact, "
                f"continue from it with: vaekit train --resume {self.directory}"
            ) from error
        self._prune()
        return path

    def load_newest(self, starts_epoch: bool = False) -> Checkpoint | None:
        """Read the newest intact checkpoint; None if there are no files.

        Args:
            starts_epoch: consider only checkpoints at the start of an epoch.

        Raises:
            InvalidError: there are files, but all are damaged.
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
            f"{self.folder}: all {len(files)} checkpoints are damaged; "
            "restore one from a copy, or train again in another directory"
        )

    def newest_path(self) -> Path | None:
        """The path of the newest checkpoint that is not known to be damaged; None if there is none."""
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
    """The weights of a run's model, from its newest intact checkpoint.

    Args:
        directory: the run directory.
        which: "best" by validation loss, or "last". Both are the moving average if the run has one.
        warn: called with a message for each checkpoint that cannot be used.

    Returns:
        The `state_dict` of the model, on the CPU.

    Raises:
        NotFoundError: there is no checkpoint.
        InvalidError: all checkpoints are damaged.
        ValueError: `which` is neither "best" nor "last".

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> path = Checkpoints(folder, print).save(Position(), {"model/bias": Tensor([0.5])})
    >>> load_weights(folder, "last")
    {'bias': tensor([0.5000])}
    """
    if which not in ("best", "last"):
        raise ValueError(f"which: expected 'best' or 'last', got {which!r}")
    checkpoint = Checkpoints(Path(directory), warn).load_newest()
    if checkpoint is None:
        raise NotFoundError(f"{Path(directory) / FOLDER}: no checkpoint found; train the run first")
    last = select_prefix(checkpoint.tensors, "model") | select_prefix(checkpoint.tensors, "average")
    return (which == "best" and select_prefix(checkpoint.tensors, "best")) or last


def recorded_facts(directory: str | Path, verify: bool = False) -> dict[str, Any]:
    """The facts of the newest checkpoint of a run, with `epoch` and `stopped` of its position.

    Args:
        directory: the run directory.
        verify: read the whole file, and go to the one before it where it is damaged.

    Returns:
        The facts; empty without checkpoints, and for those of earlier versions.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> path = Checkpoints(folder, print).save(Position(epoch=3), {"w": Tensor([0.5])}, {"data": "1f"})
    >>> recorded_facts(folder)
    {'data': '1f', 'epoch': 3, 'stopped': ''}
    """
    for file in reversed(_files(Path(directory) / FOLDER)):
        try:
            if verify and _digest(file.path.read_bytes()) != file.digest:
                continue
            with safe_open(file.path, framework="pt") as content:
                known = content.metadata() or {}
            position, facts = parse_position(known.get("state", "")), json.loads(known.get("facts", "{}"))
            return {**facts, "epoch": position.epoch, "stopped": position.stopped} if facts else {}
        except (OSError, SafetensorError, ValueError, TypeError, RecursionError):
            continue
    return {}


def select_prefix(tensors: Weights, name: str) -> Weights:
    """The tensors named `name/...`, without that prefix.

    >>> list(select_prefix({"model/w": Tensor(), "best/w": Tensor()}, "model"))
    ['w']
    """
    return {
        key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")
    }


def add_prefix(name: str, tensors: Weights) -> Weights:
    """The same tensors, named `name/...`.

    >>> list(add_prefix("model", {"w": Tensor()}))
    ['model/w']
    """
    return {f"{name}/{key}": value for key, value in tensors.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _files(folder: Path) -> list[_File]:
    """The checkpoints in a folder by their names, oldest first."""
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
            known = content.metadata() or {}
            position, facts = parse_position(known.get("state", "")), json.loads(known.get("facts", "{}"))
            names = content.keys()
            tensors = {name: content.get_tensor(name).clone() for name in names}
    except (OSError, SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise InvalidError(f"checkpoint {file.path}: cannot be read ({first_line(error)})") from error
    if not whole:
        raise InvalidError(
            f"checkpoint {file.path}: the content does not match the digest in the name, so it was changed"
        )
    return Checkpoint(file.path, position, tensors, facts)


def _sync(folder: Path) -> None:
    """Sync a folder, so that a rename in it survives a power failure."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
