"""How many inputs a property test tries: some dozens in `make test`, thousands in `make test-all`.

`VAEKIT_HOSTILE=2000` sets the number for every test of this folder; scripts/hostile.py does so, in a process
with a limit of memory.
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings

INPUTS = int(os.environ.get("VAEKIT_HOSTILE", 0))
SECONDS = 10  # that one input may take

budget = settings(
    max_examples=INPUTS or 25,
    deadline=timedelta(seconds=SECONDS),
    derandomize=not INPUTS,
    database=None,
    suppress_health_check=list(HealthCheck),
)
