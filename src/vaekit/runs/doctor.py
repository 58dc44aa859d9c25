"""A check of this machine and of a run: facts, known problems, and what to do about them.

`examine` collects the facts. Each function in `CHECKS` looks for one kind of problem in this process and
describes it in a sentence with a remedy. `vaekit.runs.diagnose` finds the problems that the numbers of a run
show. Nothing is changed.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaekit.data import cache
from vaekit.data.describe import list_datasets
from vaekit.errors import VaekitError
from vaekit.registry import Trust, UntrustedError
from vaekit.runs.diagnose import RunRecords, diagnose, records_of
from vaekit.training import checkpoint
from vaekit.utils.device import available_devices, describe_environment

if TYPE_CHECKING:
    from vaekit.runs.run import Run

Facts = dict[str, Any]

PACKAGES = (
    "vaekit", "torch", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow", "pydantic", "click", "rich",
    "safetensors",
)  # fmt: skip
EXTRAS = ("tensorboard", "wandb", "mlflow", "zuko")
OLDEST_TORCH = (2, 6)
_UNEXPECTED = (TypeError, ValueError, LookupError, AttributeError)  # raised by records with unexpected values
_FILES: dict[str, dict[str, Any]] = {
    "evaluation.json": {"evaluation": {}}, "metrics.jsonl": {"metrics": []}, "events.jsonl": {"events": []},
}  # fmt: skip
LITTLE_DISK = 1 << 30
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def examine(run: str | Path | None = None, trust: Trust = False) -> Facts:
    """Everything that matters for training on this machine, as plain values.

    Args:
        run: a run directory to check too.
        trust: the modules and files from outside vaekit that the run may import; True for all.

    Returns:
        The keys versions, extras, machine, data and warnings; with a run also run. Sizes are in bytes.

    Raises:
        NotFoundError: `run` is not a run directory.
        UntrustedError: the run names code from outside vaekit that is not trusted.

    >>> sorted(examine())
    ['data', 'extras', 'machine', 'versions', 'warnings']
    """
    examined = {} if run is None else {"run": examine_run(run, trust)}
    problems = [problem for check in CHECKS for problem in check()]
    return {
        "versions": versions(),
        "extras": {name: _version(name) for name in EXTRAS},
        "machine": machine(),
        "data": data(),
        **examined,
        "warnings": problems + (examined["run"]["problems"] if examined else []),
    }


def versions() -> dict[str, str | None]:
    """The versions of Python and of the packages that vaekit needs; None for a missing one.

    >>> versions()["vaekit"] is not None
    True
    """
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def machine() -> Facts:
    """CPU, devices, threads, and memory and disk in bytes.

    >>> "cpu" in machine()["devices"]
    True
    """
    here = describe_environment("")
    return {
        **{key: here[key] for key in ("platform", "cpu", "device", "threads")},
        "devices": available_devices(),
        "cores": cores(),
        "memory": _memory(),
        "disk_free": shutil.disk_usage(Path.cwd()).free,
    }


def data() -> Facts:
    """The cache, the folders of VAEKIT_DATA, and the location of each dataset.

    >>> data()["found"]["mnist"] in ("packaged", "cache", "folder")
    True
    """
    return {
        "cache": str(cache.cache_folder()),
        "cache_size": sum(file.stat().st_size for file in cache.cache_folder().rglob("*") if file.is_file()),
        "VAEKIT_DATA": os.environ.get("VAEKIT_DATA"),
        "found": {row["name"]: row["found"] for row in list_datasets()},
    }


def examine_run(path: str | Path, trust: Trust = False) -> Facts:
    """The state of a run directory, its damaged files, and advice from its numbers.

    Raises:
        NotFoundError: `path` is not a run directory.
        UntrustedError: it names code from outside vaekit that is not trusted.
    """
    from vaekit.runs.run import Run

    run = Run(path, trust=trust)
    problems: list[str] = []
    parts: dict[str, Callable[[], Any]] = {
        "recipe": lambda: run.recipe.name,
        "epochs": lambda: f"{len(run.metrics)} of {run.recipe.training.epochs}",
        "finished": lambda: _finished(run, problems),
        "evaluations": lambda: _evaluations(run, problems),
        "checkpoint": lambda: _newest_checkpoint(run.path, problems),
        "model": lambda: run.trained.title,
        "data": lambda: run.trained.load_data()[0].source,
    }
    facts: Facts = {"path": str(run.path)}
    for name, look in parts.items():
        try:
            facts[name] = look()
        except UntrustedError:
            raise
        except VaekitError as error:
            facts[name] = None
            problems.append(str(error))
    return {**facts, "advice": _advice(run, problems), "problems": list(dict.fromkeys(problems))}


def cores() -> int:
    """The number of CPU cores that this process may use.

    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --------------------------------------------------------------------------------------------------- checks


def _old_torch() -> Iterator[str]:
    found = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if found < OLDEST_TORCH:
        yield f"torch {torch.__version__} is older than 2.6; run: pip install --upgrade torch"


def _gpu_unused() -> Iterator[str]:
    if shutil.which("nvidia-smi") is None or torch.cuda.is_available():
        return
    if torch.version.cuda is None:
        yield (
            f"an NVIDIA driver is installed, but torch {torch.__version__} is a CPU-only build; install a "
            "CUDA build (https://pytorch.org/get-started)"
        )
    else:
        yield (
            f"torch is built for CUDA {torch.version.cuda} but finds no GPU; check nvidia-smi, the driver "
            "version and CUDA_VISIBLE_DEVICES"
        )


def _too_many_threads() -> Iterator[str]:
    if torch.get_num_threads() > cores():
        yield (
            f"torch uses {torch.get_num_threads()} threads on {cores()} cores, which is slow; use "
            f"--threads {cores()}"
        )


def _limited_threads() -> Iterator[str]:
    for name in THREAD_VARIABLES:
        given = os.environ.get(name, "")
        if given.isdigit() and int(given) < cores():
            yield f"{name}={given} leaves {cores() - int(given)} of {cores()} cores unused; unset it"


def _other_dtype() -> Iterator[str]:
    if torch.get_default_dtype() != torch.float32:
        yield (
            f"torch's default dtype is {torch.get_default_dtype()}, but the results of the recipes are for "
            "float32; call torch.set_default_dtype(torch.float32)"
        )


def _validation_disabled() -> Iterator[str]:
    if not torch.distributions.Distribution._validate_args:
        yield (
            "torch does not validate the arguments of distributions (python -O or an imported package such "
            "as zuko disabled it); call torch.distributions.Distribution.set_default_validate_args(True)"
        )


def _cache_unwritable() -> Iterator[str]:
    folder = _nearest_existing(cache.cache_folder())
    if not os.access(folder, os.W_OK):
        yield f"the cache {cache.cache_folder()} is not writable; set VAEKIT_CACHE to a writable folder"


def _little_disk() -> Iterator[str]:
    for what, folder in (
        ("the working folder", Path.cwd()),
        ("the cache", _nearest_existing(cache.cache_folder())),
    ):
        free = shutil.disk_usage(folder).free
        if free < LITTLE_DISK:
            yield f"{what} {folder} has {free >> 20} MiB left; free some space before training"


def _data_folders_missing() -> Iterator[str]:
    for folder in filter(None, os.environ.get("VAEKIT_DATA", "").split(os.pathsep)):
        if not Path(folder).is_dir():
            yield f"VAEKIT_DATA names {folder}, which is not a folder; create it, or name another one"


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (
    _old_torch, _gpu_unused, _too_many_threads, _limited_threads, _other_dtype, _validation_disabled,
    _cache_unwritable, _little_disk, _data_folders_missing,
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- helpers


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> dict[str, int]:
    """Total and free memory in bytes; empty if the system does not report it."""
    try:
        page, total, free = (os.sysconf(f"SC_{name}") for name in ("PAGE_SIZE", "PHYS_PAGES", "AVPHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return {}
    return {"total": page * total, "free": page * free}


def _nearest_existing(folder: Path) -> Path:
    """The folder, or its nearest existing parent."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _advice(run: Run, problems: list[str]) -> list[str]:
    """The advice from the numbers of a run; unreadable numbers become a problem."""
    try:
        recorded = records_of(run)
    except VaekitError as error:
        if str(error) not in problems:
            problems.append(str(error))
        return []
    try:
        return diagnose(recorded)
    except _UNEXPECTED as error:
        problems.append(
            f"{run.path / _damaged_file(recorded)}: expected the numbers that vaekit writes "
            f"({type(error).__name__}: {error}); delete the file, then evaluate or train again"
        )
        return []


def _finished(run: Run, problems: list[str]) -> bool:
    """Whether the run is finished; a marker of other weights becomes a problem."""
    marker = run.path / "finished.json"
    if marker.exists() and run.training_complete and not run.finished:
        problems.append(
            f"{marker}: damaged, or of other weights; write it again with: vaekit train --resume {run.path}"
        )
    return run.finished


def _evaluations(run: Run, problems: list[str]) -> str | None:
    """The evaluations of the run as it is now; stale ones become problems."""
    problems += run.stale
    found = {"importance": run.evaluation, "AIS": run.ais, "BDMC": run.bdmc_bounds}
    return ", ".join(name for name, values in found.items() if values) or None


def _damaged_file(recorded: RunRecords) -> str:
    """The file without which the diagnosis works."""
    for name, without in _FILES.items():
        try:
            diagnose(recorded._replace(**without))
        except _UNEXPECTED:
            continue
        return name
    return " and ".join(_FILES)


def _newest_checkpoint(run: Path, problems: list[str]) -> str | None:
    """The newest intact checkpoint; damaged ones become problems."""
    found = checkpoint.Checkpoints(run, problems.append).load_newest()
    return None if found is None else found.path.name
