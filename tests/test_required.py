"""What the browser tests need is installed where it can be, and nowhere are they left out in silence."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from vaekit.errors import VaekitError

SCRIPT = Path(__file__).parents[1] / "scripts" / "browser.py"
SKIPPED = """
import pytest

@pytest.mark.browser
@pytest.mark.skipif(True, reason="no chromium")
def test_marked():
    pass

@pytest.mark.browser
def test_inside():
    pytest.skip("no runtime")

@pytest.mark.browser
@pytest.mark.xfail
def test_expected():
    assert False

def test_other():
    pytest.skip("no compiler")
"""


class Machine:
    """A machine with these programs, whose apt-get has these packages."""

    def __init__(
        self, monkeypatch, script: ModuleType, programs="", packages="", user=0, cached=False
    ) -> None:
        self.programs, self.packages, self.asked = set(programs.split()), packages.split(), []
        self.cached = cached
        monkeypatch.delenv("VAEKIT_CHROMIUM", raising=False)
        monkeypatch.delenv("VAEKIT_REQUIRE_BROWSER", raising=False)
        monkeypatch.setattr("os.geteuid", lambda: user)
        monkeypatch.setattr("shutil.which", lambda name: name if name in self.programs else None)
        monkeypatch.setattr("subprocess.run", self.run)
        monkeypatch.setattr(script.runtime, "runtime_files", self.files)

    def run(self, words, **options):
        self.asked.append(words[-1])
        if words[-1] != "update" and words[-1] not in self.packages:
            return subprocess.CompletedProcess(words, 100, "", f"W: old\nE: Unable to locate {words[-1]}\n")
        self.programs.add(words[-1])
        return subprocess.CompletedProcess(words, 0, "", "")

    def files(self):
        if not self.cached and "npm" not in self.programs:
            raise VaekitError("npm is not installed; install Node.js")
        self.cached = True


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("browser", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_if_all_is_installed_nothing_happens(monkeypatch, script, capsys):
    machine = Machine(monkeypatch, script, "apt-get chromium npm")
    script.main()
    assert not machine.asked
    assert not capsys.readouterr().out


def test_missing_packages_are_installed_once(monkeypatch, script, capsys):
    machine = Machine(monkeypatch, script, "apt-get", "chromium npm")
    script.main()
    script.main()
    assert machine.asked == ["update", "chromium", "update", "npm"]
    assert "Left out" not in capsys.readouterr().out


def test_npm_is_not_needed_for_cached_files(monkeypatch, script):
    machine = Machine(monkeypatch, script, "apt-get chromium", "npm", cached=True)
    script.main()
    assert not machine.asked


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"programs": "npm"}, "there is no apt-get"),
        ({"programs": "apt-get npm", "packages": "chromium", "user": 1000}, "only root can install it"),
        ({"programs": "apt-get npm"}, "(E: Unable to locate chromium)"),
    ],
)
def test_without_chromium_one_line_names_the_skipped_tests(monkeypatch, script, capsys, given, reason):
    Machine(monkeypatch, script, **given)
    script.main()
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("Left out: all browser tests (pytest -m browser)")
    assert reason in said[-1]
    assert sum("Left out" in line for line in said) == 1


def test_without_npm_only_the_static_page_tests_are_skipped(monkeypatch, script, capsys):
    Machine(monkeypatch, script, "chromium")
    script.main()
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("Left out: the browser tests of the static page")
    assert said.endswith("install Node.js")


def test_if_required_skipping_is_an_error(monkeypatch, script):
    Machine(monkeypatch, script, "npm")
    monkeypatch.setenv("VAEKIT_REQUIRE_BROWSER", "1")
    with pytest.raises(SystemExit, match=r"Not to be left out, .* is set: all browser tests"):
        script.main()


def test_the_files_named_in_the_script_exist():
    assert (SCRIPT.parents[1] / "tests/explorer/static_export/test_in_browser.py").is_file()


@pytest.mark.parametrize(
    ("required", "outcomes"), [("", "3 skipped, 1 xfailed"), ("1", "1 failed, 1 skipped, 1 xfailed, 1 error")]
)
def test_if_required_a_skipped_test_fails(tmp_path, required, outcomes):
    (tmp_path / "test_toy.py").write_text(SKIPPED)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    words = [sys.executable, "-m", "pytest", "-p", "required", "-p", "no:cacheprovider", "-q", "-rs", "."]
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    settings = {
        **os.environ,
        "PYTHONPATH": paths,
        "VAEKIT_REQUIRE_BROWSER": required,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    said = subprocess.run(
        words, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    ).stdout
    assert outcomes in said
    assert said.count("Not to be left out") == (2 if required else 0)
