"""One small run of `digits` that the tests of the command line look at, and a way to call a command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vaekit.cli import program

Call = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the user's cache nor the user's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("VAEKIT_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with two latents; not to be changed."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    words = ["train", "digits", "training.epochs=2", "model.latent_dim=2", "--run-dir", str(directory)]
    result = CliRunner().invoke(program, words)
    assert result.exit_code == 0, result.output
    return directory


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "digits"))


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call a command line in a folder of its own; the result's `stdout` and `stderr` are apart."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(program, [str(word) for word in words])


@pytest.fixture
def numbers(call: Call) -> Callable[..., Any]:
    """What a command that succeeds prints with --json."""

    def read(*words: object) -> Any:
        result = call(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout, parse_constant=_refuse)

    return read


@pytest.fixture
def fails(call: Call) -> Callable[..., str]:
    """The one line on stderr of a command that fails with a code."""

    def read(code: int, *words: object) -> str:
        result = call(*words)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        [line] = result.stderr.splitlines()
        return line

    return read


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training without its figures, which other tests look at."""
    from vaekit.runs.run import Run

    monkeypatch.setattr(Run, "plot", lambda self, only_missing=False: [])


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
