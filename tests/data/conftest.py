"""No test here touches the user's cache or data: both are folders of the test session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, session_cache: Path) -> None:
    monkeypatch.setenv("VAEKIT_CACHE", str(session_cache))
    monkeypatch.delenv("VAEKIT_DATA", raising=False)


@pytest.fixture
def fresh_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of this test alone; the folder does not exist yet."""
    folder = tmp_path / "fresh-cache"
    monkeypatch.setenv("VAEKIT_CACHE", str(folder))
    return folder


@pytest.fixture
def levels() -> np.ndarray:
    """Twenty gray images of 8x6, whose levels span 0..255."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 6), dtype=np.uint8)
    images[0, 0, :2] = 0, 255
    return images
