"""Try many hostile inputs: the property tests of tests/hostile, each file in a process of its own.

    python scripts/hostile.py                    # 300 inputs per test
    python scripts/hostile.py --inputs 2000 tests/hostile/test_recipes.py

A test fails if an input gives anything but a result or one line, or takes more than ten seconds. This script
also fails if a process needs more than two gigabytes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 2 * 2**30


def run_tests(file: str, inputs: int) -> tuple[bool, str]:
    """Run the tests of a file with so many inputs each.

    Returns:
        Whether they passed within the memory, and one line about it.
    """
    environment = os.environ | {"VAEKIT_HOSTILE": str(inputs)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    passed = process.returncode == 0 and largest <= MAX_BYTES
    if process.returncode:
        sys.stderr.write(output)
    last = (re.findall(r"\d+ (?:passed|failed).*", output) or ["no test ran"])[-1]
    seconds = time.perf_counter() - began
    return passed, f"{file}: {last.partition(' in ')[0]}, {seconds:.0f} s, {largest / 2**20:.0f} MiB at most"


def main() -> None:
    """Run the files, and exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="test files; all of tests/hostile if none is given")
    parser.add_argument("--inputs", type=int, default=300, help="inputs per test (300)")
    options = parser.parse_args()
    files = options.files or sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("tests/hostile/test_*.py"))
    failed = 0
    for file in files:
        passed, line = run_tests(file, options.inputs)
        print(line if passed else f"{line}: FAILED", flush=True)
        failed += not passed
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
