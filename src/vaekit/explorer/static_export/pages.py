"""The site on disk: a folder for any static host, or one file that needs no host at all.

A module that lies in the same file as the page cannot be imported by its path. In the one file each module
is a data: address under a name of its own, its imports are written by these names, and an import map leads
from name to address. What else the page would fetch lies in it as base64.
"""

from __future__ import annotations

import base64
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from vaekit.errors import InvalidError
from vaekit.utils.io import write_whole

STATIC = Path(__file__).parents[1] / "static"
MARK = '<meta name="vaekit-backend" content="server">'
ENTRY, LIBRARY = "main.js", "ort/ort.wasm.bundle.min.mjs"

_POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; style-src {style}; "
    "img-src 'self' blob: data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
)
_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"']+)\2""")


def write_folder(folder: Path, data: Mapping[str, bytes], runtime: Mapping[str, bytes]) -> Path:
    """Write the page, data/ and ort/ into a folder.

    Raises:
        InvalidError: something else is in the folder.
        VaekitError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _is_site(folder))):
        raise InvalidError(f"{folder}: holds something else; name a folder that is new or empty")
    for name, content in _static().items():
        write_whole(folder / name, content)
    for name, content in runtime.items():
        write_whole(folder / "ort" / name, content)
    for name, content in data.items():
        write_whole(folder / "data" / name, content)
    policy = _POLICY.format(script="'self'", style="'self'", connect="'self'")
    return write_whole(folder / "index.html", _marked(_page(), policy).encode())


def _is_site(folder: Path) -> bool:
    """Whether a site was written there before."""
    return (folder / "data" / "models.json").is_file()


def write_file(file: Path, data: Mapping[str, bytes], runtime: Mapping[str, bytes]) -> Path:
    """Write one HTML file with everything in it.

    Raises:
        VaekitError: it cannot be written.
    """
    everything = {
        **_static(),
        **{f"ort/{name}": content for name, content in runtime.items()},
        **{f"data/{name}": content for name, content in data.items()},
    }
    return write_whole(file, single(_page(), everything).encode())


def single(page: str, files: Mapping[str, bytes]) -> str:
    """A page with the files that it names, or fetches, in it."""
    policy = _POLICY.format(script="'unsafe-inline' data:", style="'unsafe-inline'", connect="data:")
    page = _marked(page, policy)
    page = re.sub(
        r'<link rel="stylesheet" href="([^"]+)">', lambda m: f"<style>\n{files[m[1]].decode()}</style>", page
    )
    page = re.sub(r'<script src="([^"]+)">', lambda m: f"<script>\n{files[m[1]].decode()}", page)
    page = re.sub(r'(href|src)="([^"]+\.svg)"', lambda m: f'{m[1]}="{_address(m[2], files[m[2]])}"', page)
    modules = {name: content for name, content in files.items() if name.endswith((".js", ".mjs"))}
    start = f'{_import_map(modules)}\n<script type="module">import "{_bare(ENTRY)}";</script>'
    page = page.replace(f'<script type="module" src="{ENTRY}"></script>', start)
    kept = "\n".join(_kept(name, content) for name, content in files.items() if _is_fetched(name))
    return page.replace("</body>", f"{kept}\n</body>")


def _static() -> dict[str, bytes]:
    """The files of the page, but for the page itself."""
    files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(files.items()) if name != "index.html"}


def _page() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")


def _marked(page: str, policy: str) -> str:
    """The page with a policy, and with the mark that its backend is in the browser."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace(MARK, f"{meta}\n{MARK.replace('server', 'site')}")


def _import_map(modules: Mapping[str, bytes]) -> str:
    addresses = ",\n".join(
        f'"{_bare(name)}":"{_address(name, _renamed(name, content))}"' for name, content in modules.items()
    )
    return f'<script type="importmap">{{"imports":{{\n{addresses}\n}}}}</script>'


def _renamed(name: str, content: bytes) -> bytes:
    """A module whose imports of others are by their names in the import map."""
    if name == LIBRARY:
        return content

    def rename(match: re.Match[str]) -> str:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[3]))
        return f"{match[1]}{match[2]}{_bare(other)}{match[2]}"

    return _IMPORT.sub(rename, content.decode()).encode()


def _bare(name: str) -> str:
    return f"vaekit/{name}"


def _is_fetched(name: str) -> bool:
    return name.startswith("data/") or name.endswith(".wasm")


def _kept(name: str, content: bytes) -> str:
    return f'<script type="text/plain" id="{name}">{base64.b64encode(content).decode()}</script>'


def _address(name: str, content: bytes) -> str:
    script = "text/javascript" if name.endswith((".js", ".mjs")) else None
    media = script or mimetypes.guess_type(name)[0]
    return f"data:{media};base64,{base64.b64encode(content).decode()}"
