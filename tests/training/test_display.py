"""What people see."""

from __future__ import annotations

import io
import re

import pytest

from toy_runs import At, model, train
from vaekit.models import posteriors
from vaekit.models.objectives import Objective
from vaekit.training.display import (
    CompositeLogger,
    LineLogger,
    NotebookBar,
    ProgressBar,
    SilentLogger,
    format_epoch,
    make_display,
    two_lines,
)
from vaekit.training.epoch_table import REPEAT, EpochTable
from vaekit.training.position import Position
from vaekit.utils.io import read_records

RECORD = {
    "epoch": 3,
    "step": 1407,
    "loss": 101.23,
    "reconstruction": 80.104,
    "kl": 21.126,
    "kl_layers": [21.126],
    "beta": 1.0,
    "learning_rate": 0.001,
    "images_per_second": 15331.7,
    "seconds": 3.2,
    "validation_loss": 102.301,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()


def test_the_line_of_an_epoch():
    assert format_epoch(RECORD, 10) == (
        "epoch 3/10 step 1407 loss 101.230 reconstruction 80.104 kl 21.126 beta 1 examples/s 15332 "
        "validation 102.301"
    )


@pytest.mark.parametrize("scale", [1.0, -1e3, 1e7, 1e300])
@pytest.mark.parametrize("epochs", [3, 1000, 123_456])
def test_no_line_of_an_epoch_is_wider_than_80_columns(scale, epochs):
    table = EpochTable(epochs)
    for epoch in (1, 2, epochs):
        terms = {key: scale * RECORD[key] for key in ("loss", "reconstruction", "kl", "validation_loss")}
        record = RECORD | terms | {"epoch": epoch, "beta": epoch / 1e6, "is_best": True}
        lines = table.lines(record)
        assert max(map(len, lines)) <= 80
        assert len(set(map(len, [*lines[:-1], lines[-1].removesuffix(" *")]))) == 1


def test_a_constant_column_is_left_out_and_comes_with_a_new_header_if_it_changes():
    table = EpochTable(100)
    assert "beta" not in table.lines(RECORD | {"beta": 1.0})[0]
    assert len(table.lines(RECORD | {"beta": 1.0})) == 1
    header, line = table.lines(RECORD | {"beta": 0.5})
    assert header.split()[4] == "beta"
    assert line.split()[4] == "0.5"
    assert len(table.lines(RECORD | {"beta": 0.6})) == 1
    fixed = EpochTable(100)
    assert "beta" in fixed.lines(RECORD | {"beta": 4.0})[0], "the first epoch cannot know that it stays so"
    for _ in range(REPEAT - 1):
        assert len(fixed.lines(RECORD | {"beta": 4.0})) == 1
    assert "beta" not in fixed.lines(RECORD | {"beta": 4.0})[0]


def test_undefined_numbers_are_left_out():
    assert " kl " not in format_epoch({**RECORD, "kl": None}, 10)


def test_without_a_terminal_there_is_one_line_per_epoch(tmp_path):
    stream = io.StringIO()
    log = make_display(stream=stream)
    assert isinstance(log, LineLogger)
    train(tmp_path, log=log)
    lines = stream.getvalue().splitlines()
    header, *epochs = lines
    assert header.split() == ["epoch", "loss", "reconstruction", "kl", "beta", "examples/s", "validation"]
    assert [text.split()[0] for text in epochs] == ["1/4", "2/4", "3/4", "4/4"]
    assert {len(text.rstrip(" *")) for text in lines} == {len(header)}
    records = read_records(tmp_path / "metrics.jsonl")
    starred = [text.endswith(" *") for text in epochs]
    assert starred == [bool(record["is_best"]) for record in records]
    assert [float(text.split()[1]) for text in epochs] == pytest.approx(
        [r["loss"] for r in records], abs=1e-3
    )


def test_a_dumb_terminal_gets_plain_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display(stream=terminal), LineLogger)


def test_quiet(tmp_path, capsys):
    log = make_display(quiet=True)
    assert isinstance(log, SilentLogger)
    train(tmp_path, log=log)
    assert capsys.readouterr() == ("", "")


def test_a_live_display_in_a_terminal(tmp_path, terminal, monkeypatch):
    monkeypatch.setattr("vaekit.training.display.REFRESH", 0.0)
    log = make_display(stream=terminal)
    assert isinstance(log, ProgressBar)
    train(tmp_path, log=log)
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "epoch 4/4" in text
    assert re.search(r"\d+ %", text)
    assert re.search(r"\n *loss [\d.]+ .*validation [\d.]+ *\r?\n *step 13 .*examples/s \d+", text)
    assert re.findall(r"[\r\n] +(\d)/4 +\d+\.\d{3} ", text) == ["1", "2", "3", "4"]
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_the_running_means_fit_a_terminal_of_80_columns():
    first, second = two_lines(RECORD | {"step": 1_234_567, "loss": 1012.345}).splitlines()
    assert first == "loss 1012.345 reconstruction 80.104 kl 21.126 validation 102.301"
    assert second == "step 1234567 beta 1 examples/s 15332"


def test_the_terminal_is_restored_if_training_fails(tmp_path, terminal):
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        train(tmp_path, log=CompositeLogger(make_display(stream=terminal), At(3, fail)))
    assert "\x1b[?25h" in terminal.getvalue()


def test_no_color(tmp_path, terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    train(tmp_path, log=make_display(stream=terminal))
    assert not re.search(r"\x1b\[[\d;]*3\dm", terminal.getvalue())


def test_notes_are_printed_as_they_are(terminal):
    make_display(stream=terminal).note("[red]checkpoint[/red] " + "x" * 120)
    assert terminal.getvalue() == "[red]checkpoint[/red] " + "x" * 120 + "\n"


def test_an_autoencoder_in_the_live_display(tmp_path, terminal, monkeypatch):
    monkeypatch.setattr("vaekit.training.display.REFRESH", 0.0)
    objective = Objective(beta=lambda position: 0.0)
    train(
        tmp_path,
        vae=model(posteriors.delta()),
        objective=objective,
        bound=False,
        log=make_display(stream=terminal),
    )
    assert " kl " not in terminal.getvalue()


class Cell:
    """The output of a notebook's cell: what is displayed, and what it was replaced by."""

    def __init__(self):
        self.shown = []

    def show(self, text):
        self.shown.append(text)
        return self

    update = show


def test_a_notebook_has_one_bar_that_is_updated(tmp_path):
    cell = Cell()
    train(tmp_path, log=NotebookBar(cell.show))
    assert all(text.count("<progress") == 1 for text in cell.shown)
    last, of = re.search(r"epoch (\d+)/(\d+)", cell.shown[-1]).groups()
    assert last == of
    assert cell.shown[-1].count("epoch ") == 1
    total, done = re.search(r'max="(\d+)" value="(\d+)"', cell.shown[-1]).groups()
    assert total == done


def test_a_note_in_a_notebook_is_escaped():
    cell = Cell()
    bar = NotebookBar(cell.show)
    bar.note("before the start")
    bar.start(2, 5, Position())
    bar.note("<b>")
    assert cell.shown[-1].endswith("before the start<br>&lt;b&gt;</div>")


def test_a_kernel_of_a_notebook_has_a_bar_and_a_stream_of_its_own_has_lines(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert type(make_display()).__name__ == "NotebookBar"
    assert type(make_display(stream=io.StringIO())).__name__ == "LineLogger"
