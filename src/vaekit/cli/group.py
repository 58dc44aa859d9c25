"""The click group of all commands: it lists them in sections and turns errors into exit codes.

The module of a command is imported only when the command is called, or for its line in the help. Every
expected error becomes one line on stderr. Only an unexpected one is called internal.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from vaekit.errors import InterruptedRun, VaekitError, did_you_mean, printable
from vaekit.utils.interrupt import was_interrupted

INTERRUPTED = 130


class CommandGroup(click.Group):
    """A group whose commands are modules of `vaekit.cli`, listed in sections.

    Args:
        sections: heading -> names of commands, in the order of the help.

    >>> CommandGroup("vaekit", sections={"Train": ("train", "evaluate")}).list_commands(None)
    ['train', 'evaluate']
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **attributes: Any):
        super().__init__(*args, **attributes)
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in self.sections.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"vaekit.cli.{cmd_name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            near = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no such command {args[0]!r}{near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for heading, names in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), self._short_help(ctx, name)) for name in names])

    def _short_help(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=100) if command else ""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and exit with its code."""
        for stream in (sys.stdout, sys.stderr):  # the name of a file need not be text in their encoding
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        settings: dict[str, bool] = {}
        try:
            code = super().main(args, prog_name, **{**extra, "standalone_mode": False, "obj": settings})
        except (Exception, KeyboardInterrupt) as error:
            if was_interrupted() and not isinstance(error, VaekitError):
                error = KeyboardInterrupt()
            code = print_error(error, verbose=bool(settings.get("verbose")))
        sys.exit(code or 0)


def print_error(error: BaseException, verbose: bool = False) -> int:
    """Print an error on stderr, in one line.

    Args:
        error: the error.
        verbose: print its traceback first.

    Returns:
        The exit code.

    >>> print_error(KeyboardInterrupt())
    130
    """
    if verbose:
        traceback.print_exception(error)
    text, code = explain_error(error)
    if "WORLD_SIZE" not in os.environ or _speaks():
        click.echo(printable(text), err=True)
    return code


def _speaks() -> bool:
    """Whether this process is the one of several that prints errors."""
    from vaekit.parallel.processes import speaks

    return speaks()


def explain_error(error: BaseException) -> tuple[str, int]:
    """The message and the exit code of an error.

    >>> from vaekit.errors import NotFoundError
    >>> explain_error(NotFoundError("no such run"))
    ('error: no such run', 4)
    """
    match error:
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", INTERRUPTED
        case InterruptedRun():
            return str(error), error.exit_code
        case VaekitError():
            return f"error: {error}", error.exit_code
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "vaekit"
            return f"error: {error.format_message().rstrip('.')}; see: {path} --help", error.exit_code
        case click.ClickException():
            return f"error: {error.format_message()}", error.exit_code
        case _ if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return f"error: out of memory: {error}; use less memory, for example training.batch_size=32", 1
        case OSError():
            place = f" ({error.filename})" if error.filename else ""
            return f"error: {error.strerror or error}{place}; check the path, its permissions and the disk", 1
        case _:
            hint = "to see the traceback, run again with: vaekit -v ..."
            return f"internal error: {type(error).__name__}: {error}; {hint}", 1
