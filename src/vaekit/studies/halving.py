"""Successive halving: stop the runs of a sweep that fall behind, by Optuna.

Of the runs that reached 1, R, R², ... epochs, the best 1/R go on; the others stop there. Runs need not wait
for each other: each is compared with those that reached the same epoch before it (Li et al., 2020, "A System
for Massively Parallel Hyperparameter Tuning"). So which runs stop depends on the order in which they arrive.

The runs, whose processes may be on several machines, meet in a journal file in the folder of the study.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.errors import VaekitError
from vaekit.studies.execution import require
from vaekit.training.callbacks import Callback, StopTraining
from vaekit.utils.io import Record

JOURNAL = ".halving.journal"
STUDY = "halving"
KEYS = ("validation_elbo", "validation_loss", "loss")  # the first that a record has is compared
REASON = "worse than the other runs at this epoch"


class Rung(NamedTuple):
    """A run's place in a sweep with successive halving, in plain values.

    Attributes:
        journal: the path of the journal.
        trial: identifies the run in it.
        factor: R.

    >>> Rung("runs/x/.halving.journal", 3, 2).factor
    2
    """

    journal: str
    trial: int
    factor: int


class Halving(Callback):
    """Stops a training that falls behind the other runs of its sweep.

    Args:
        rung: the run's place in the sweep.

    Raises:
        VaekitError: this machine does not see the folder of the sweep.
    """

    def __init__(self, rung: Rung):
        if not Path(rung.journal).is_file():
            raise VaekitError(
                f"--halving: {rung.journal} is not on this machine; put the folder of the study on a file "
                "system that all machines share"
            )
        self.trial = _open_trial(rung)

    def on_epoch_end(self, record: Record, model: Any) -> None:
        if _falls_behind(self.trial, record):
            raise StopTraining(REASON)


def begin_halving(folder: Path, finished: Sequence[Sequence[Record]], count: int, factor: int) -> list[Rung]:
    """Begin a journal with what finished runs reached, and give each run that is left its place.

    Args:
        folder: of the study.
        finished: the records of the epochs of each finished run.
        count: how many runs are left.
        factor: R.

    Returns:
        The places of the runs that are left.

    Raises:
        VaekitError: Optuna is not installed.

    >>> import tempfile
    >>> folder, finished = Path(tempfile.mkdtemp()), [[{"epoch": 1, "loss": 2.0}]]
    >>> [rung.trial for rung in begin_halving(folder, finished, 2, 3)]  # doctest: +SKIP
    [1, 2]
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = (folder / JOURNAL).absolute()
    journal.unlink(missing_ok=True)
    study = _open_study(journal, factor)
    for records in finished:
        trial = study.ask()
        for record in records:
            _falls_behind(trial, record)
    return [Rung(str(journal), study.ask()._trial_id, factor) for _ in range(count)]


def compared_value(record: Mapping[str, Any]) -> float:
    """What runs are compared by, less is better: the bound on validation data, else a loss.

    >>> compared_value({"validation_elbo": -90.0, "validation_loss": 70.0})
    90.0
    """
    key = next(key for key in KEYS if record.get(key) is not None)
    return -record[key] if key == "validation_elbo" else record[key]


def _falls_behind(trial: Any, record: Record) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resumed run reports an epoch twice
        trial.report(compared_value(record), int(record["epoch"]))
        return trial.should_prune()


def _open_study(journal: Path, factor: int) -> Any:
    optuna = require("optuna", "Optuna", "optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = require("optuna.storages.journal", "Optuna 4", "optuna").JournalFileBackend
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(backend(str(journal))),
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=factor),
        study_name=STUDY,
        load_if_exists=True,
    )


def _open_trial(rung: Rung) -> Any:
    study = _open_study(Path(rung.journal), rung.factor)
    return require("optuna", "Optuna", "optuna").trial.Trial(study, rung.trial)
