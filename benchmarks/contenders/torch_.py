"""For the start-up alone: the import of torch, and nothing else."""

from __future__ import annotations

from gate import Gate

gate = Gate()

import torch  # noqa: E402, F401

gate()
