"""`vaekit doctor`: what there is to work with, and what is known to go wrong."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options

Facts = dict[str, Any]


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@options.as_json
@options.verbose
def command(run: str | None, as_json: bool) -> None:
    """Show versions, devices and data, and warn of known traps.

    With a run directory RUN, look at that too: what can be read of it, and what its numbers say is wrong with
    the model or its training, each with the cure to try.

    \b
    Examples:
      vaekit doctor
      vaekit doctor runs/mnist/1
    """
    from vaekit.cli.output import emit
    from vaekit.runs import doctor

    facts = doctor.examine(run)
    emit(facts, _text(facts), as_json)


def _text(facts: Facts) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table

    rows = table()
    for heading, lines in _sections(facts).items():
        rows.add_row(heading, "")
        for name, value in lines.items():
            rows.add_row(f"  {name}", value)
    advice = [f"Advice: {advice}." for advice in facts.get("run", {}).get("advice", [])]
    warnings = [f"Warning: {warning}." for warning in facts["warnings"]]
    return Group(rows, "", *(warnings + advice or ["No trouble found."]))


def _sections(facts: Facts) -> dict[str, dict[str, str]]:
    packages = facts["versions"] | facts["extras"]
    sections = {
        "Versions": {name: version or "not installed" for name, version in packages.items()},
        "Machine": _machine(facts["machine"]),
        "Data": _data(facts["data"]),
    }
    return sections | ({"Run": _run(facts["run"])} if "run" in facts else {})


def _machine(machine: Facts) -> dict[str, str]:
    memory = machine["memory"]
    return {
        "platform": machine["platform"],
        "processor": machine["cpu"],
        "devices": ", ".join(machine["devices"]),
        "device auto": machine["device"],
        "threads": f"{machine['threads']} on {machine['cores']} cores",
        "memory": f"{_size(memory['free'])} free of {_size(memory['total'])}" if memory else "unknown",
        "disk": f"{_size(machine['disk_free'])} free here",
    }


def _data(data: Facts) -> dict[str, str]:
    return {
        "cache": f"{data['cache']}, {_size(data['cache_size'])}",
        "VAEKIT_DATA": data["VAEKIT_DATA"] or "not set",
        **data["found"],
    }


def _run(run: Facts) -> dict[str, str]:
    shown = {True: "yes", False: "no", None: "none"}
    return {
        name: shown.get(value, str(value))
        for name, value in run.items()
        if name not in ("problems", "advice")
    }


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
