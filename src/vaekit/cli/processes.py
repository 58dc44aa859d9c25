"""A command in several processes: its option, and its start by torchrun's engine."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

PROCESSES, RESTARTS = "processes", "max_restarts"

processes = click.option(
    "--processes",
    PROCESSES,
    type=click.IntRange(1, 1024),
    help="Number of processes on this machine that share the work; for several machines see torchrun.",
)
max_restarts = click.option(
    "--max-restarts",
    RESTARTS,
    type=click.IntRange(0, 1000),
    help="How often all processes start again, from the last checkpoint, after one was killed. Default: 0.",
)


def run_in_processes(number: int | None, restarts: int | None = None) -> None:
    """Run the current command in several processes instead of this one, and exit with their code.

    It returns if one process is asked for, or if this is one of several already.

    Args:
        number: of processes.
        restarts: how often they are started again.

    Raises:
        click.UsageError: restarts are asked for, but not several processes.
        click.exceptions.Exit: they ended.
    """
    from vaekit.parallel.processes import launched

    if number in (None, 1):
        if restarts:
            raise click.UsageError("--max-restarts belongs to --processes N, with N above 1")
        return
    if launched():
        raise click.UsageError("--processes: torchrun has started the processes already; leave it out")
    from vaekit.parallel.launch import launch

    context = click.get_current_context()
    raise click.exceptions.Exit(launch(words_of(context), int(number or 1), restarts or 0))


def words_of(context: click.Context) -> list[str]:
    """The command line of a command as words, without its options about processes."""
    before = ["-v"] if (context.obj or {}).get("verbose") else []
    words = [*before, str(context.info_name)]
    arguments: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in (PROCESSES, RESTARTS) or context.get_parameter_source(name) is ParameterSource.DEFAULT:
            continue
        values = _values(context.params.get(name), parameter)
        if isinstance(parameter, click.Option):
            words += _option(parameter, values)
        else:
            arguments += [str(value) for value in values]
    return [*words, *(["--", *arguments] if arguments else [])]


def _values(value: Any, parameter: click.Parameter) -> list[Any]:
    if value is None:
        return []
    return list(value) if parameter.multiple or parameter.nargs == -1 else [value]


def _option(option: click.Option, values: list[Any]) -> list[str]:
    long = max(option.opts, key=len)
    if option.is_flag:
        return [long] if values and values[0] else []
    return [word for value in values for word in (long, str(value))]
