"""Make the links of README.md absolute, as a package index needs them, which has the page but not its files.

    python scripts/absolute_links.py --base https://HOST/OWNER/NAME --ref v0.1.0

Pages link to BASE/blob/REF/..., folders to BASE/tree/REF/..., and pictures to BASE/raw/REF/.... The release
workflow gives the address of the repository that it runs in; none is written in the repository itself.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<start>(?P<picture>!?)\[[^\]]*\]\()(?P<target>[^)\s]+)(?P<end>[^)]*\))")


def absolute_links(text: str, base: str, ref: str = "main", root: Path = ROOT) -> str:
    """The text with absolute links; blocks of code, addresses and anchors of the page stay.

    Args:
        text: Markdown.
        base: The address of the repository.
        ref: The branch, tag or commit that the links show.
        root: The folder that the links are relative to.

    Returns:
        The text with links of the forms that GitHub and GitLab know.

    Raises:
        FileNotFoundError: a link leads to no file or folder.

    >>> absolute_links("[Guide](docs/guide.md#runs) ![](docs/images/speed.png)", "https://host/a/b/", "v1")
    '[Guide](https://host/a/b/blob/v1/docs/guide.md#runs) ![](https://host/a/b/raw/v1/docs/images/speed.png)'
    >>> absolute_links("[here](#speed), [there](https://other.org), [all](docs)", "https://host/a/b")
    '[here](#speed), [there](https://other.org), [all](https://host/a/b/tree/main/docs)'
    """

    def absolute(link: re.Match[str]) -> str:
        target = link["target"]
        if re.match(r"#|[a-z]+:", target):
            return link[0]
        path = root / target.partition("#")[0]
        if not path.exists():
            raise FileNotFoundError(f"a link of the text leads to {target}, which does not exist")
        kind = "tree" if path.is_dir() else "raw" if link["picture"] else "blob"
        return f"{link['start']}{base.rstrip('/')}/{kind}/{ref}/{target}{link['end']}"

    parts = FENCE.split(text)  # every second one is code
    parts[::2] = [LINK.sub(absolute, part) for part in parts[::2]]
    return "".join(parts)


def main() -> None:
    """Rewrite a file in place."""
    parser = argparse.ArgumentParser(description="Make the links of README.md absolute.")
    parser.add_argument("--base", required=True, help="address of the repository, as https://HOST/OWNER/NAME")
    parser.add_argument("--ref", default="main", help="branch, tag or commit (main)")
    parser.add_argument("--file", type=Path, default=ROOT / "README.md", help="the file (README.md)")
    given = parser.parse_args()
    if not re.match(r"https?://[^/]+/", given.base):
        sys.exit(f"--base is {given.base!r}; expected an address such as https://HOST/OWNER/NAME")
    text = given.file.read_text(encoding="utf-8")
    given.file.write_text(absolute_links(text, given.base, given.ref), encoding="utf-8")


if __name__ == "__main__":
    main()
