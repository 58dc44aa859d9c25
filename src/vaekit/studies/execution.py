"""How the runs of a study are executed: where, how many at once, and how often again."""

from __future__ import annotations

import concurrent.futures
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaekit.errors import InvalidError, VaekitError, did_you_mean
from vaekit.studies.plan import to_text

EXECUTORS = ("local", "slurm", "dask")


@dataclass(frozen=True)
class Execution:
    """How the runs of a study are executed.

    Attributes:
        jobs: how many run at once. Default: locally one per core, at most four; else no limit.
        resume: continue interrupted runs instead of training them again.
        executor: `local`, `slurm`, `dask`, or any `concurrent.futures.Executor`.
        scheduler: the address of the Dask scheduler, such as `tcp://host:8786`.
        retries: how often a run is tried again whose process was lost.
        job_options: for Slurm the parameters of submitit, such as `{"slurm_partition": "gpu"}`; for Dask
            those of `Client.get_executor`, such as `{"resources": {"GPU": 1}}`.
        halving: stop runs early by successive halving: of those that reached 1, R, R², ... epochs, the best
            1/R go on. Default: none is stopped.

    >>> Execution(executor="dask", scheduler="tcp://host:8786", halving=3).words()
    ['--executor', 'dask', '--scheduler', 'tcp://host:8786', '--halving', '3']
    """

    jobs: int | None = None
    resume: bool = False
    executor: str | concurrent.futures.Executor = "local"
    scheduler: str | None = None
    retries: int = 1
    job_options: Mapping[str, Any] = field(default_factory=dict)
    halving: int | None = None

    def check(self) -> None:
        """Check that the settings fit each other.

        Raises:
            InvalidError: they do not.
            VaekitError: a package is missing.

        >>> Execution(executor="dask").check()
        Traceback (most recent call last):
        vaekit.errors.InvalidError: --executor dask: expected the address of a scheduler, such as \
--scheduler tcp://host:8786
        """
        name = self.executor
        if isinstance(name, str) and name not in EXECUTORS:
            hint = did_you_mean(name, EXECUTORS)
            raise InvalidError(f"--executor: expected one of {', '.join(EXECUTORS)}, got {name!r}{hint}")
        if name == "dask" and not self.scheduler:
            raise InvalidError(
                "--executor dask: expected the address of a scheduler, such as --scheduler tcp://host:8786"
            )
        if name != "dask" and self.scheduler:
            raise InvalidError("--scheduler: only for --executor dask; use both or none")
        if self.job_options and name not in ("slurm", "dask"):
            raise InvalidError("--job-option: only for --executor slurm and --executor dask")
        if self.halving is not None:
            if self.halving < 2:
                raise InvalidError(f"--halving: expected a number from 2, got {self.halving}")
            require("optuna", "Optuna", "optuna")

    def words(self) -> list[str]:
        """The options of the command line that repeat the execution."""
        words = []
        if isinstance(self.executor, str) and self.executor != "local":
            words += ["--executor", self.executor]
            words += ["--scheduler", self.scheduler] if self.scheduler else []
            for key, value in self.job_options.items():
                words += ["--job-option", f"{key}={to_text(value)}"]
        return words + (["--halving", str(self.halving)] if self.halving else [])


def require(module: str, title: str, extra: str) -> Any:
    """A module of an extra.

    Raises:
        VaekitError: it is not installed.

    >>> require("no_such_module", "Nothing", "none")
    Traceback (most recent call last):
    vaekit.errors.VaekitError: Nothing is not installed; run: pip install "vaekit[none]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise VaekitError(f'{title} is not installed; run: pip install "vaekit[{extra}]"') from error
