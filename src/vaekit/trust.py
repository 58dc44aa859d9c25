"""Import code from outside vaekit, but what is loaded imports only what is trusted.

A recipe that the user names may import what it names. A model, a run or an archive that is loaded may not:
within `trusting(...)`, a module or a file is refused before anything of it runs. It is allowed if the caller
names it (`trust=[...]`), if `allow` or `--trust` named it, or if the same code was imported before:

    what                    allowed by the name of
    package.module:name     the module or a package around it
    folder/file.py:name     the file, or its path

The content of a file is read once, and what was read is what runs: neither a change in between nor compiled
bytecode beside the file takes its place.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

from vaekit.errors import InvalidError, RecipeError, first_line

Trust = bool | Collection[str]

FILE_MODULE = "vaekit_component_"  # beginning of the module name of a file

_allowed: set[str] = set()  # names that `allow` was given
_imported: set[str] = set()  # the modules, and the SHA-256 of the files, that were allowed once
_trust: ContextVar[Trust] = ContextVar("trust", default=True)


class ComponentError(InvalidError):
    """A component that does not exist, fails to import, is of another kind, or is not trusted; exit code 3.

    >>> ComponentError.exit_code
    3
    """


class UntrustedError(ComponentError, RecipeError):
    """A component that a loaded recipe names, from a module that is not trusted; exit code 3.

    >>> issubclass(UntrustedError, ComponentError)
    True
    """


def allow(*modules: str) -> None:
    """Trust modules, packages or files by name in this process, as `--trust` does.

    >>> allow("mypackage")
    """
    _allowed.update(modules)


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """Allow outside components of some modules only, while something is loaded.

    Args:
        trust: True for every module, False for none, or the names of modules, packages or files.

    >>> with trusting(False):
    ...     import_module("yours.priors:spherical", "yours.priors")
    Traceback (most recent call last):
    ...
    vaekit.trust.UntrustedError: 'yours.priors:spherical' is code from outside vaekit, which is not \
imported without your consent; if you trust it, add --trust yours.priors (in Python: \
trust=['yours.priors'])
    """
    token = _trust.set({trust} if isinstance(trust, str) else trust)
    try:
        yield
    finally:
        _trust.reset(token)


def import_module(reference: str, module: str) -> ModuleType:
    """Import a module by its dotted name.

    Args:
        reference: what names it, for messages.

    Raises:
        UntrustedError: it is not trusted.
        ComponentError: its import fails.

    >>> import_module("math:tau", "math").tau > 6
    True
    """
    parts = module.split(".")
    around = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    _require_trust(reference, module, around, module)
    return guarded(f"{reference!r}: its import fails", lambda: importlib.import_module(module))


def import_file(reference: str, place: str) -> tuple[ModuleType, Path]:
    """Import a file of Python as a module of its own; the same content is imported once.

    Args:
        reference: what names it, for messages.
        place: its path; `~` is the home directory.

    Returns:
        The module, and the path of the file without links.

    Raises:
        UntrustedError: it is not trusted.
        ComponentError: there is no such file, or its import fails.

    >>> import_file("own.py:spherical", "own.py")
    Traceback (most recent call last):
    ...
    vaekit.trust.ComponentError: 'own.py:spherical': own.py: No such file or directory
    """
    try:
        path = Path(place).expanduser()
        if path.exists() and not path.is_file():
            raise ComponentError(f"{reference!r}: {path}: expected a file of Python")
        content, resolved = path.read_bytes(), path.resolve()
    except OSError as error:
        raise ComponentError(f"{reference!r}: {place}: {error.strerror or error}") from None
    except (RuntimeError, ValueError) as error:
        if isinstance(error, ComponentError):
            raise
        raise ComponentError(f"{reference!r}: {place}: not a path ({first_line(error)})") from None
    digest = hashlib.sha256(content).hexdigest()
    _require_trust(reference, digest, {path.name, str(path), str(resolved)}, path.name)
    run = lambda: _run_file(resolved, content, digest)
    return guarded(f"{reference!r}: its import fails", run), resolved


def guarded(what: str, act: Callable[[], ModuleType]) -> ModuleType:
    """Run outside code; whatever it raises becomes one line.

    Args:
        what: beginning of that line.

    >>> guarded("'own.py:f': its import fails", lambda: sys.exit("no license"))
    Traceback (most recent call last):
    ...
    vaekit.trust.ComponentError: 'own.py:f': its import fails: SystemExit: no license
    """
    try:
        return act()
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, ComponentError) else f"{type(error).__name__}: "
        raise ComponentError(f"{what}: {kind}{first_line(error)}") from error


def _require_trust(reference: str, key: str, names: set[str], name: str) -> None:
    """Refuse outside code that is not trusted; what was allowed once stays allowed in this process."""
    trust = _trust.get()
    given = _allowed if isinstance(trust, bool) else {*_allowed, *trust}
    if trust is not True and key not in _imported and not any(_full_name(one) in names for one in given):
        raise UntrustedError(
            f"{reference!r} is code from outside vaekit, which is not imported without your consent; "
            f"if you trust it, add --trust {name} (in Python: trust=[{name!r}])"
        )
    _imported.add(key)


def _full_name(name: str) -> str:
    """The name of a module or a file as it is; the absolute path of a path to a file."""
    is_path = name.endswith(".py") and os.path.dirname(name)
    return str(Path(os.path.expanduser(name)).resolve()) if is_path else name


def _run_file(path: Path, content: bytes, digest: str) -> ModuleType:
    name = f"{FILE_MODULE}{path.stem}_{digest[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(content, str(path), "exec"), vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module
