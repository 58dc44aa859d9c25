"""The exceptions of vaekit, and the exit code of each on the command line.

Every message is one line: what is wrong, where, what was expected, what came, what to do. `VaekitError`
catches all of them. `InvalidError` is a `ValueError` too, and `NotFoundError` a `LookupError`.

    exception        exit code   cause
    VaekitError      1           any other failure, such as a full disk
    InvalidError     3           an invalid recipe (RecipeError), data (DataError) or other input
    NotFoundError    4           a recipe, dataset, run or file that does not exist
    DivergedError    5           a loss or gradient that is not finite
    InterruptedRun   130         a signal; the state was saved
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

MAX_MESSAGE = 1000  # characters

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 200
_short.maxlist = _short.maxtuple = _short.maxdict = 6


class VaekitError(Exception):
    """The base class of all errors that the user's input or machine can cause; exit code 1.

    >>> VaekitError.exit_code
    1
    """

    exit_code = 1

    def __str__(self) -> str:
        """The message on one line, also where it quotes a name with a line break in it."""
        text = str(self.args[0]) if len(self.args) == 1 else super().__str__()
        return text if text.isprintable() and len(text) <= MAX_MESSAGE else printable(text, MAX_MESSAGE)


class InvalidError(VaekitError, ValueError):
    """A recipe, a setting or a file with invalid content; exit code 3.

    >>> issubclass(InvalidError, ValueError), InvalidError.exit_code
    (True, 3)
    """

    exit_code = 3


class RecipeError(InvalidError):
    """A recipe or an override that does not fit the schema.

    >>> issubclass(RecipeError, InvalidError)
    True
    """


class DataError(InvalidError):
    """Data that cannot be used: corrupt, of mixed shapes, not finite, or of the wrong number.

    >>> issubclass(DataError, InvalidError)
    True
    """


class NotFoundError(VaekitError, LookupError):
    """A recipe, dataset, run or file that does not exist; exit code 4.

    >>> str(NotFoundError("no such file")), NotFoundError.exit_code
    ('no such file', 4)
    """

    exit_code = 4


class DivergedError(VaekitError, ArithmeticError):
    """The loss or the gradient of a training is not finite; exit code 5.

    >>> issubclass(DivergedError, ArithmeticError), DivergedError.exit_code
    (True, 5)
    """

    exit_code = 5


class InterruptedRun(VaekitError):
    """A signal stopped the training, after its state was saved; exit code 130.

    >>> InterruptedRun.exit_code
    130
    """

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message that proposes the known word nearest to `word`; empty if none is near.

    >>> did_you_mean("mnsit", ["mnist", "digits"])
    "; did you mean 'mnist'?"
    >>> did_you_mean("x", ["mnist", "digits"])
    ''
    """
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.55)
    return f"; did you mean {near[0]!r}?" if near else ""


def brief(value: object, most: int = 80) -> str:
    """A value as Python writes it, for a message: short, printable and on one line, whatever the value is.

    The middle of a long text is left out, so that the name of a file stays at the end of its path.

    Args:
        value: any value, also one that came from outside.
        most: the largest number of characters.

    >>> brief("mnist"), brief("x" * 1000, most=20)
    ("'mnist'", "'xxxxxxx … xxxxxxx'")
    >>> brief(10**5000), brief({"a": [1, 2]})
    ('a number of 16610 bits', "{'a': [1, 2]}")
    """
    if isinstance(value, str) and len(value) > most - 2:
        half = (most - 5) // 2
        value = f"{value[:half]} … {value[len(value) - half :]}"
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {value.bit_length()} bits"
    try:
        text = _short.repr(value)
    except Exception:  # of a class from outside
        text = f"an object of {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def printable(text: str, most: int = 1000) -> str:
    r"""A message on one line, without control characters; the middle of a long one is left out.

    >>> printable("bad\nname \x1b[2J"), len(printable("x" * 5000))
    ('bad name \\x1b[2J', 1000)
    """
    text = " ".join(text.split())
    if len(text) > most:
        half = (most - 3) // 2
        text = f"{text[:half]} … {text[len(text) - (most - 3 - half) :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message; the name of its class if the message is empty.

    >>> first_line(ValueError("bad header.\\nmore"))
    'bad header'
    >>> first_line(MemoryError())
    'MemoryError'
    """
    return str(error).strip().split("\n")[0].rstrip(". ") or type(error).__name__
