"""Mangle each file of a run, use the run, and see that nothing wrong is taken for right.

    python scripts/mangle_runs.py [--times 1000] [--seed 0] [--commands 0] [--files evaluation.json,...]

A small run, finished and measured, is copied; one of its files is mangled (bits and digits flipped, cut at a
byte or a line, lines deleted, swapped or repeated, emptied, deleted, made huge, taken from another run or
from another place of the run); and a command drawn at random uses it, in this process, or with `--commands`
in one of its own. Then one of these must hold:

    the command fails with its code, and one line that is no traceback and no internal error
    it says the same as for the run before it was mangled
    it says something else, and stderr says what is wrong
"""

from __future__ import annotations

import argparse
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

SECONDS = 30  # of processor time, after which a command counts as hanging
TRAIN = ("digits", "data.train=40", "data.validation=20", "data.test=20", "training.epochs=2",
         "training.batch_size=20", "training.threads=1", "training.sample_every=0", "model.latent_dim=2",
         "training.on_nan=rollback", "model.encoder.network={kind: dense, hidden_sizes: [4]}",
         "model.decoder.network={kind: dense, hidden_sizes: [4]}")  # fmt: skip
MEASURE = ("--samples", "12", "--images", "6")
FILES = (
    "recipe.yaml", "environment.json", "metrics.jsonl", "finished.json", "report.html", "evaluation.json",
    "evaluation.npz", "evaluation-ais.json", "evaluation-ais.npz", "bdmc.json", "model/config.json",
    "model/model.safetensors", "figures/samples.png", "newest checkpoint", "oldest checkpoint",
)  # fmt: skip
COMMANDS: dict[str, tuple[str, ...]] = {
    "report": ("report", "run"),
    "compare": ("compare", "run", "other", "--json"),
    "evaluate": ("evaluate", "run", *MEASURE, "--json"),
    "evaluate model": ("evaluate", "run/model", *MEASURE, "--json"),
    "encode": ("encode", "run", "-o", "latents.csv"),
    "sample": ("sample", "run", "-n", "4", "-o", "samples.npy"),
    "doctor": ("doctor", "run", "--json"),
    "resume": ("train", "--resume", "run", "--json"),
    "extend": ("train", "--resume", "run", "training.epochs=3", "--json"),
}
WORDS = re.compile(
    r"warning|damaged|changed|stale|of other|not the|left out|cannot be read|lacks|missing|differs|expected"
    r"|written again|not notice|not readable|not text"
)
_TIMES = re.compile(r'"(seconds|images_per_second|started|date|cache_size|free|disk_free)": [^,}\n]*')


class Outcome(NamedTuple):
    """What came of a command: its exit code, stderr, and what it said or wrote, without times."""

    code: int
    stderr: str
    said: str


def flip_bit(content: bytes, r: random.Random, other: bytes) -> bytes:
    place = r.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << r.randrange(8)]) + content[place + 1 :]


def change_digit(content: bytes, r: random.Random, other: bytes) -> bytes:
    places = [match.start() for match in re.finditer(rb"\d", content)]
    if not places:
        return flip_bit(content, r, other)
    place = r.choice(places)
    return (
        content[:place]
        + str(r.choice([d for d in range(10) if d != content[place] - 48])).encode()
        + content[place + 1 :]
    )


def truncate(content: bytes, r: random.Random, other: bytes) -> bytes:
    return content[: r.randrange(len(content))]


def cut_lines(content: bytes, r: random.Random, other: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    first = r.choice((0, 0, r.randrange(len(lines))))
    return b"".join(lines[first : r.randint(first, len(lines))])


def delete_line(content: bytes, r: random.Random, other: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[r.randrange(len(lines))]
    return b"".join(lines)


def swap_lines(content: bytes, r: random.Random, other: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    one, two = r.randrange(len(lines)), r.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def repeat_line(content: bytes, r: random.Random, other: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    place = r.randrange(len(lines))
    return b"".join([*lines[:place], lines[place] * r.randint(2, 4), *lines[place + 1 :]])


def swap_blocks(content: bytes, r: random.Random, other: bytes) -> bytes:
    one, two, three = sorted(r.randrange(len(content) + 1) for _ in range(3))
    return content[:one] + content[two:three] + content[one:two] + content[three:]


def zero_block(content: bytes, r: random.Random, other: bytes) -> bytes:
    place = r.randrange(len(content))
    size = r.randint(1, 64)
    return content[:place] + b"\0" * size + content[place + size :]


def insert(content: bytes, r: random.Random, other: bytes) -> bytes:
    place = r.randrange(len(content) + 1)
    return content[:place] + r.randbytes(r.randint(1, 20)) + content[place:]


def twice(content: bytes, r: random.Random, other: bytes) -> bytes:
    return content * 2


def empty(content: bytes, r: random.Random, other: bytes) -> bytes:
    return b""


def huge(content: bytes, r: random.Random, other: bytes) -> bytes:
    repeated = content * (1 + 4_000_000 // len(content))
    nested = b"[" * 200_000, b'{"a":' * 100_000
    return r.choice((*nested, b"9" * 2_000_000, repeated, b" " * 4_000_000, b"- a\n" * 200_000))


def from_other(content: bytes, r: random.Random, other: bytes) -> bytes:
    return other


WAYS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (
    flip_bit, flip_bit, change_digit, change_digit, truncate, cut_lines, delete_line, swap_lines, repeat_line,
    swap_blocks, zero_block, insert, twice, empty, huge, from_other, from_other,
)  # fmt: skip


class Mangler:
    """Mangles copies of a run, and uses them.

    Args:
        folder: where everything is written.
        seed: of the manglings and the commands.
    """

    def __init__(self, folder: Path, seed: int):
        self.folder, self.random, self.problems = folder, random.Random(seed), []
        self.count: Counter[str] = Counter()
        self.whole, self.elsewhere = folder / "whole", folder / "other"
        for run, seed in ((self.whole, 0), (self.elsewhere, 1)):
            _make(run, seed)
        self.right: dict[str, Outcome] = {}

    def mangle(self, name: str, own_process: bool = False) -> None:
        """Mangle one file of a copy of the run, use it, and record what is wrong."""
        place = self._copy()
        file, other = _find(place / "run", name), _find(self.elsewhere, name)
        done = self._mangle(place / "run", file, other)
        command = self.random.choice(list(COMMANDS))
        right = self._right(command)
        outcome = use(command, place, own_process)
        if name == "environment.json" and done in ("from_other", "deleted"):
            right = right._replace(said=outcome.said)  # versions and times, which no number depends on
        self.count["refused" if outcome.code else "same" if outcome.said == right.said else "said"] += 1
        if reason := _wrong(outcome, right):
            self.problems.append(f"{name}, {done}, {command}: {reason}")
            print(self.problems[-1], file=sys.__stderr__, flush=True)

    def _mangle(self, run: Path, file: Path, other: Path) -> str:
        """Mangle a file in place, and say how."""
        content = file.read_bytes()
        kind = self.random.randrange(len(WAYS) + 3)
        if kind == len(WAYS):
            file.unlink()
            return "deleted"
        if kind == len(WAYS) + 1:
            inside = self.random.choice([path for path in run.rglob("*") if path.is_file() and path != file])
            file.write_bytes(inside.read_bytes())
            return f"replaced by {inside.relative_to(run)}"
        if kind == len(WAYS) + 2:
            file.unlink()
            file.mkdir()
            return "made a folder"
        way = WAYS[kind]
        file.write_bytes(way(content, self.random, other.read_bytes()))
        return way.__name__

    def _right(self, command: str) -> Outcome:
        if command not in self.right:
            self.right[command] = use(command, self._copy())
        return self.right[command]

    def _copy(self) -> Path:
        place = self.folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.whole, place / "run")
        shutil.copytree(self.elsewhere, place / "other")
        return place


def use(command: str, place: Path, own_process: bool = False) -> Outcome:
    """Run a command in a folder with `run` and `other`, and return what came of it."""
    words = COMMANDS[command]
    before = os.getcwd()
    os.chdir(place)
    try:
        if own_process:
            done = subprocess.run([sys.executable, "-m", "vaekit", *words], capture_output=True, text=True)
            code, out, err = done.returncode, done.stdout, done.stderr
        else:
            code, out, err = _in_process(words)
    finally:
        os.chdir(before)
    return Outcome(code, err, _TIMES.sub("", out) + _written(command, place))


def _in_process(words: Sequence[str]) -> tuple[int, str, str]:
    import logging

    from vaekit.cli import program

    out, err = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(err)
    logging.getLogger().addHandler(handler)
    signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            program.main(list(words), prog_name="vaekit")
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        logging.getLogger().removeHandler(handler)
    return code, out.getvalue(), err.getvalue()


def _hang(number: int, frame: object) -> None:
    raise RuntimeError(f"the command takes more than {SECONDS} seconds")


def _written(command: str, place: Path) -> str:
    """What a command wrote, if it is more than it printed."""
    if command == "report":
        file = place / "run" / "report.html"
        return re.sub(r"[\d.]+ s\b|images/s", "", file.read_text()) if file.is_file() else ""
    if command in ("encode", "sample"):
        return "".join(str(file.read_bytes()) for file in sorted(place.glob("*.*")) if file.is_file())
    if command in ("resume", "extend"):
        weights = place / "run" / "model" / "model.safetensors"
        lines = place / "run" / "metrics.jsonl"
        text = lines.read_text(errors="replace") if lines.is_file() else ""
        return _TIMES.sub("", text) + (str(weights.read_bytes()) if weights.is_file() else "")
    return ""


def _wrong(outcome: Outcome, right: Outcome) -> str:
    """What is wrong with an outcome; empty if nothing is."""
    if "Traceback" in outcome.stderr or "internal error" in outcome.stderr:
        return f"an internal error: {outcome.stderr[-600:]}"
    lines = [line for line in outcome.stderr.splitlines() if line.strip()]
    if max(map(len, lines), default=0) > 1500:
        return f"a line of {max(map(len, lines))} characters"
    if outcome.code:
        same = outcome.code == right.code and outcome.stderr == right.stderr
        return (
            ""
            if same or (lines and lines[-1].startswith("error: "))
            else f"code {outcome.code} without a word"
        )
    more = set(outcome.said.splitlines()) - set(right.said.splitlines())
    if outcome.said == right.said or WORDS.search("\n".join([outcome.stderr, *more])):
        return ""
    return f"other numbers without a word: {sorted(more)[:3]}; stderr: {outcome.stderr!r}"


def _find(run: Path, name: str) -> Path:
    if name.endswith("checkpoint"):
        files = sorted((run / "checkpoint").iterdir())
        return files[-1 if name.startswith("newest") else 0]
    return run / name


def _make(run: Path, seed: int) -> None:
    """A run, finished and measured by each estimator, with one figure."""
    from vaekit.runs.run import Run
    from vaekit.runs.train import train
    from vaekit.training.display import SilentLogger

    recipe, *overrides = TRAIN
    train(recipe, [*overrides, f"training.seed={seed}"], run_dir=run, figures=False, log=SilentLogger())
    made = Run(run)
    made.evaluate(12, images=6)
    made.evaluate(2, images=3, estimator="ais", chains=2, steps=2)
    made.bdmc(images=3, samples=5, chains=2, steps=2)
    for file in (run / "figures").glob("*.png"):
        file.rename(file.with_name("samples.png"))
    made.report()
    made.write_marker()


def quiet() -> None:
    """Draw no figures, which are most of the time, and keep one thread."""
    import torch

    from vaekit.runs.run import Run

    torch.set_num_threads(1)
    Run.plot = lambda self, only_missing=False, figures=(): self.figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", type=int, default=0, help="Also so often by a process of its own.")
    parser.add_argument("--files", default=",".join(FILES))
    chosen = parser.parse_args()
    quiet()
    folder = Path(tempfile.mkdtemp())
    mangler = Mangler(folder, chosen.seed)
    for name in chosen.files.split(","):
        for number in range(chosen.times + chosen.commands):
            mangler.mangle(name, own_process=number >= chosen.times)
        print(name, dict(mangler.count), f"{len(mangler.problems)} problems", flush=True)
    print("\n".join(dict.fromkeys(mangler.problems)) or "no problem")
    shutil.rmtree(folder)
    sys.exit(bool(mangler.problems))


if __name__ == "__main__":
    main()
