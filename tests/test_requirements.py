"""The pinned dependencies: each with hashes, all that pyproject.toml asks for, and within its bounds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEV = [*PROJECT["optional-dependencies"]["dev"], *PROJECT["optional-dependencies"]["bench"]]
ASKED = {"base": PROJECT["dependencies"], "dev": [*PROJECT["dependencies"], *DEV]}


def entries(name: str) -> list[str]:
    """The requirements of a file, each with its hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return [entry for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if entry and entry[0] != "#"]


def pinned(name: str) -> dict[str, str]:
    """Package -> version, on this machine."""
    found = [Requirement(entry.partition(" \\")[0]) for entry in entries(name)]
    here = default_environment()
    return {
        canonical(one.name): next(iter(one.specifier)).version
        for one in found
        if one.marker is None or one.marker.evaluate(dict(here))
    }


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ASKED)
def test_every_package_has_one_version_and_hashes(name):
    for entry in entries(name):
        assert re.match(r"[\w.-]+==[\w.+]+( ; .+)? \\\n", entry), entry[:100]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry[:100]


@pytest.mark.parametrize("name", ASKED)
def test_all_that_is_asked_for_is_pinned_within_its_bounds(name):
    versions = pinned(name)
    for text in ASKED[name]:
        asked = Requirement(text)
        if asked.name != "torch":
            assert asked.specifier.contains(versions[canonical(asked.name)], prereleases=True), text


@pytest.mark.parametrize("name", ASKED)
def test_torch_and_its_graphics_libraries_are_not_pinned_here(name):
    assert not [p for p in pinned(name) if re.fullmatch(r"torch|triton|nvidia-.*|cuda-.*", p)]


def test_development_uses_the_versions_that_users_get():
    base, dev = pinned("base"), pinned("dev")
    assert {name: dev[name] for name in base} == base
