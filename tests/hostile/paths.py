"""Generators of hostile paths: what is at a path is not what its place asks for, or it is no path at all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LONG = "x" * 5000
NOT_UTF8 = os.fsdecode(b"caf\xe9")
SUFFIXES = ("", ".npy", ".csv", ".png", ".yaml", ".h5")


def make(folder: Path, suffix: str = "") -> dict[str, str]:
    """Make one path of each kind in a folder; return them by kind.

    Args:
        suffix: of their names, since readers are chosen by it.
    """
    place = {kind: folder / f"{kind}{suffix}" for kind in ("folder", "empty", "nothing", "circle", "pipe")}
    place["folder"].mkdir()
    place["empty"].write_bytes(b"")
    place["nothing"].symlink_to(folder / "no-such-target")
    place["circle"].symlink_to(place["circle"])
    os.mkfifo(place["pipe"])
    place["in a file"] = place["empty"] / f"x{suffix}"
    place["not UTF-8"] = folder / f"{NOT_UTF8}{suffix}"
    place["not UTF-8"].write_bytes(b"\xff\xfe\x00")
    place["words"] = folder / f"words{suffix}"
    place["words"].write_text("these are words\n")
    place["zeros"] = folder / f"zeros{suffix}"
    place["zeros"].write_bytes(bytes(5000))
    return {kind: str(path) for kind, path in place.items()} | {
        "socket": _socket(folder, suffix),
        "long": f"{LONG}{suffix}",
        "long with folders": f"{'a/' * 3000}x{suffix}",
        "nobody's home": f"~nosuch/x{suffix}",
        "device": "/dev/null",
        "control": f"a\x1b[2J\nb{suffix}",
        "no word": "",
    }


def _socket(folder: Path, suffix: str) -> str:
    """A socket; its path may be longer than sockets allow, so it is made by a relative one."""
    here, name = Path.cwd(), f"socket{suffix}"
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(name)
    finally:
        os.chdir(here)
    return str(folder / name)
