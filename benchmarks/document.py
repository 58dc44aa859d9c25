"""Write generated text into a document, between two comments that name its place."""

from __future__ import annotations

from pathlib import Path


def put(document: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: the document does not have these comments.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = document.read_text(encoding="utf-8").partition(start)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(
            f"{document}: expected {start} and {end}, found none; add both where the text belongs"
        )
    document.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}", encoding="utf-8")
