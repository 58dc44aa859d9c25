"""The static page on disk: a folder for any static host, or one HTML file that needs no host.

A module inside an HTML file cannot be imported by its path. In the single file each module is therefore a
data: URL under a name of its own, its imports use these names, and an import map leads from name to URL.
Files that the page would fetch are embedded, compressed by gzip, as base64.
"""

from __future__ import annotations

import base64
import gzip
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from vaekit.errors import InvalidError
from vaekit.utils.io import write_whole

STATIC = Path(__file__).parents[1] / "static"
BACKEND = '<meta name="vaekit-backend" content="server">'
ENTRY, LIBRARY = "main.js", "ort/ort.wasm.bundle.min.mjs"

_POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; style-src {style}; "
    "img-src 'self' blob: data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
)
_IMPORT = re.compile(r"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"']+)\2""")


def write_folder(folder: Path, data: Mapping[str, bytes], runtime: Mapping[str, bytes]) -> Path:
    """Write the page, data/ and ort/ into a folder.

    Args:
        folder: new, empty, or an earlier static page.
        data: the data files by name; see `contents.site_files`.
        runtime: the files of ONNX Runtime by name; see `runtime.runtime_files`.

    Returns:
        The path of index.html.

    Raises:
        InvalidError: the folder holds other files.
        VaekitError: a file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_folder(Path(folder), {"models.json": b"{}"}, {}).name
        'index.html'
    """
    is_site = (folder / "data" / "models.json").is_file()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not is_site)):
        raise InvalidError(f"{folder}: expected a new or empty folder, got one with other files")
    for name, content in _static_files().items():
        write_whole(folder / name, content)
    for name, content in runtime.items():
        write_whole(folder / "ort" / name, content)
    for name, content in data.items():
        write_whole(folder / "data" / name, content)
    policy = _POLICY.format(script="'self'", style="'self'", connect="'self'")
    return write_whole(folder / "index.html", _for_browser(_page(), policy).encode())


def write_file(file: Path, data: Mapping[str, bytes], runtime: Mapping[str, bytes]) -> Path:
    """Write one HTML file that embeds everything.

    Args:
        file: the file to write.
        data, runtime: see `write_folder`.

    Returns:
        The file.

    Raises:
        VaekitError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> library = {"ort.wasm.bundle.min.mjs": b""}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder) / "page.html", {"models.json": b"{}"}, library).name
        'page.html'
    """
    files = {
        **_static_files(),
        **{f"ort/{name}": content for name, content in runtime.items()},
        **{f"data/{name}": content for name, content in data.items()},
    }
    return write_whole(file, bundle(_page(), files).encode())


def bundle(page: str, files: Mapping[str, bytes]) -> str:
    """Embed the files that a page links to or fetches.

    Args:
        page: HTML.
        files: the contents by name.

    Returns:
        HTML.

    Example:
        >>> bundle('<link rel="stylesheet" href="a.css">', {"a.css": b"p {}"})
        '<style>\\np {}</style>'
    """
    policy = _POLICY.format(script="'unsafe-inline' data:", style="'unsafe-inline'", connect="data:")
    page = _for_browser(page, policy)
    page = re.sub(
        r'<link rel="stylesheet" href="([^"]+)">', lambda m: f"<style>\n{files[m[1]].decode()}</style>", page
    )
    page = re.sub(r'<script src="([^"]+)">', lambda m: f"<script>\n{files[m[1]].decode()}", page)
    page = re.sub(r'(href|src)="([^"]+\.svg)"', lambda m: f'{m[1]}="{_data_url(m[2], files[m[2]])}"', page)
    modules = {name: content for name, content in files.items() if name.endswith((".js", ".mjs"))}
    start = f'{_import_map(modules)}\n<script type="module">import "{_module_name(ENTRY)}";</script>'
    page = page.replace(f'<script type="module" src="{ENTRY}"></script>', start)
    fetched = {
        name: content for name, content in files.items() if name.startswith("data/") or name.endswith(".wasm")
    }
    embedded = "\n".join(
        f'<script type="text/plain" id="{name}">{_packed(content)}</script>'
        for name, content in fetched.items()
    )
    return page.replace("</body>", f"{embedded}\n</body>")


def _packed(content: bytes) -> str:
    """Base64 of a gzip file; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _static_files() -> dict[str, bytes]:
    """The files of the page without index.html."""
    files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
    files = {
        name: path for name, path in files.items() if not name.startswith("training/")
    }  # of a server only
    return {name: path.read_bytes() for name, path in sorted(files.items()) if name != "index.html"}


def _page() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")


def _for_browser(page: str, policy: str) -> str:
    """The page with a content security policy, and with the backend that runs in the browser."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace(BACKEND, f"{meta}\n{BACKEND.replace('server', 'site')}")


def _import_map(modules: Mapping[str, bytes]) -> str:
    urls = ",\n".join(
        f'"{_module_name(name)}":"{_data_url(name, _rename_imports(name, content))}"'
        for name, content in modules.items()
    )
    return f'<script type="importmap">{{"imports":{{\n{urls}\n}}}}</script>'


def _rename_imports(name: str, content: bytes) -> bytes:
    """A module that imports others by their names in the import map."""
    if name == LIBRARY:
        return content

    def rename(match: re.Match[str]) -> str:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[3]))
        return f"{match[1]}{match[2]}{_module_name(other)}{match[2]}"

    return _IMPORT.sub(rename, content.decode()).encode()


def _module_name(name: str) -> str:
    return f"vaekit/{name}"


def _data_url(name: str, content: bytes) -> str:
    script = "text/javascript" if name.endswith((".js", ".mjs")) else None
    media_type = script or mimetypes.guess_type(name)[0]
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
