"""`vaekit doctor`: a check of this machine, and of a run."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options

Facts = dict[str, Any]


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@options.model_output
def command(run: str | None, as_json: bool) -> None:
    """Show versions, devices and data, and warn about known problems.

    With a run directory RUN, also check its files, and suggest what to change in the model or its training.

    \b
    Examples:
      vaekit doctor
      vaekit doctor runs/mnist/1
    """
    from vaekit.cli.output import emit
    from vaekit.runs import doctor

    facts = doctor.examine(run)
    emit(facts, _render(facts), as_json)


def _render(facts: Facts) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table

    rows = table()
    for heading, lines in _sections(facts).items():
        rows.add_row(heading, "")
        for name, value in lines.items():
            rows.add_row(f"  {name}", value)
    advice = [f"Advice: {advice}." for advice in facts.get("run", {}).get("advice", [])]
    warnings = [f"Warning: {warning}." for warning in facts["warnings"]]
    return Group(rows, "", *(warnings + advice or ["No problems found."]))


def _sections(facts: Facts) -> dict[str, dict[str, str]]:
    packages = facts["versions"] | facts["extras"]
    sections = {
        "Versions": {name: version or "not installed" for name, version in packages.items()},
        "Machine": _machine_lines(facts["machine"]),
        "Data": _data_lines(facts["data"]),
    }
    return sections | ({"Run": _run_lines(facts["run"])} if "run" in facts else {})


def _machine_lines(machine: Facts) -> dict[str, str]:
    memory = machine["memory"]
    return {
        "platform": machine["platform"],
        "CPU": machine["cpu"],
        "devices": ", ".join(machine["devices"]),
        "default device": machine["device"],
        "threads": f"{machine['threads']} on {machine['cores']} cores",
        "memory": f"{_format_bytes(memory['free'])} free of {_format_bytes(memory['total'])}"
        if memory
        else "unknown",
        "disk": f"{_format_bytes(machine['disk_free'])} free in this folder",
    }


def _data_lines(data: Facts) -> dict[str, str]:
    return {
        "cache": f"{data['cache']}, {_format_bytes(data['cache_size'])}",
        "VAEKIT_DATA": data["VAEKIT_DATA"] or "not set",
        **data["found"],
    }


def _run_lines(run: Facts) -> dict[str, str]:
    words = {True: "yes", False: "no", None: "none"}
    return {
        name: words.get(value, str(value))
        for name, value in run.items()
        if name not in ("problems", "advice")
    }


def _format_bytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
