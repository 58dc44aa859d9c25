"""The program around the commands: it finds them, groups them in its help, and turns errors into exit codes.

A command's module is imported only when it is called, or for its line in the help. Every error of a user or a
machine ends as one line on stderr; only what nobody foresaw is called internal.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from vaekit.errors import InterruptedRun, VaekitError, did_you_mean

INTERRUPTED = 130


class CommandGroup(click.Group):
    """A group whose commands are modules of `vaekit.cli`, listed in sections.

    Args:
        sections: heading -> names of commands, in the order of the help.
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
                formatter.write_dl([(name.ljust(width), self._line(ctx, name)) for name in names])

    def _line(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=100) if command else ""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and exit with its code."""
        settings: dict[str, bool] = {}
        try:
            code = super().main(args, prog_name, **{**extra, "standalone_mode": False, "obj": settings})
        except (Exception, KeyboardInterrupt) as error:
            code = report(error, verbose=bool(settings.get("verbose")))
        sys.exit(code or 0)


def report(error: BaseException, verbose: bool = False) -> int:
    """Say on stderr, in one line, what went wrong.

    Args:
        verbose: show the traceback before it.

    Returns:
        The exit code.
    """
    if verbose:
        traceback.print_exception(error)
    text, code = explain(error)
    click.echo(" ".join(text.split()), err=True)
    return code


def explain(error: BaseException) -> tuple[str, int]:
    """The line and the exit code of an error."""
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
            return f"error: out of memory: {error}; ask for less at once, such as training.batch_size=32", 1
        case _:
            hint = "for the traceback run again as: vaekit -v ..."
            return f"internal error: {type(error).__name__}: {error}; {hint}", 1
