"""Every number of this checkout beside those of an older commit, bit for bit.

    python scripts/same_numbers.py [COMMIT] [--old DIR] [--only models|studies] [--rows N] [--study NAME]
                                   [--keep DIR] [--plant [NAME]] [--allow-missing]

For a change that moves or renames and must leave the numbers alone. Models of every pair of choices, and the
packaged studies made small, are trained, measured and drawn by both trees at once, each in a process with one
thread. Exits with 0 where all values are equal, with 1 where one differs or is on one side alone.

What was renamed in between is said in `same_numbers/table.py`. `--plant` changes the new code on purpose, by
a millionth, and exits with 0 only where that is found; use it where nothing differs without it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from same_numbers import rows, table
from same_numbers.compare import Comparison, compare

ROOT = Path(__file__).resolve().parents[1]
BASE = "c3ef254"  # the commit before the refactoring
PARTS = ("models", "studies")
SHOWN, SHOWN_EACH = 20, 5  # models and studies that are printed, and differences of each; --keep has all


def main() -> int:
    asked = _arguments()
    began = time.perf_counter()
    kept = nullcontext(asked.keep) if asked.keep else tempfile.TemporaryDirectory(prefix="same-numbers-")
    with kept as place:
        folder = Path(place).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with _old_tree(asked) as old:
            _copy(old, folder / "old-tree")
        _copy(ROOT, folder / "new-tree")
        trees = _made(folder, asked)
        if trees is None:
            return 1
        lacking = _left_out(trees)
        found = compare(trees["old"], trees["new"])
        _report(found, folder if asked.keep else None)
    print(
        f"{found.compared:,} values compared in {time.perf_counter() - began:.0f} s: "
        f"{len(found.differences):,} differ"
    )
    if asked.plant:
        print(f"the planted bug was {'found' if found.changed else 'NOT found'}")
        return not found.changed
    return bool(found.differences or (lacking and not asked.allow_missing))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", nargs="?", default=BASE, help="the old code (default: %(default)s)")
    parser.add_argument("--old", type=Path, metavar="DIR", help="a checkout of the old code, in its place")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--rows", type=int, metavar="N", help="the first N models alone")
    parser.add_argument(
        "--study", action="append", metavar="NAME", help="one study alone; may be given again"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where to leave all that was written")
    parser.add_argument(
        "--plant", nargs="?", const=next(iter(table.PLANTED)), choices=table.PLANTED, metavar="NAME",
        help=f"a bug on purpose: {', '.join(table.PLANTED)}",
    )  # fmt: skip
    parser.add_argument(
        "--allow-missing", action="store_true", help="leave out studies whose data are not there"
    )
    return parser.parse_args()


@contextmanager
def _old_tree(asked: argparse.Namespace) -> Iterator[Path]:
    """The old code: the checkout that is given, or one of the commit for as long as it is copied."""
    if asked.old:
        yield asked.old.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="same-numbers-old-") as place:
        tree = Path(place) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), asked.commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> None:
    if subprocess.run(["git", "-C", str(ROOT), *words], check=False).returncode:
        sys.exit(f"git {' '.join(words)}: failed")


def _copy(tree: Path, place: Path) -> None:
    """A copy of a tree's package, so that neither tree needs to keep still meanwhile."""
    shutil.copytree(tree / "src", place / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def _made(folder: Path, asked: argparse.Namespace) -> dict[str, Any] | None:
    """What both sides found; None where one failed as a whole."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for name, arrays in rows.arrays().items():
        np.savez(data / f"{name}.npz", allow_pickle=False, **arrays)
    (data / "attributes.csv").write_text(rows.attributes(), encoding="utf-8")
    running = {side: _begun(side, folder, asked) for side in ("old", "new")}
    if failed := _failed(running):
        print(f"the worker of the {failed} tree failed:\n{_tail(folder / f'{failed}.log')}")
        return None
    return {side: json.loads((folder / f"{side}.json").read_text(encoding="utf-8")) for side in running}


def _failed(running: dict[str, subprocess.Popen[bytes]]) -> str | None:
    """Wait for the workers; the side of the first that fails, which stops the other."""
    try:
        while any(process.poll() is None for process in running.values()):
            if failed := next((side for side, process in running.items() if process.poll()), None):
                return failed
            time.sleep(0.2)
        return next((side for side, process in running.items() if process.returncode), None)
    finally:
        for process in running.values():
            process.terminate()
            process.wait()


def _left_out(trees: dict[str, Any]) -> dict[str, list[str]]:
    """Leave out on both sides the studies whose data one of them lacks, and say so in a line."""
    lacking = {study: data for tree in trees.values() for study, data in tree.pop("lacking", {}).items()}
    for tree in trees.values():
        for study in lacking:
            tree["studies"].pop(study, None)
    if lacking:
        words = "; ".join(f"{study} ({', '.join(data)})" for study, data in lacking.items())
        print(f"left out for want of data, which VAEKIT_DATA may name: {words}")
    return lacking


def _begun(side: str, folder: Path, asked: argparse.Namespace) -> subprocess.Popen[bytes]:
    """A worker on a tree, with a cache and a folder of its own."""
    tree, place = folder / f"{side}-tree", folder / side
    place.mkdir(exist_ok=True)
    orders: dict[str, Any] = {
        "side": side,
        "tree": str(tree),
        "folder": str(place),
        "data": str(folder / "data"),
        "result": str(folder / f"{side}.json"),
        "parts": [asked.only] if asked.only else PARTS,
        "rows": asked.rows,
        "studies": asked.study,
        "plant": table.PLANTED[asked.plant] if asked.plant and side == "new" else None,
    }
    file = folder / f"{side}-orders.json"
    file.write_text(json.dumps(orders), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tree / "src"), str(ROOT / "scripts")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "VAEKIT_CACHE": str(folder / f"{side}-cache"),
        "CUDA_VISIBLE_DEVICES": "",
    }
    with (folder / f"{side}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "same_numbers.worker", str(file)], stdout=log, stderr=log, env=environment
        )


def _report(found: Comparison, kept: Path | None) -> None:
    """Print some differences of each model and study, and keep all of them."""
    for name, differences in list(found.groups.items())[:SHOWN]:
        print(f"{name}: {len(differences):,} differ")
        for difference in differences[:SHOWN_EACH]:
            print(f"  {str(difference).removeprefix(name + '/')}")
    if len(found.groups) > SHOWN:
        print(f"... and {', '.join(list(found.groups)[SHOWN:])}")
    if kept:
        (kept / "differences.txt").write_text("".join(f"{d}\n" for d in found.differences), encoding="utf-8")
    for new, old, count in found.renamed:
        print(f"perhaps renamed, without a row in table.py: {new} was {old} ({count:,} values)")
    for why, count in found.excused.items():
        print(f"{count:,} values {why}")


def _tail(file: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main())
