"""vaekit through its own command: `vaekit train` and `vaekit evaluate`, with their defaults.

It runs the command that a person types, from its entry point. The gate is called where the command reports
its progress: in the log of a training, once per step, and in the progress bar of an evaluation. Arguments
after the workload are overrides of the recipe.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from gate import Gate, ordered
from recipe import overrides


def main() -> None:
    gate, workload, further = Gate(), ordered(), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        commands = {"train": train, "start": start, "evaluate": evaluate}
        commands[workload.task](gate, workload, further)


def train(gate: Gate, workload: SimpleNamespace, further: list[str]) -> None:
    """Steps, for ever."""
    _log_passes(gate)
    vaekit("train", "mnist-gated", *overrides(workload), *further)


def start(gate: Gate, workload: SimpleNamespace, further: list[str]) -> None:
    """The command as it is, to its first step."""
    _log_passes(gate)
    vaekit("train", "digits", *further)


def evaluate(gate: Gate, workload: SimpleNamespace, further: list[str]) -> None:
    """Test images, one batch after the other."""
    few = [*overrides(workload), "training.epochs=1", "data.train=200", *further]
    training = ["train", "mnist-gated", *few, "--run-dir", "run", "-q"]
    subprocess.run([sys.executable, "-m", "vaekit", *training], check=True)  # apart: it takes memory
    _bar_passes(gate)
    vaekit("evaluate", "run", "--samples", str(workload.samples))


def vaekit(*words: str) -> None:
    """Run a command line to its end."""
    from vaekit.cli import main

    sys.argv = ["vaekit", *words]
    main()


def _log_passes(gate: Gate) -> None:
    """Let the log of the command pass the gate after each step, beside what it shows."""
    from vaekit.training import display

    shown = display.make_display

    class Passing(display.SilentLogger):
        def step(self, state: object, so_far: object) -> None:
            gate()

    display.make_display = lambda *arguments, **options: display.CompositeLogger(
        shown(*arguments, **options), Passing()
    )


def _bar_passes(gate: Gate) -> None:
    """The same for the images of an evaluation."""
    from vaekit.cli import output

    @contextmanager
    def bar(quiet: bool) -> Iterator:
        yield lambda images, of: gate(images)

    output.images_bar = bar


main()
