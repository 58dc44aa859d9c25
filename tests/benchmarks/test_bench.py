"""The bench, but for the time it takes: its workloads, its table, who takes part, and its gate."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from benchmarks.contestants import CONTENDERS, SCRIPTS, Contestant
from benchmarks.curves import draw
from benchmarks.document import put
from benchmarks.environments import Unavailable
from benchmarks.images import stored
from benchmarks.run import _read, main
from benchmarks.table import markdown, memory, ratio, times
from benchmarks.turns import measure
from benchmarks.workloads import AXES, WORKLOADS, position

from benchmarks import environments, history
from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe, override_recipe

TINY = replace(
    WORKLOADS["W1"],
    name="tiny",
    data="noise",
    shape=(1, 4, 4),
    images=60,
    width=(5, 5),
    latent=(2,),
    batch=20,
)


def line(contender: str, number: int, seconds: float, workload: str = "W1", steps: int = 10) -> dict:
    found = {"workload": workload, "contender": contender, "round": number, "steps": steps}
    return {**found, "seconds": seconds, "processor": 2 * seconds, "memory": 100.0 + number}


# ------------------------------------------------------------------------------------------------- workloads


def test_each_workload_is_told_of_and_its_contenders_exist():
    assert list(WORKLOADS) == ["W1", "W1v", "W2", "W3", "W3v", "W1h", "W4", "W5"]
    for name, workload in WORKLOADS.items():
        assert workload.name == name
        assert set(workload.against) <= CONTENDERS.keys()
    for contender in CONTENDERS.values():
        assert (SCRIPTS / contender.script).is_file()
        assert contender.environment in {"ours", *environments.PACKAGES}


def test_the_axes_move_one_thing():
    for axis, workloads in AXES.items():
        places = [position(axis, workload) for workload in workloads]
        assert places == sorted(set(places))


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_a_recipe_of_ours(name, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from recipe import overrides

    workload = WORKLOADS[name]
    described = SimpleNamespace(path="images.npy", **json.loads(json.dumps(workload.plain())))
    made = override_recipe(load_recipe("mnist-gated"), overrides(described))
    model = build_model(made.model, workload.shape)
    assert model.layer_dims == workload.latent
    assert made.training.batch_size == workload.batch
    sizes = [p.shape for p in model.parameters()]
    for width in (*workload.width, *workload.channels):
        assert any(width in size or 2 * width in size for size in sizes)
    if workload.components:
        assert any(workload.components == size[0] for size in sizes)


# ----------------------------------------------------------------------------------------------------- table


def test_a_ratio_is_the_median_of_pairs():
    """The machine was three times slower in the second round, which the ratios do not see."""
    lines = [line("ours", 0, 1.0), line("pythae", 0, 2.0), line("ours", 1, 3.0), line("pythae", 1, 6.6)]
    lines += [line("ours", 2, 1.0), line("pythae", 2, 1.9), line("pythae", 3, 50.0)]
    found = times(lines)["W1"]
    assert found["ours"][1] == pytest.approx(0.3)
    assert times(lines, "processor")["W1"]["ours"][1] == pytest.approx(0.6)
    assert ratio(found["pythae"], found["ours"]) == pytest.approx(2.0)
    assert ratio(found["pythae"], {}) is None
    assert memory(lines, "W1", "pythae") == 103.0
    assert memory(lines, "W1", "keras") is None


def test_the_table_is_sorted_and_says_who_is_missing():
    lines = [line("ours", 0, 0.05), line("pythae", 0, 0.1), line("limit", 0, 0.04)]
    lines.append({"workload": "W1", "contender": "keras", "unavailable": "No matching distribution"})
    titles = {name: contender.title for name, contender in CONTENDERS.items()}
    table = markdown(lines, {"W1": "a dense model"}, titles)
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in table.splitlines()
        if row.startswith("| W1")
    ]
    assert [row[1:] for row in rows] == [
        ["limit", "4.00", "0.80", "0.80", "100"],
        ["vaekit", "5.00", "", "", "100"],
        ["pythae", "10.0", "2.00", "2.00", "100"],
    ]
    assert table.endswith("- Keras 3, TensorFlow on W1: No matching distribution\n")


def test_the_curves_are_drawn(tmp_path):
    lines = [
        {**line(contender, 0, 0.1), "axis": axis, "position": position(axis, workload)}
        for axis, workloads in AXES.items()
        for workload in workloads
        for contender in ("ours", "limit")
    ]
    draw(lines, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 10_000


def test_a_table_is_put_into_its_place(tmp_path):
    document = tmp_path / "speed.md"
    document.write_text("before\n<!-- bench -->\nold\n<!-- end of bench -->\nafter\n")
    put(document, "bench", "new")
    assert document.read_text() == "before\n<!-- bench -->\nnew\n<!-- end of bench -->\nafter\n"
    with pytest.raises(ValueError, match=r"expected <!-- kernels -->"):
        put(document, "kernels", "new")


# ----------------------------------------------------------------------------------------------- contestants


def test_an_unknown_contender_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--contenders", "nobody"])
    with pytest.raises(SystemExit):
        main()
    assert "invalid choice: 'nobody'" in capsys.readouterr().err


def test_what_cannot_be_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "PACKAGES", {"torch": (str(tmp_path / "no-such-file.whl"),)})
    [found] = measure(TINY, ["plain"], rounds=1, seconds=0.01)
    assert found["contender"] == "plain"
    assert "no-such-file" in found["unavailable"]


def test_a_contender_that_fails_says_why(monkeypatch):
    broken = replace(TINY, shape=(1, 4, 4), channels=(3,), width=())  # it wants one width
    monkeypatch.setitem(CONTENDERS, "plain", replace(CONTENDERS["plain"], environment="ours"))
    with pytest.raises(Unavailable, match="plain: ValueError"):
        Contestant("plain", broken)


@pytest.mark.slow
def test_turns_are_timed(monkeypatch):
    monkeypatch.setitem(CONTENDERS, "plain", replace(CONTENDERS["plain"], environment="ours"))
    monkeypatch.setattr("benchmarks.turns.WARM_UP", 0.01)
    lines = list(measure(TINY, ["plain", "ours"], rounds=2, seconds=0.02))
    assert [(each["round"], each["contender"]) for each in lines] == [
        (0, "plain"), (0, "ours"), (1, "ours"), (1, "plain"),
    ]  # fmt: skip
    for each in lines:
        assert each["seconds"] > 0
        assert each["steps"] >= 1
        assert each["memory"] > 50


def test_images_are_the_same_for_all():
    assert stored(TINY) == stored(TINY)
    assert stored(TINY).is_file()


def test_the_gate_needs_python_alone():
    script = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import gate; print(gate.peak_memory())"
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert 1 < float(done.stdout) < 100


def test_a_workload_that_was_measured_again_counts_as_it_is_later(tmp_path):
    paths = [tmp_path / name for name in ("one.jsonl", "other.jsonl")]
    paths[0].write_text(
        "\n".join(json.dumps(line("ours", n, 1.0, w)) for n in range(3) for w in ("W1", "W2"))
    )
    paths[1].write_text(json.dumps(line("ours", 0, 9.0, "W1")))
    found = times(_read(paths))
    assert found["W1"]["ours"] == {0: 0.9}
    assert found["W2"]["ours"] == {0: 0.1, 1: 0.1, 2: 0.1}


# ------------------------------------------------------------------------------------------- our own history


class Benchmark:
    """Stands for the fixture of pytest-benchmark, which is installed for `make bench-own` alone."""

    def __init__(self) -> None:
        self.extra_info: dict = {}

    def pedantic(self, function, arguments, rounds, warmup_rounds):
        return [function(*arguments) for _ in range(1 + warmup_rounds)][-1]


def test_our_own_history_is_of_every_workload_but_the_start():
    assert set(history.AT_ONCE) == WORKLOADS.keys() - {"W4"}
    assert {name for name, contender in history.CASES if contender == "ours"} == set(history.AT_ONCE)


@pytest.mark.slow
def test_our_own_history_times_the_real_command(monkeypatch):
    monkeypatch.setitem(history.WORKLOADS, "tiny", TINY)
    monkeypatch.setitem(history.AT_ONCE, "tiny", 3)
    found = Benchmark()
    history.test_speed(found, "tiny", "ours")
    assert (found.extra_info["unit"], found.extra_info["at_once"]) == ("step", 3)
    assert found.extra_info["memory"] > 50
