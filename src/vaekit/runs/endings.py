"""How the training of a run ended, and how it is made longer."""

from __future__ import annotations

from vaekit.runs.files import RunFiles


def describe_end(run: RunFiles) -> str:
    """What ended the training: its last epoch, early stopping or a callback.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("training: {epochs: 1, patience: 3}")
    >>> _ = (folder / "metrics.jsonl").write_text('{"epoch": 1}')
    >>> describe_end(RunFiles(folder))
    'all 1 epochs are done'
    """
    done = len(run.metrics)
    if run.stopped:
        return f"training ended after {done} epochs by {run.stopped}"
    if done < run.recipe.training.epochs:
        return f"early stopping ended training after {done} epochs"
    return f"all {done} epochs are done"


def override_to_extend(run: RunFiles) -> str:
    """The override that lets a finished run train longer.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("training: {epochs: 9, patience: 3}")
    >>> override_to_extend(RunFiles(folder))
    'training.patience=6'
    """
    settings = run.recipe.training
    early = len(run.metrics) < settings.epochs and not run.stopped
    if early and settings.patience is not None:
        return f"training.patience={2 * settings.patience}"
    return f"training.epochs={2 * settings.epochs}"
