"""`vaekit migrate`: a door to `vaekit.engine.migrate`, whose tests convert whole models."""

from __future__ import annotations

import shutil
from pathlib import Path

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format1"


def test_a_run_of_format_1_is_converted_in_place(call, numbers, fails, tmp_path):
    old = Path(shutil.copytree(FIXTURE, tmp_path / "old"))
    words = ("sample", old / "model", "-n", 2, "-o", "x.npy")
    assert f"vaekit migrate {old / 'model'}" in fails(3, *words)
    changed = ("recipe.yaml", "model/config.json", "model/model.safetensors")
    assert numbers("migrate", old) == {"files": [str(old / name) for name in changed]}
    assert (old / "model/config.format1.json").is_file()
    assert call(*words).exit_code == 0


def test_a_current_run_is_left_alone(call, run):
    before = (run / "model/config.json").read_bytes()
    assert call("migrate", run).stdout == f"{run}: already in the current format\n"
    assert (run / "model/config.json").read_bytes() == before


def test_neither_a_run_nor_a_model(fails, tmp_path):
    assert "expected a run directory or a model directory" in fails(4, "migrate", tmp_path)
