"""With VAEKIT_REQUIRE_BROWSER set, as in `.ci/run`, a browser test that would be skipped fails."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    expected = hasattr(report, "wasxfail")
    required = os.environ.get("VAEKIT_REQUIRE_BROWSER") and item.get_closest_marker("browser")
    if required and report.skipped and not expected:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Not to be left out, as VAEKIT_REQUIRE_BROWSER is set: {reason}"
    return report
