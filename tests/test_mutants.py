"""The modules, tests and changes that `scripts/mutants.py` names are there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import mutants

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("module", mutants.SUBJECTS)
def test_every_module_has_mutants_and_tests_that_are_there(module):
    assert list(mutants.mutants_of(module))
    assert all((ROOT / "tests" / name).is_file() for name in mutants.SUBJECTS[module])


@pytest.mark.slow
def test_every_change_that_no_test_can_see_is_one_that_is_made():
    made = {
        (mutant.module, mutant.change) for module in mutants.SUBJECTS for mutant in mutants.mutants_of(module)
    }
    assert set(mutants.EQUIVALENT) <= made
