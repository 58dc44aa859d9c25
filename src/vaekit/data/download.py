"""Download files into a temporary folder that is removed after they are decoded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vaekit.errors import NotFoundError, first_line

TIMEOUT = 30  # seconds without an answer
RETRIES = 3


@contextmanager
def download_files(name: str, files: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """Download files into a folder that is removed when the block ends.

    Args:
        name: the name of the dataset, for the progress bar and messages.
        files: file name -> address.

    Yields:
        File name -> path, in the order of `files`.

    Raises:
        NotFoundError: a file could not be downloaded; the message says how to do it by hand.

    >>> with download_files("none", {}) as paths:
    ...     paths
    {}
    """
    with tempfile.TemporaryDirectory(prefix="vaekit-") as folder:
        yield {file: _fetch(name, file, address, folder) for file, address in files.items()}


def _fetch(name: str, file: str, address: str, folder: str) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    store = pooch.create(
        folder, base_url="", registry={file: None}, urls={file: address}, retry_if_failed=RETRIES
    )
    try:
        with _Bar(f"{name}: {file}") as bar:
            loader = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)
            return Path(store.fetch(file, downloader=loader))
    except (requests.RequestException, OSError, ValueError) as error:
        raise NotFoundError(
            f"{name}: {address} could not be fetched ({_reason(error)}); fetch it by hand, "
            f"put it into FOLDER/{name}/ as {file}, and set VAEKIT_DATA=FOLDER"
        ) from error


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server"
    return first_line(error)


class _Bar:
    """A rich progress bar on stderr with the four members that pooch needs."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._display = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._display.add_task(title, total=None)
        self.total = 0

    def __enter__(self) -> _Bar:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def update(self, size: int) -> None:
        """Add `size` bytes."""
        self._display.update(self._task, total=self.total, advance=size)

    def reset(self) -> None:
        """Start again at 0 bytes."""
        self._display.update(self._task, completed=0)

    def close(self) -> None:
        """Do nothing; pooch calls this at the end of a file."""
