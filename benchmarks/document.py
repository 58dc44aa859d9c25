"""The place in a document that a command writes: between two comments that name it."""

from __future__ import annotations

from pathlib import Path


def put(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: the document has no such place.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(start)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(f"{document}: expected {start} ... {end}, found none; put them where it belongs")
    document.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
