"""The explorer in the output of a notebook's cell: its page in a frame, served by a thread of the kernel.

The server stops with the kernel, with `stop()`, or when the same model is explored again. It listens on
127.0.0.1, so the browser must run on the machine of the kernel.
"""

from __future__ import annotations

import atexit
import logging
import threading
from typing import Any

from vaekit.engine.plot import held_out_split
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import VaekitError
from vaekit.explorer import security
from vaekit.explorer.server import application, background_worker, bind, page_url, uvicorn_server
from vaekit.explorer.session import MAX_IMAGES, ExplorerSession, open_session
from vaekit.runs.run import Run

HOST = "127.0.0.1"
_START = 20.0  # seconds in which the server must answer
_open: dict[int, Explorer] = {}


class Explorer:
    """An explorer that runs in the background; a notebook shows it as a frame.

    Args:
        session: the model and its data.
        height: of the frame, in pixels.

    >>> import vaekit
    >>> explorer = Explorer(open_session(vaekit.demo(), images=20), height=500)
    >>> "<iframe" in explorer._repr_html_(), explorer.running
    (True, True)
    >>> explorer.stop()
    >>> explorer.running
    False
    """

    def __init__(self, session: ExplorerSession, height: int = 720):
        self.height, self._session = height, session
        listening = bind(HOST, 0)
        port = listening.getsockname()[1]
        self.url = page_url(HOST, port)
        self._worker = background_worker([session])
        app = application([session], security.allowed_hosts(HOST, port), worker=self._worker, framed=True)
        self._server = uvicorn_server(app)
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # `stop` may cut a request short
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @property
    def running(self) -> bool:
        """Whether the server answers."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop the server; the frame shows nothing more."""
        self._server.should_exit = True
        self._thread.join(_START)
        self._worker.stop()
        atexit.unregister(self.stop)

    def __repr__(self) -> str:
        return f"Explorer({self.url}, {'running' if self.running else 'stopped'})"

    def _repr_html_(self) -> str:
        from markupsafe import Markup

        frame = Markup(
            '<iframe src="{0}" title="vaekit explorer" width="100%" height="{1}" '
            'style="border: 1px solid rgba(128, 128, 128, 0.4); border-radius: 6px"></iframe>'
            '<div style="font-size: 12px; opacity: 0.7">The kernel serves this page at '
            '<a href="{0}" target="_blank" rel="noopener" style="color: inherit">{0}</a></div>'
        )
        return str(frame.format(self.url, self.height))


def explore(
    model: TrainedModel | Run,
    data: str | None = None,
    split: str | None = None,
    height: int = 720,
    images: int = MAX_IMAGES,
) -> Explorer:
    """Explore the latent space of a model in a notebook; elsewhere, open the `url` of the result.

    Args:
        model: a trained model or a run.
        data: another dataset, by name or path; None for the model's own.
        split: "train", "validation", "test" or "all". Default: "test", or "validation" where there is no test
            split, as after `vaekit.fit`.
        height: of the frame, in pixels.
        images: the most points of the map.

    Returns:
        The explorer, which a notebook shows. It runs until its `stop()`, until the same model is explored
        again, or until the program ends.

    Raises:
        InvalidError: there are fewer than two data points.
        VaekitError: the data cannot be read, or do not fit the model.

    >>> import vaekit
    >>> explorer = explore(vaekit.demo(), images=20)
    >>> explorer.url.startswith("http://127.0.0.1:")
    True
    >>> explorer.stop()
    """
    trained: Any = model.trained if isinstance(model, Run) else model
    if not isinstance(trained, TrainedModel):
        raise VaekitError(f"explore: expected a trained model or a run, got {type(model).__name__}")
    if known := _open.pop(id(trained.model), None):
        known.stop()
    expression = f"vaekit.load({str(trained.source)!r}, device='cpu')"
    split = split or ("test" if data else held_out_split(trained))
    session = open_session(trained, expression, data, split, images=images)
    _open[id(trained.model)] = explorer = Explorer(session, height)
    return explorer
