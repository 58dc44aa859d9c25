"""A small finished run, and command lines whose one answer is checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from vaekit.cli import program

DOCUMENTED = (0, 1, 2, 3, 4, 5)  # exit codes


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the user's cache nor the user's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("VAEKIT_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small model; not to be changed."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    words = ["train", "digits", "training.epochs=1", "data.train=200", "model.latent_dim=2"]
    result = CliRunner().invoke(program, [*words, "--run-dir", str(directory), "-q"])
    assert result.exit_code == 0, result.output
    evaluated = CliRunner().invoke(program, ["evaluate", str(directory), "--images", "5", "--samples", "5"])
    assert evaluated.exit_code == 0, evaluated.output
    return directory


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "digits"))


def call(*words: str) -> int:
    """Run a command line; a failure is one short line on stderr, no internal error, and a documented code."""
    result = CliRunner().invoke(program, list(words))
    shown = " ".join(words)[:200]
    assert result.exit_code in DOCUMENTED, (shown, result.exit_code, result.output[-2000:])
    assert "internal error" not in result.output, (shown, result.output[-2000:])
    assert "Traceback" not in result.output, (shown, result.output[-2000:])
    if result.exit_code:
        last = result.stderr.splitlines()[-1]
        assert last.startswith("error: "), (shown, result.stderr[-2000:])
        assert len(last) <= 1010, (shown, last)
        assert last.isprintable(), (shown, last)
    return result.exit_code


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Call it to lose the rights of root, which opens everything; a user's rights are as they are."""
    home = Path(os.environ["VAEKIT_CACHE"])
    for place in (tmp_path, *tmp_path.parents[:3], home, *home.parents[:3]):
        if place.owner() == Path.home().owner() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o055)
    yield lambda: os.seteuid(65534) if os.getuid() == 0 else None
    if os.getuid() == 0:
        os.seteuid(0)


def is_one_line(error: Exception) -> None:
    """Assert that a message is one line of bounded length, without control characters."""
    text = str(error)
    assert "\n" not in text, text[:2000]
    assert len(text) <= 1000, text[:1500]


@pytest.fixture
def memory() -> Callable[[int], AbstractContextManager[None]]:
    """`with memory(n):` asserts that the block takes no more than n bytes of address space beyond now."""

    @contextmanager
    def limited(extra: int) -> Iterator[None]:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + extra, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)

    return limited
