"""Measure the explorer: frames per second while the map moves, and the time from pointer to image.

    python scripts/explorer_speed.py RUN_OR_MODEL [--split all]

Prints a JSON line. `frames_per_second` is measured while the map is dragged without pause.
`pointer_to_image_ms` is the median time from the event of the pointer until its point is decoded and drawn,
including the request to the server. Requires Chromium, and Playwright from the development extra.
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
TIMINGS = "performance.getEntriesByName('pointer to image').map((entry) => entry.duration)"


def main(arguments: Sequence[str]) -> None:
    with served(*arguments) as address, chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(120_000)
        page.goto(address)
        page.locator(".legend > *").first.wait_for()
        page.locator(".picture.large.shown").wait_for()
        page.wait_for_load_state("networkidle")
        print(json.dumps({"page": page.title(), **measure(page)}))


def measure(page: Any) -> dict[str, float | int]:
    times_to_image, gaps = move_pointer(page), drag(page)
    return {
        "pointer_to_image_ms": round(statistics.median(times_to_image), 1),
        "slowest_of_20_ms": round(statistics.quantiles(times_to_image, n=20)[-1], 1),
        "images": len(times_to_image),
        "frames_per_second": round(1000 / statistics.mean(gaps), 1),
        "slowest_frame_ms": round(max(gaps), 1),
        "frames": len(gaps),
    }


def move_pointer(page: Any, moves: int = 200) -> list[float]:
    """The times in milliseconds until images are drawn, while the pointer crosses the map."""
    for step in range(moves):
        share = 0.2 + 0.6 * step / moves
        to(page, share, 1 - share)
        page.wait_for_timeout(20)
    return list(page.evaluate(TIMINGS))


def drag(page: Any, moves: int = 300) -> list[float]:
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
    """Move to a point of the map, in shares of its width and height."""
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


if __name__ == "__main__":
    main(sys.argv[1:])
