"""Figures of the user, drawn beside those of a run.

    f(trained: TrainedModel, images: ObservedImages, **options) -> matplotlib.figure.Figure

`images` are held-out images as the model sees them. All global random generators are seeded. A figure is
saved as `figures/<name>.png`, and the report shows every image of that folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from vaekit import plotting
from vaekit.config.functions import Given, NamedFunction, named_functions
from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, first_line
from vaekit.utils.random import all_seeded


def find_figures(given: Iterable[Given], taken: Iterable[str]) -> list[NamedFunction]:
    """The figures that a user names or gives.

    Args:
        given: names, sections with a name and options, or functions.
        taken: names of files that belong to other figures.

    Raises:
        InvalidError: a figure does not exist, an option is wrong, or a name is taken or no name.

    >>> find_figures([max], taken=["max"])
    Traceback (most recent call last):
    vaekit.errors.InvalidError: figure: max would replace figures/max.png of the report; rename it
    """
    functions, names = named_functions("figure", given), set(taken)
    for function in functions:
        if not function.name.isidentifier():
            raise InvalidError(f"figure: expected a function with a plain name, got {function.reference}")
        if function.name in names:
            raise InvalidError(
                f"figure: {function.reference} would replace figures/{function.name}.png of the report; "
                "rename it"
            )
    return functions


def draw_figure(
    function: NamedFunction, trained: TrainedModel, images: ObservedImages, folder: Path, seed: int = 0
) -> Path:
    """Draw one figure, and save it in a folder.

    Raises:
        InvalidError: the function raises an error, or returns no figure.

    >>> import tempfile, vaekit
    >>> trained, empty = vaekit.demo(), NamedFunction("empty", "empty", lambda trained, images: Figure())
    >>> draw_figure(empty, trained, trained.load_split(images=5), Path(tempfile.mkdtemp())).name
    'empty.png'
    """
    try:
        with all_seeded(seed):
            figure = function(trained, images)
    except Exception as error:
        raise InvalidError(
            f"figure {function.reference} failed: {type(error).__name__}: {first_line(error)}"
        ) from error
    finally:
        trained.model.eval()
    if not isinstance(figure, Figure):
        raise InvalidError(
            f"figure {function.reference}: expected a matplotlib Figure, got {type(figure).__name__}"
        )
    file = folder / f"{function.name}.png"
    plotting.save(figure, file)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    return file
