"""What is published is whole: the wheel has the package's data, the sdist all files, and both one version."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import absolute_links

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "src" / "vaekit"
DATA = PROJECT["tool"]["setuptools"]["package-data"]["vaekit"]


def tracked(folder: Path) -> set[Path]:
    """The files of the repository in a folder; in an unpacked sdist, all but what Python compiled."""
    if (ROOT / ".git").exists():
        words = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0")
        return {path for name in names if name and (path := folder / name).is_file()}
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_every_data_file_of_the_package_is_in_the_wheel():
    files = {path for path in tracked(PACKAGE) if path.suffix != ".py"}
    assert len(files) > 50
    matched = {path for pattern in DATA for path in PACKAGE.glob(pattern.replace("**", "**/*"))}
    assert {str(path) for path in files - matched} == set(), "add them to package-data in pyproject.toml"


@pytest.mark.parametrize("pattern", DATA)
def test_every_pattern_of_package_data_finds_files(pattern):
    assert any(path.is_file() for path in PACKAGE.glob(pattern.replace("**", "**/*")))


def test_every_module_is_in_a_package():
    folders = {path.parent for path in tracked(PACKAGE) if path.suffix == ".py"}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an unpacked sdist does not know what is tracked")
def test_the_sdist_has_every_file(monkeypatch):
    setuptools = pytest.importorskip("setuptools.command.egg_info")
    monkeypatch.chdir(ROOT)
    listed = setuptools.FileList()
    for line in Path("MANIFEST.in").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            listed.process_template_line(line)
    named = {Path(name) for name in listed.files} | {Path("pyproject.toml"), Path("MANIFEST.in")}
    assert {path.relative_to(ROOT) for path in tracked(ROOT)} - named == set(), "add them to MANIFEST.in"


def test_the_version_has_one_place():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "vaekit.__version__"}}
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    assert len(re.findall(r'^__version__ = "\d+\.\d+\.\d+"$', text, re.MULTILINE)) == 1


def test_the_citation_has_what_its_format_asks_for():
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    assert found["license"] == PROJECT["project"]["license"]
    holder = re.search(r"Copyright \(c\) \d+ (.+)", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    assert holder
    assert [author["name"] for author in found["authors"]] == [holder[1]]


def test_the_release_tests_every_python_that_is_named():
    named = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line]
    flow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    for job in ("source", "wheel"):
        assert flow["jobs"][job]["strategy"]["matrix"]["python"] == named
    assert set(flow["jobs"]["publish"]["needs"]) == set(flow["jobs"]) - {"build", "publish"}


def test_no_link_of_the_readme_stays_relative():
    assert doctest.testmod(absolute_links).failed == 0
    text = absolute_links.absolute_links((ROOT / "README.md").read_text(encoding="utf-8"), "https://host/a/b")
    targets = re.findall(r"\]\(([^)\s]+)\)", absolute_links.FENCE.sub("", text))
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith("https://")] == []


def test_a_link_to_no_file_is_refused():
    with pytest.raises(FileNotFoundError, match=r"docs/absent\.md"):
        absolute_links.absolute_links("[a](docs/absent.md)", "https://host/a/b")
