"""How fluid the explorer is: frames a second of a map that moves, and the wait from pointer to picture.

    python scripts/explorer_speed.py RUN_OR_MODEL [--split all]

Prints a JSON line. `frames_per_second` is of a map that is dragged without rest; `pointer_to_picture_ms` runs
from the event of the pointer until what is under it is decoded and drawn, the request to the server included.
Needs Chromium, and Playwright of the development extra.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from explorer_pictures import SIZE, chromium, served

FRAMES = """() => {
  window.frames_at = [];
  requestAnimationFrame(function frame(now) {
    window.frames_at.push(now);
    requestAnimationFrame(frame);
  });
}"""
TIMINGS = "performance.getEntriesByName('pointer to picture').map((entry) => entry.duration)"


def main(arguments: Sequence[str]) -> None:
    with served(*arguments) as address, chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(120_000)
        page.goto(address)
        page.locator(".legend > *").first.wait_for()
        page.locator(".picture.large.shown").wait_for()
        page.wait_for_load_state("networkidle")
        print(json.dumps({"page": page.title(), **measured(page)}))


def measured(page: Any) -> dict[str, float | int]:
    waits, gaps = pointed(page), dragged(page)
    return {
        "pointer_to_picture_ms": round(statistics.median(waits), 1),
        "slowest_of_20_ms": round(statistics.quantiles(waits, n=20)[-1], 1),
        "pictures": len(waits),
        "frames_per_second": round(1000 / statistics.mean(gaps), 1),
        "slowest_frame_ms": round(max(gaps), 1),
        "frames": len(gaps),
    }


def pointed(page: Any, moves: int = 200) -> list[float]:
    """The waits in milliseconds for pictures, while the pointer crosses the map."""
    for step in range(moves):
        share = 0.2 + 0.6 * step / moves
        to(page, share, 1 - share)
        page.wait_for_timeout(20)
    return list(page.evaluate(TIMINGS))


def dragged(page: Any, moves: int = 300) -> list[float]:
    """The milliseconds between frames, while the map is dragged in circles."""
    before = page.url
    to(page, 0.7, 0.5)
    page.mouse.down()
    page.evaluate(FRAMES)
    for step in range(moves):
        angle = 2 * math.pi * step / 60
        to(page, 0.5 + 0.2 * math.cos(angle), 0.5 + 0.2 * math.sin(angle))
        page.wait_for_timeout(8)
    times = page.evaluate("window.frames_at")
    page.mouse.up()
    page.wait_for_timeout(500)
    if page.url == before:
        sys.exit("the map did not move")
    return [after - before for before, after in pairwise(times)]


def to(page: Any, x: float, y: float) -> None:
    """Move to a place on the map, in shares of its width and height."""
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + x * box["hidden_sizes"], box["y"] + y * box["height"])


if __name__ == "__main__":
    main(sys.argv[1:])
