"""What can go wrong, and the exit code that each kind of it has on the command line.

Every message is one line: what, where, what was expected, what came, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VaekitError(Exception):
    """The base of all errors that a user's input or machine can cause; exit code 1."""

    exit_code = 1


class InvalidError(VaekitError, ValueError):
    """A recipe, a setting or a file whose content is wrong; exit code 3."""

    exit_code = 3


class RecipeError(InvalidError):
    """A recipe or an override that does not fit the schema."""


class DataError(InvalidError):
    """Data that cannot be used as it is: corrupt, of mixed shapes, not finite, not matching."""


class NotFoundError(VaekitError, LookupError):
    """A recipe, dataset, run or file that is not there; exit code 4."""

    exit_code = 4

    def __str__(self) -> str:  # LookupError's own subclasses quote; this one speaks plainly
        return str(self.args[0]) if self.args else ""


class DivergedError(VaekitError, ArithmeticError):
    """Training met a loss or gradient that is not finite; exit code 5."""

    exit_code = 5


class InterruptedRun(VaekitError):
    """Training was stopped by a signal after it saved its state; exit code 130."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'mnist'?"` where a known word is near, else the empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.55)
    return f"; did you mean {near[0]!r}?" if near else ""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its class where it has none."""
    return str(error).strip().split("\n")[0].rstrip(". ") or type(error).__name__
