from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

import vaekit
from vaekit.cli import SECTIONS, main, options, program
from vaekit.cli.group import explain_error, print_error
from vaekit.errors import DivergedError, InterruptedRun, InvalidError, NotFoundError, VaekitError

NAMES = [name for names in SECTIONS.values() for name in names]
HEAVY = ("torch", "numpy", "scipy", "sklearn", "matplotlib", "pydantic", "rich", "yaml")


def every_command(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from every_command(command, *path, name)


def test_help_lists_every_command_in_its_section():
    result = CliRunner().invoke(program, ["--help"])
    assert result.exit_code == 0
    for heading, names in SECTIONS.items():
        assert f"\n{heading}:\n" in result.stdout
        for name in names:
            assert f"\n  {name} " in result.stdout


def test_without_a_command_the_help_is_shown():
    result = CliRunner().invoke(program, [])
    assert (result.exit_code, result.stdout) == (0, CliRunner().invoke(program, ["--help"]).stdout)


@pytest.mark.parametrize("path", [*every_command(program)], ids=" ".join)
def test_every_command_has_a_summary_and_an_example(path):
    result = CliRunner().invoke(program, [*path, "--help"])
    assert result.exit_code == 0
    _, sentence, rest = result.stdout.split("\n\n", 2)
    assert sentence.strip().endswith(".")
    assert f"vaekit {path[0]}" in rest[rest.index("Example") :]


def test_help_imports_nothing_heavy():
    calls = [["--help"], *([name, "--help"] for name in NAMES)]
    code = (
        "import sys\n"
        "from vaekit.cli import program\n"
        f"for words in {calls!r}:\n"
        "    try: program.main(words, 'vaekit')\n"
        "    except SystemExit as end: assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_training_starts_without_packages_that_only_other_steps_need():
    later = ("scipy", "sklearn", "matplotlib", "pandas", "torch._dynamo", "torch._inductor")
    code = f"import sys, vaekit.runs.train; print([name for name in {later!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version():
    assert CliRunner().invoke(program, ["--version"]).stdout == f"vaekit {vaekit.__version__}\n"


def test_an_unknown_command_is_a_usage_error_that_names_the_nearest(fails):
    assert fails(2, "trian") == "error: no such command 'trian'; did you mean 'train'?; see: vaekit --help"


def test_an_unknown_option_is_a_usage_error_in_one_line(fails):
    line = fails(2, "sample", "RUN", "--sed", "1")
    assert line.startswith("error: No such option")
    assert "--seed" in line
    assert line.endswith("see: vaekit sample --help")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VaekitError("a"), 1),
        (InvalidError("a"), 3),
        (NotFoundError("a"), 4),
        (DivergedError("a"), 5),
        (click.UsageError("a"), 2),
        (KeyError("a"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code):
    text, found = explain_error(error)
    assert found == code
    assert text.startswith("internal error: KeyError: 'a'" if isinstance(error, KeyError) else "error: a")


def test_an_interruption_is_not_an_error():
    assert explain_error(InterruptedRun("interrupted; go on")) == ("interrupted; go on", 130)
    assert explain_error(KeyboardInterrupt()) == ("interrupted", 130)
    assert explain_error(click.Abort()) == ("interrupted", 130)


def test_out_of_memory_is_not_an_internal_error():
    text, code = explain_error(MemoryError("cannot allocate 3 TiB"))
    assert (code, text.split(";")[0]) == (1, "error: out of memory: cannot allocate 3 TiB")


def test_a_message_of_many_lines_is_printed_in_one(capsys):
    assert print_error(RuntimeError("out of\n\n  memory")) == 1
    assert capsys.readouterr().err == (
        "internal error: RuntimeError: out of memory; to see the traceback, run again with: vaekit -v ...\n"
    )


@pytest.mark.parametrize("words", [["-v", "sample", "x"], ["sample", "x", "-v"]])
def test_verbose_shows_the_traceback(call, words):
    result = call(*words)
    assert result.exit_code == 4
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: x: no such")


def test_python_runs_the_package_as_the_command():
    done = subprocess.run([sys.executable, "-m", "vaekit", "--version"], capture_output=True, text=True)
    assert done.stdout == f"vaekit {vaekit.__version__}\n"


def test_the_command_sets_the_spin_wait(monkeypatch):
    monkeypatch.setattr("sys.argv", ["vaekit", "--version"])
    monkeypatch.setattr("os.environ", {})
    with pytest.raises(SystemExit):
        main()
    assert os.environ["GOMP_SPINCOUNT"] in ("3000", "10000")


def test_an_unexpected_error_is_called_internal(fails, monkeypatch):
    monkeypatch.setattr("vaekit.runs.run.open_path", lambda *_: {}["gone"])
    assert fails(1, "sample", "x").startswith("internal error: KeyError: 'gone'; to see the traceback")


def test_a_closed_pipe_is_not_an_error():
    """As `vaekit recipes keys | head -1`: the writer finds the pipe closed."""
    read, write = os.pipe()
    os.close(read)
    code = "from vaekit.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "recipes", "keys"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.stderr == ""


def test_shared_options_are_the_same_everywhere():
    """An option that two commands share has one meaning: its declaration comes from one place."""
    seen: dict[str, set[str]] = {}
    for name in ("sample", "reconstruct", "interpolate", "traverse", "evaluate"):
        command = program.get_command(click.Context(program), name)
        for parameter in command.params:
            seen.setdefault(parameter.name, set()).add(getattr(parameter, "help", "") or "")
    for shared in ("seed", "device", "data", "split", "as_json"):
        assert len(seen[shared]) == 1
    assert options.SPLITS == ("train", "validation", "test")
