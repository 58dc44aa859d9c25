"""A contestant is a process that trains on request: it takes its turn, then sleeps while the others run."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import images
from benchmarks.environments import HERE, Unavailable, python
from benchmarks.workloads import Workload

SCRIPTS = HERE / "contenders"
LOGS = HERE / ".cache" / "logs"


@dataclass(frozen=True)
class Contender:
    """Who takes part: its script, the environment that it needs, and more arguments for its command line."""

    script: str
    environment: str
    title: str
    further: tuple[str, ...] = ()


CONTENDERS = {
    "ours": Contender("ours.py", "ours", "vaekit"),
    "ours-bf16": Contender("ours.py", "ours", "vaekit, bf16 products", ("training.precision=bfloat16",)),
    "ours-compiled": Contender(
        "ours.py",
        "ours",
        "vaekit, bf16 products, compiled",
        ("training.precision=bfloat16", "training.compile=true"),
    ),
    "pythae": Contender("pythae_.py", "pythae", "pythae"),
    "plain": Contender("plain.py", "torch", "plain PyTorch"),
    "lightning": Contender("lightning_.py", "lightning", "Lightning"),
    "jax": Contender("jax_.py", "jax", "JAX, one scan"),
    "keras": Contender("keras_.py", "keras", "Keras 3, TensorFlow"),
    "torch": Contender("torch_.py", "torch", "import of torch"),
    "limit": Contender("limit.py", "ours", "limit"),
}


class Contestant:
    """The running process of one contender on one workload.

    Args:
        name: the name of the contender, a key of `CONTENDERS`.
        workload: what it trains or measures.

    Raises:
        Unavailable: the contender cannot be installed, or fails before its first step.
    """

    def __init__(self, name: str, workload: Workload):
        contender = CONTENDERS[name]
        order = {**workload.plain(), "path": str(images.stored(workload))}
        self.name, self.log = name, LOGS / f"{workload.name}-{name}.log"
        command = [python(contender.environment), str(SCRIPTS / contender.script), json.dumps(order)]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *contender.further], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, env=_environment(),
            )  # fmt: skip
        self.memory = float(self._answer()["memory"])
        self.startup = time.perf_counter() - began

    def turn(self, steps: int) -> dict[str, Any]:
        """Run at least this many steps.

        Returns:
            The number of steps, their seconds, and the memory so far in MB.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"steps": steps}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def dismiss(self) -> None:
        """Close its input, which ends the process; kill it if it is still there after ten seconds."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Unavailable(f"{self.name}: {_last_line(self.log)}")
        return json.loads(line)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a message")


def _environment() -> dict[str, str]:
    """The environment of this process; `vaekit` is imported from this checkout."""
    source = str(HERE.parent / "src")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))}
