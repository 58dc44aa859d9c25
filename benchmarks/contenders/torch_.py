"""Only the import of torch, to compare start-up times."""

from __future__ import annotations

from gate import Gate

gate = Gate()

import torch  # noqa: E402, F401

gate()
